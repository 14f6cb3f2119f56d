"""The kill switch → JSON, calls, and the page that asks once with what will happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from handrail_receiver.access.authorization import error
from handrail_receiver.access.tokens import Caller
from handrail_receiver.intake.bodies import Incomplete, TooLarge, read_body
from handrail_receiver.model import Decision, Verdict
from handrail_receiver.operations.stopping import Stopping
from handrail_receiver.view_models.schemas import CallAnswer, KillSwitchView
from handrail_receiver.web.api import first_problem, from_a_page
from handrail_receiver.web.buttons import read_form
from handrail_receiver.web.forms import FormSeal
from handrail_receiver.web.pages import PageContent, Pages
from handrail_receiver.web.verbs import Words

SHOWN_FOR = "kill-switch"
SETS = (
    "From now on nothing is rolled back or promoted automatically, for any rollout of this receiver."
    " Alerts are stored and judged, and people are told and must act. A rollback that an alert began stops at its next step."
)
CLEARS = "Handrail acts again, for every rollout of this receiver: what still fires is acted on at its next delivery."


class KillSwitchBody(BaseModel):
    """Whether to set it, and why."""

    model_config = ConfigDict(extra="forbid")
    on: Annotated[bool, Field(strict=True)]
    why: Words = ""


class KillSwitchSeen(Protocol):
    """What is known of the kill switch."""

    def is_set(self) -> bool:
        """Whether it is set, or cannot be checked."""

    def text(self) -> str:
        """The text of the file."""

    def cannot(self, *, on: bool) -> str:
        """Why it could not be set or removed; empty if it was."""


@dataclass(frozen=True)
class KillSwitchPages:
    """The kill switch over HTTP: its state, and setting and removing it."""

    pages: Pages
    seal: FormSeal
    stopping: Stopping
    switch: KillSwitchSeen

    async def status(self, _request: Request, _caller: Caller) -> Response:
        """GET /api/kill-switch"""
        is_set = self.switch.is_set()
        view = KillSwitchView(
            on=is_set, text=self.switch.text() if is_set else "", cannot=self.switch.cannot(on=not is_set)
        )
        return JSONResponse(view.model_dump())

    async def turn(self, request: Request, caller: Caller) -> Response:
        """POST /api/kill-switch"""
        if from_a_page(request):
            return error(400, "a call is JSON; send `Content-Type: application/json`")
        try:
            sent = await read_body(dict(request.scope["headers"]), request.receive)
            body = KillSwitchBody.model_validate_json(sent or b"{}")
        except TooLarge as problem:
            return error(413, str(problem))
        except Incomplete as problem:
            return error(400, str(problem))
        except ValidationError as problem:
            return error(400, f"{first_problem(problem)}; send an object with on (true or false) and why")
        decision = await self.stopping.turn(caller.name, body.why, on=body.on)
        answer = CallAnswer(verdict=decision.verdict, reason=decision.reason, text=decision.text)
        return JSONResponse(answer.model_dump(mode="json"), _status(decision))

    async def ask(self, _request: Request, caller: Caller) -> Response:
        """GET /kill-switch/ask: what exactly will happen."""
        on = not self.switch.is_set()
        cannot = self.switch.cannot(on=on)
        sentences = [
            SETS if on else CLEARS,
            f"It is recorded for every rollout, as asked for by {caller.name}.",
        ]
        sentences += [f"It is set: {self.switch.text()}"] if not on and self.switch.text() else []
        hidden = {"on": "yes" if on else "no"}
        hidden["token"] = self.seal.give(caller, _shown(hidden), self.pages.api.clock.now())
        values: dict[str, object] = {
            "title": "Set the kill switch?" if on else "Remove the kill switch?",
            "button": "Set the kill switch" if on else "Remove it",
            "tone": "bad" if on else "wait",
            "sentences": [cannot] if cannot else sentences,
            "hidden": {} if cannot else hidden,
        }
        return await self.pages.page(
            caller, PageContent("kill_switch.html", values, status=409 if cannot else 200)
        )

    async def do(self, request: Request, caller: Caller) -> Response:
        """POST /kill-switch/ask: the person has seen what will happen, and goes on."""
        sent = await read_form(request)
        if isinstance(sent, str):
            return await self.pages.page(caller, _said("Nothing was done", f"{sent}.", 403))
        if not self.seal.fits(sent.get("token", ""), caller, _shown(sent), self.pages.api.clock.now()):
            why = "the form was given to somebody else, for something else, or more than an hour ago; ask again."
            return await self.pages.page(caller, _said("Nothing was done", why, 403))
        try:
            body = KillSwitchBody(on=sent["on"] == "yes", why=sent.get("why", ""))
        except ValidationError as problem:
            return await self.pages.page(caller, _said("Nothing was done", f"{first_problem(problem)}.", 400))
        decision = await self.stopping.turn(caller.name, body.why, on=body.on)
        title = "Refused" if decision.verdict == Verdict.refuse else "Done"
        return await self.pages.page(caller, _said(title, f"{decision.text}.", _status(decision)))


def _status(decision: Decision) -> int:
    return 409 if decision.verdict == Verdict.refuse else 200


def _shown(sent: Mapping[str, str]) -> tuple[str, ...]:
    """What a form was shown for."""
    return (SHOWN_FOR, sent.get("on", ""))


def _said(title: str, text: str, status: int) -> PageContent:
    tone = "good" if status == 200 else "bad"
    values: dict[str, object] = {"title": title, "tone": tone, "sentences": [text], "hidden": {}}
    return PageContent("kill_switch.html", values, status=status)
