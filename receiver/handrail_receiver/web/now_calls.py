"""A rollout → its present state, and whether its gate is open, as JSON for programs that poll."""

from __future__ import annotations

from dataclasses import dataclass, replace

from handrail.contract import Playbook
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from handrail_receiver.access.authorization import error
from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import UNREADABLE
from handrail_receiver.model import History, in_force
from handrail_receiver.operations.gate_result import GateQuestion, GateResult, UnknownStage, gate_result
from handrail_receiver.operations.preflight import Preflight, preflight
from handrail_receiver.view_models.now import GateResultView, now_view
from handrail_receiver.view_models.schemas import ask_view
from handrail_receiver.web.api import Api, first_problem, unknown_rollout
from handrail_receiver.web.reading import cannot_be_read
from handrail_receiver.web.watching import Watching

TRIES = 3
"""How often a gate is judged in which something happens meanwhile."""


class WantedGate(BaseModel):
    """Which gate: into this stage (`complete`: after the last one); by default the next one."""

    model_config = ConfigDict(extra="forbid")
    into: str = Field(default="", max_length=200)


@dataclass(frozen=True)
class Looking:
    """The answers for `handrail rollout watch` and `handrail gate`."""

    api: Api
    watching: Watching

    async def now(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}/now"""
        newest = self.api.named(request)
        if newest is None:
            return unknown_rollout(request)
        try:
            history = await self.api.history(newest)
        except UNREADABLE as problem:
            return _unreadable(newest, problem)
        playbook, at = in_force(history.attempt, newest), self.api.clock.now()
        gate, watched = await self.watching.with_gate(self.api.calls, playbook, history, at)
        view = now_view(playbook, history, gate, watched, at)
        return _json(view.model_copy(update={"guard_problems": self.api.guard_problems()}))

    async def gate(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}/gate"""
        newest = self.api.named(request)
        if newest is None:
            return unknown_rollout(request)
        try:
            into = WantedGate.model_validate(dict(request.query_params)).into
            history, answer = await self.gate_now(newest, into)
        except ValidationError as problem:
            return error(
                400, f"{first_problem(problem)}; give into= (a stage), or leave it out for the next one"
            )
        except UnknownStage as problem:
            return error(400, str(problem))
        except UNREADABLE as problem:
            return _unreadable(newest, problem)
        return _json(_gate_result_view(newest, history, answer))

    async def gate_now(self, newest: Playbook, into: str) -> tuple[History, GateResult]:
        """How it stands, by the history as it is afterwards: what happened while Prometheus was asked counts too."""
        history = await self.api.history(newest)
        for _ in range(TRIES):
            seen = history
            answer = await self._gate_result(in_force(seen.attempt, newest), seen, into)
            history = await self.api.history(newest)
            if history == seen:
                return history, answer
        text = "the attempt changes while its gate is judged; ask again"
        return history, replace(answer, answer="unknown", text=text, unknown=(*answer.unknown, text))

    async def _gate_result(self, playbook: Playbook, history: History, into: str) -> GateResult:
        """The gate, judged anew as for a promotion, while an attempt is active."""
        calls, live = self.api.calls, history.attempt is not None and history.attempt.live
        before = await preflight(calls.prometheus, playbook) if live else Preflight()
        gate = await calls.gate(playbook, history, before.fires, fresh=True) if live else None
        return gate_result(GateQuestion(playbook, history, gate, before, calls.guard.conditions()), into)


def _gate_result_view(playbook: Playbook, history: History, answer: GateResult) -> GateResultView:
    attempt = history.attempt
    return GateResultView(
        rollout=playbook.rollout,
        attempt=attempt.number if attempt else None,
        phase=answer.phase,
        stage=attempt.stage if attempt else "",
        into=answer.into,
        answer=answer.answer,
        text=answer.text,
        asks=list(map(ask_view, answer.asks)),
        against=list(answer.against),
        unknown=list(answer.unknown),
    )


def _unreadable(playbook: Playbook, problem: Exception) -> Response:
    return error(500, f"{playbook.rollout}: {cannot_be_read(problem)}")


def _json(view: BaseModel) -> Response:
    return Response(view.model_dump_json(), media_type="application/json")
