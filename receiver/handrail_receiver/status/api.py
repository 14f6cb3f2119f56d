"""Rollouts, attempts, evidence → JSON; and people's calls → their answers."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.contract import Playbook
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.access import error
from handrail_receiver.bodies import Incomplete, TooLarge, read_body
from handrail_receiver.calls import Calls
from handrail_receiver.model import Verdict
from handrail_receiver.operate import Asked
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.status.views import (
    CallAnswer,
    CallBody,
    EvidenceView,
    RolloutsView,
    RolloutView,
    attempt_view,
    record_view,
    run_view,
)
from handrail_receiver.stores import Store
from handrail_receiver.stores.chain import first_broken
from handrail_receiver.tokens import Caller


@dataclass(frozen=True)
class Api:
    """The JSON half of what people see."""

    store: Store
    playbooks: Playbooks
    calls: Calls
    clock: Clock

    async def rollouts(self, _request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts"""
        views = [await self.view(playbook) for playbook in self.playbooks.all()]
        return JSONResponse(RolloutsView(rollouts=views).model_dump(mode="json"))

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
            records=list(map(record_view, records)),
        )
        return JSONResponse(view.model_dump(mode="json"))

    async def call(self, request: Request, caller: Caller) -> Response:
        """POST /api/rollouts/{name}/{verb}"""
        playbook = self._named(request)
        if playbook is None:
            return _unknown(request)
        if _from_a_page(request):
            return error(400, "a call is JSON; send `Content-Type: application/json`")
        try:
            sent = await read_body(dict(request.scope["headers"]), request.receive)
            body = CallBody.model_validate_json(sent or b"{}")
        except TooLarge as problem:
            return error(413, str(problem))
        except Incomplete as problem:
            return error(400, str(problem))
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            return error(
                400,
                f'{".".join(map(str, first["loc"])) or "body"}: {first["msg"]}; send {{"why": TEXT, "anyway": BOOL}}',
            )
        asked = Asked(request.url.path.rpartition("/")[2], caller.name, body.why, body.anyway)
        decision, run = await self.calls.call(playbook, asked)
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
            attempt=attempt_view(history.attempt) if history.attempt else None,
            runs=[run_view(run) for run in history.runs],
        )

    def _named(self, request: Request) -> Playbook | None:
        return self.playbooks.get(request.path_params["name"])


def _from_a_page(request: Request) -> bool:
    """Whether a browser may have been made to send it by somebody else's page: it can send no JSON unasked."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind != "application/json" and (kind != "" or "origin" in request.headers)


def _unknown(request: Request) -> Response:
    return error(
        404, f"no playbook declares {request.path_params['name']!r}; generate it or correct the name"
    )
