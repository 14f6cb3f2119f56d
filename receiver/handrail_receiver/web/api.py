"""Rollouts, attempts, evidence → JSON; and people's calls → their answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace

from handrail.contract import Playbook
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.access.authorization import error
from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.evidence.bundling import Bundler
from handrail_receiver.evidence.check import check_view
from handrail_receiver.evidence.snapshot_taker import Snapshots
from handrail_receiver.gates.approvals import GateAnswer
from handrail_receiver.intake.bodies import Incomplete, TooLarge, read_body
from handrail_receiver.model import History, Verdict, in_force, with_versions_of
from handrail_receiver.operations.call import Call, IncidentWords
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.operations.objections import guard_is_off
from handrail_receiver.operations.playbook_diff import changes_between
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store
from handrail_receiver.view_models.incident_views import open_incident_view
from handrail_receiver.view_models.schemas import (
    BundleView,
    CallAnswer,
    RolloutsView,
    RolloutView,
    attempt_view,
    gate_view,
    run_now,
)
from handrail_receiver.web.checked_chains import CheckedChains
from handrail_receiver.web.reading import cannot_be_read
from handrail_receiver.web.verbs import (
    VERBS,
    AckBody,
    ApproveBody,
    Body,
    CallBody,
    CheckBody,
    NoteBody,
    StageBody,
    StartBody,
    WantedAttempt,
)


@dataclass(frozen=True)
class Api:
    """Calls of the API, answered in JSON."""

    store: Store
    playbooks: Playbooks
    calls: CallHandler
    clock: Clock
    chains: CheckedChains
    snapshots: Snapshots
    bundler: Bundler

    async def rollouts(self, _request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts"""
        known = {playbook.rollout: playbook for playbook in self.playbooks.all()}
        histories = await self.store.archive.newest(list(known), self.clock.now())

        def text() -> str:
            views = [_view(known[name], history) for name, history in histories.items()]
            missing = [name for name in known if name not in histories]
            problems = self.guard_problems()
            return RolloutsView(rollouts=views, unreadable=missing, guard_problems=problems).model_dump_json()

        return Response(await asyncio.to_thread(text), media_type="application/json")

    async def rollout(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}"""
        playbook = self.named(request)
        if playbook is None:
            return unknown_rollout(request)
        try:
            history = await self.history(playbook)
        except UNREADABLE as problem:
            cure = f"`handrail rollout rollback {playbook.rollout}` rolls back by the newest playbook"
            return error(500, f"{playbook.rollout}: {cannot_be_read(problem)}; {cure}")
        gate = await self.calls.gate(in_force(history.attempt, playbook), history)

        def text() -> str:
            found = {"gate": gate_view(gate) if gate else None, "guard_problems": self.guard_problems()}
            return _view(playbook, history).model_copy(update=found).model_dump_json()

        return Response(await asyncio.to_thread(text), media_type="application/json")

    async def evidence(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}/evidence"""
        playbook = self.named(request)
        if playbook is None:
            return unknown_rollout(request)
        try:
            view = await self.chains.page(playbook.rollout, request.query_params)
        except ValidationError as problem:
            return error(
                400, f"{first_problem(problem)}; give after= (a record's number) and limit=, or neither"
            )
        return Response(await asyncio.to_thread(view.model_dump_json), media_type="application/json")

    async def bundle(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}/bundle"""
        playbook = self.named(request)
        if playbook is None:
            return unknown_rollout(request)
        try:
            number = WantedAttempt.model_validate(dict(request.query_params)).attempt
        except ValidationError as problem:
            return error(
                400, f"{first_problem(problem)}; give attempt= (its number), or leave it out for the newest"
            )
        try:
            with suppress(StoreDown):  # where nothing can be written, what is there is given
                await self.snapshots.catch_up(playbook.rollout)
            made = await self.bundler.bundle(playbook, number)
        except UNREADABLE as problem:
            return error(500, f"{playbook.rollout}: {cannot_be_read(problem)}")
        if made is None:
            none = f"no attempt yet; `handrail rollout start {playbook.rollout}` begins one"
            other = f"no attempt {number}; `handrail rollout status {playbook.rollout}` has the newest number"
            return error(409, f"{playbook.rollout} has {other if number else none}")
        view = BundleView(
            rollout=playbook.rollout,
            attempt=made.index.attempt.number,
            complete=made.index.complete,
            missing=list(made.index.missing),
            files=made.files,
        )
        return Response(await asyncio.to_thread(view.model_dump_json), media_type="application/json")

    async def call(self, request: Request, caller: Caller) -> Response:
        """POST /api/rollouts/{name}/{verb}"""
        playbook, name = self.named(request), request.scope["path"].rpartition("/")[2]
        verb = next(verb for verb in VERBS if verb.name == name)
        if playbook is None:
            return unknown_rollout(request)
        if from_a_page(request):
            return error(400, "a call is JSON; send `Content-Type: application/json`")
        try:
            sent = await read_body(dict(request.scope["headers"]), request.receive)
            body = verb.body.model_validate_json(sent or b"{}")
        except TooLarge as problem:
            return error(413, str(problem))
        except Incomplete as problem:
            return error(400, str(problem))
        except ValidationError as problem:
            fields = ", ".join(verb.body.model_fields)
            return error(400, f"{first_problem(problem)}; send an object with any of: {fields}")
        if isinstance(body, CheckBody) and not body.answers:
            return await self._checked(playbook, caller, body.why)
        asked = asked_for(verb.name, caller, body)
        decision, run = await self.calls.call(playbook, asked)
        answer = CallAnswer(
            verdict=decision.verdict,
            reason=decision.reason,
            text=decision.text,
            outcome=run.state if run else None,
            outcome_text=run.text if run else None,
        )
        return JSONResponse(answer.model_dump(), 409 if decision.verdict == Verdict.refuse else 200)

    async def _checked(self, playbook: Playbook, caller: Caller, why: str) -> Response:
        """A check that is made now."""
        taken = await self.snapshots.check(playbook, caller.name, why)
        view = check_view(taken)
        answer = CallAnswer(verdict=Verdict.note, reason="checked-now", text=taken.summary(), check=view)
        return JSONResponse(answer.model_dump(mode="json"))

    async def history(self, playbook: Playbook) -> History:
        """What was done and said in its newest attempt. Raises what UNREADABLE lists."""
        return await self.store.attempts.history(playbook.rollout, self.clock.now())

    def guard_problems(self) -> list[str]:
        """Why nothing may be rolled back automatically: the kill switch is set, or no heartbeat comes."""
        return guard_is_off(self.calls.guard.conditions())

    def named(self, request: Request) -> Playbook | None:
        """The playbook of the rollout that an address names."""
        return self.playbooks.get(request.path_params["name"])


def _view(newest: Playbook, history: History) -> RolloutView:
    attempt = history.attempt
    newest = with_versions_of(attempt, newest) if attempt is not None and attempt.live else newest
    playbook = in_force(attempt, newest)
    return RolloutView(
        rollout=playbook.rollout,
        service=playbook.service,
        stages=[stage.name for stage in playbook.stages],
        attempt=attempt_view(attempt, history) if attempt else None,
        runs=[run_now(run) for run in history.runs],
        changed=list(changes_between(playbook, newest)),
        incidents=[open_incident_view(one, newest) for one in history.incidents],
    )


def asked_for(verb: str, caller: Caller, body: Body) -> Call:
    """The call that a request asks for, with its fields."""
    asked = Call(verb, caller.name, body.why)
    match body:
        case CheckBody(item=item, passed=passed):
            return replace(asked, word=GateAnswer(item, passed))
        case ApproveBody(role=role, seen=seen, canary=canary, stable=stable):
            word = GateAnswer(role, seen=seen, token=caller.approver_as(role))
            return replace(asked, word=word, canary=canary, stable=stable)
        case StartBody(anyway=anyway, canary=canary, stable=stable, artifact=artifact):
            return replace(asked, anyway=anyway, canary=canary, stable=stable, artifact=artifact)
        case StageBody(anyway=anyway, to=to):
            return replace(asked, anyway=anyway, to=to)
        case NoteBody(incident=incident, false_rollback=false):
            return replace(asked, about=IncidentWords(incident, body.notes(), false))
        case AckBody(incident=incident):
            return replace(asked, about=IncidentWords(incident))
        case CallBody(anyway=anyway):
            return replace(asked, anyway=anyway)


def first_problem(problem: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = problem.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "body"
    return f"{place}: {first['msg']}"


def from_a_page(request: Request) -> bool:
    """Whether another site's page may have made a browser send it: such a page cannot send JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind != "application/json" and (kind != "" or "origin" in request.headers)


def unknown_rollout(request: Request) -> Response:
    """The refusal of a name that no playbook has."""
    return error(404, undeclared(request.path_params["name"]))


def undeclared(name: str) -> str:
    """That no playbook has a rollout of this name, and what to do."""
    return (
        f"no playbook declares {name!r}; correct the name (`handrail rollout list` has all), or generate it"
    )
