"""Rollouts, attempts, evidence → JSON; and people's calls → their answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.contract import Playbook
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.access import error
from handrail_receiver.calls import Calls
from handrail_receiver.errors import StoreDown
from handrail_receiver.intake import MAX_BODY
from handrail_receiver.model import Attempt, Effect, EvidenceRecord, Run, Verdict
from handrail_receiver.operate import Asked
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.stores import Store
from handrail_receiver.stores.chain import first_broken
from handrail_receiver.tokens import Caller

VERBS = ("start", "promote", "hold", "resume", "rollback")


class CallBody(BaseModel):
    """What may come with a call; `anyway` goes past "not ready" and needs `why`."""

    model_config = ConfigDict(extra="forbid")
    why: str = Field(default="", max_length=1000)
    anyway: bool = False


class StepView(BaseModel):
    """One step of a run."""

    kind: str
    state: str
    found: str
    cause: str | None


class RunView(BaseModel):
    """One action of an attempt, with the four instants that are measured of a rollback."""

    action: str
    key: str
    round: int
    state: str
    asked_by: str
    reason: str
    text: str
    detected_at: datetime
    decided_at: datetime
    acted_at: datetime | None
    proved_at: datetime | None
    finished_at: datetime | None
    steps: list[StepView]


class AttemptView(BaseModel):
    """One try at a rollout."""

    number: int
    state: str
    stage: str
    stage_entered_at: datetime
    started_at: datetime
    started_by: str
    held: str
    rollback_ready: bool
    not_ready: str


class RolloutView(BaseModel):
    """A rollout: its stages and its newest attempt with all its runs."""

    rollout: str
    service: str
    stages: list[str]
    attempt: AttemptView | None
    runs: list[RunView]


class CallAnswer(BaseModel):
    """What was decided and why; `outcome` is the state of the run it opened, when it opened one."""

    verdict: str
    reason: str
    text: str
    outcome: str | None = None
    outcome_text: str | None = None


class EvidenceView(BaseModel):
    """A rollout's evidence; `whole` is false when a record does not fit the one before."""

    rollout: str
    whole: bool
    first_broken: int | None
    records: list[dict[str, Any]]


@dataclass(frozen=True)
class Api:
    """The JSON half of what people see."""

    store: Store
    playbooks: Playbooks
    calls: Calls
    clock: Clock

    async def rollouts(self, _request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts"""
        views = [(await self.view(playbook)).model_dump(mode="json") for playbook in self.playbooks.all()]
        return JSONResponse({"rollouts": views})

    async def rollout(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}"""
        playbook = self._named(request)
        return (
            _unknown(request)
            if playbook is None
            else JSONResponse((await self.view(playbook)).model_dump(mode="json"))
        )

    async def evidence(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}/evidence"""
        playbook = self._named(request)
        if playbook is None:
            return _unknown(request)
        records = await self.store.evidence.read(playbook.rollout)
        broken = first_broken(records)
        view = EvidenceView(
            rollout=playbook.rollout,
            whole=broken is None,
            first_broken=broken,
            records=list(map(_record, records)),
        )
        return JSONResponse(view.model_dump(mode="json"))

    async def call(self, request: Request, caller: Caller) -> Response:
        """POST /api/rollouts/{name}/{verb}"""
        playbook = self._named(request)
        if playbook is None:
            return _unknown(request)
        if int(request.headers.get("content-length") or 0) > MAX_BODY:
            return error(413, 'the body is too large; send {} or {"why": …}')
        try:
            body = CallBody.model_validate_json(await request.body() or b"{}")
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            return error(
                400,
                f'{".".join(map(str, first["loc"])) or "body"}: {first["msg"]}; send {{"why": TEXT, "anyway": BOOL}}',
            )
        asked = Asked(request.url.path.rpartition("/")[2], caller.name, body.why, body.anyway)
        try:
            decision, run = await self.calls.call(playbook, asked)
        except StoreDown as problem:
            return error(503, str(problem))
        answer = CallAnswer(
            verdict=decision.verdict,
            reason=decision.reason,
            text=decision.text,
            outcome=run.state if run else None,
            outcome_text=run.text if run else None,
        )
        return JSONResponse(answer.model_dump(), 409 if decision.verdict == Verdict.refuse else 200)

    async def view(self, playbook: Playbook) -> RolloutView:
        """All there is to say about a rollout."""
        history = await self.store.attempts.history(playbook.rollout, self.clock.now())
        return RolloutView(
            rollout=playbook.rollout,
            service=playbook.service,
            stages=[stage.name for stage in playbook.stages],
            attempt=_attempt(history.attempt) if history.attempt else None,
            runs=[_run(run) for run in history.runs],
        )

    def _named(self, request: Request) -> Playbook | None:
        return self.playbooks.get(request.path_params["name"])


def _unknown(request: Request) -> Response:
    return error(
        404, f"no playbook declares {request.path_params['name']!r}; generate it or correct the name"
    )


def _attempt(attempt: Attempt) -> AttemptView:
    return AttemptView(
        number=attempt.number,
        state=attempt.state,
        stage=attempt.stage,
        stage_entered_at=attempt.stage_entered_at,
        started_at=attempt.started_at,
        started_by=attempt.started_by,
        held=attempt.held,
        rollback_ready=not attempt.rollback_ready,
        not_ready=attempt.rollback_ready,
    )


def _run(run: Run) -> RunView:
    return RunView(
        action=run.action,
        key=run.key,
        round=run.round,
        state=run.state,
        asked_by=run.asked_by,
        reason=run.reason,
        text=run.text,
        detected_at=run.detected_at,
        decided_at=run.decided_at,
        acted_at=run.acted_at,
        proved_at=run.finished_at if run.state == "proved" else None,
        finished_at=run.finished_at,
        steps=list(map(_step, run.effects)),
    )


def _step(effect: Effect) -> StepView:
    return StepView(kind=effect.step.kind, state=effect.state, found=effect.found, cause=effect.cause)


def _record(record: EvidenceRecord) -> dict[str, Any]:
    return {
        "number": record.number,
        "at": record.at.isoformat(),
        "kind": record.kind,
        "body": record.body,
        "previous": record.previous,
        "hash": record.hash,
    }
