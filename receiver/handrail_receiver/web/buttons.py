"""A button → a page that says what exactly will happen → the same call as the API's, and its answer as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.intake.bodies import Incomplete, TooLarge, read_body
from handrail_receiver.model import Verdict, in_force
from handrail_receiver.view_models.offers import Case, Offer, foretell, offers
from handrail_receiver.web.api import asked_for
from handrail_receiver.web.forms import FORM, FormSeal, fields, from_elsewhere
from handrail_receiver.web.offering import asker_of, case_of
from handrail_receiver.web.pages import PageContent, Pages
from handrail_receiver.web.reading import cannot_be_read
from handrail_receiver.web.verbs import VERBS, AckBody, CheckBody, Verb

AGAIN = "look at the rollout, and ask again from its page"


@dataclass(frozen=True)
class Buttons:
    """A button's two pages: the one that says what will happen, and the one with the answer."""

    pages: Pages
    seal: FormSeal

    async def ask(self, request: Request, caller: Caller) -> Response:
        """GET /rollouts/{name}/ask/{verb}: what exactly will happen."""
        name, verb = request.path_params["name"], _verb(request)
        case = await self._case(name)
        if isinstance(case, PageContent) or case is None:
            return await self.pages.page(caller, case)
        item = request.query_params.get("item", "")
        offer = _offered(case, caller, verb, item)
        if offer is None:
            why = f"{verb.name} cannot be asked for now"
            return await self.pages.page(caller, _refused(name, why, 409))
        return await self.pages.page(caller, self._confirm(case, offer, caller))

    async def do(self, request: Request, caller: Caller) -> Response:
        """POST /rollouts/{name}/ask/{verb}: the person has seen what will happen, and goes on."""
        name, verb = request.path_params["name"], _verb(request)
        sent = await read_form(request)
        if isinstance(sent, str):
            return await self.pages.page(caller, _refused(name, sent, 403))
        shown = _shown(name, verb.name, sent)
        if not self.seal.fits(sent.get("token", ""), caller, shown, self.pages.api.clock.now()):
            why = (
                f"this form was given to somebody else, for something else, or more than an hour ago; {AGAIN}"
            )
            return await self.pages.page(caller, _refused(name, why, 403))
        playbook = self.pages.playbooks.get(name)
        if playbook is None:
            return await self.pages.page(caller, _refused(name, "no playbook declares it", 404))
        try:
            if verb.name != "rollback" and not await self._is_newest(name, sent.get("attempt", "")):
                why = f"another attempt began meanwhile; {AGAIN}"
                return await self.pages.page(caller, _refused(name, why, 409))
            body = verb.body.model_validate(_body(verb, sent))
            decision, run = await self.pages.api.calls.call(playbook, asked_for(verb.name, caller, body))
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_input=False)[0]
            why = f"{'.'.join(map(str, first['loc'])) or 'the form'}: {first['msg']}"
            return await self.pages.page(caller, _refused(name, why, 400))
        except StoreDown:
            return await self.pages.page(caller, None)
        refused = decision.verdict == Verdict.refuse
        values = {
            "name": name,
            "verb": verb.name,
            "refused": refused,
            "reason": decision.reason,
            "text": decision.text,
            "outcome": run.state if run else "",
            "outcome_text": run.text if run else "",
        }
        return await self.pages.page(
            caller, PageContent("asked.html", values, status=409 if refused else 200)
        )

    def _confirm(self, case: Case, offer: Offer, caller: Caller) -> PageContent:
        foretold = foretell(case, offer, asker_of(caller))
        name, number = case.playbook.rollout, str(case.attempt.number if case.attempt else 0)
        hidden = {"attempt": number, "item": offer.item, "to": foretold.to, "seen": foretold.seen}
        token = self.seal.give(caller, _shown(name, offer.verb, hidden), self.pages.api.clock.now())
        values: dict[str, object] = {
            "name": name,
            "foretold": foretold,
            "hidden": {"token": token, **{key: value for key, value in hidden.items() if value}},
            "may_go_past": _goes_past(offer),
            "role": next(verb.role for verb in VERBS if verb.name == offer.verb),
        }
        return PageContent("ask.html", values)

    async def _is_newest(self, name: str, number: str) -> bool:
        """Whether the attempt that was shown is still the newest one; one that cannot be read is for the call to refuse."""
        lines = await self.pages.api.store.archive.attempts(name, 1)
        return str(lines[0].number if lines else 0) == number

    async def _case(self, name: str) -> Case | PageContent | None:
        playbook = self.pages.playbooks.get(name)
        if playbook is None:
            return PageContent("missing.html", {"name": name, "number": None}, status=404)
        try:
            history = await self.pages.api.store.attempts.history(name, self.pages.api.clock.now())
        except StoreDown:
            return None
        except UNREADABLE as problem:
            return PageContent("unreadable.html", {"name": name, "why": cannot_be_read(problem)}, status=500)
        own = in_force(history.attempt, playbook)
        return case_of(own, history, await self.pages.api.calls.gate(own, history), playbook)


def _verb(request: Request) -> Verb:
    name = request.scope["path"].rpartition("/")[2]
    return next(verb for verb in VERBS if verb.name == name)


def _offered(case: Case, caller: Caller, verb: Verb, item: str) -> Offer | None:
    known = offers(case, asker_of(caller))
    return next((offer for offer in known if (offer.verb, offer.item) == (verb.name, item)), None)


def _goes_past(offer: Offer) -> bool:
    """Whether the call takes `anyway`: past what is not ready, with a reason."""
    body = next(verb.body for verb in VERBS if verb.name == offer.verb)
    return "anyway" in body.model_fields and offer.verb in {"start", "promote", "retry", "adopt"}


def _shown(name: str, verb: str, hidden: Mapping[str, str]) -> tuple[str, ...]:
    """What a form was shown for."""
    return (name, verb, *(hidden.get(key, "") for key in ("attempt", "item", "to", "seen")))


def _body(verb: Verb, sent: Mapping[str, str]) -> dict[str, object]:
    """The call's own fields; an empty one was not filled in."""
    known = {key: value for key, value in sent.items() if key in verb.body.model_fields and value}
    if verb.name == "approve":
        known["role"] = sent.get("item", "")
    if issubclass(verb.body, AckBody):
        known["incident"] = sent.get("item", "")
        if "false_rollback" in known:
            return {**known, "false_rollback": known["false_rollback"] == "yes"}
    if verb.body is CheckBody:
        return {**known, "passed": sent.get("passed") == "yes"}
    return {**known, "anyway": True} if "anyway" in known else dict(known)


async def read_form(request: Request) -> dict[str, str] | str:
    """The form that was sent, or why it is refused."""
    elsewhere = from_elsewhere(request.headers)
    if elsewhere:
        return f"{elsewhere}; {AGAIN}"
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return f"this is not a form; {AGAIN}"
    try:
        return fields(await read_body(dict(request.scope["headers"]), request.receive))
    except (TooLarge, Incomplete, ValueError) as problem:
        return f"the form cannot be read ({problem}); {AGAIN}"


def _refused(name: str, why: str, status: int) -> PageContent:
    """Nothing was decided, and nothing done."""
    return PageContent("not_asked.html", {"name": name, "why": why}, status=status)
