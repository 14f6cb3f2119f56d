"""Incidents → JSON, a page of each, and a draft of its postmortem."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from handrail.contract import Playbook
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from handrail_receiver.access.authorization import error
from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.evidence.postmortem import Postmortems
from handrail_receiver.model import Incident, in_force
from handrail_receiver.view_models.incident_views import IncidentsView, incident_lines, incident_view
from handrail_receiver.view_models.offers import offers
from handrail_receiver.view_models.summary import summarize
from handrail_receiver.web.api import unknown_rollout
from handrail_receiver.web.offering import asker_of, case_of
from handrail_receiver.web.pages import PageContent, Pages
from handrail_receiver.web.reading import cannot_be_read

MARKDOWN = "text/markdown"


@dataclass(frozen=True)
class IncidentPages:
    """What people and programs may read of incidents."""

    pages: Pages
    postmortems: Postmortems

    async def listed(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}/incidents"""
        playbook = self._named(request)
        if playbook is None:
            return unknown_rollout(request)
        try:
            incidents = await self.pages.api.store.incidents.of(playbook.rollout)
        except UNREADABLE as problem:
            return error(500, f"{playbook.rollout}: {cannot_be_read(problem)}")

        def text() -> str:
            views = [incident_view(one, playbook) for one in incidents]
            return IncidentsView(incidents=views).model_dump_json()

        return Response(await asyncio.to_thread(text), media_type="application/json")

    async def postmortem(self, request: Request, _caller: Caller) -> Response:
        """GET /api/rollouts/{name}/incidents/{id}/postmortem"""
        playbook = self._named(request)
        if playbook is None:
            return unknown_rollout(request)
        try:
            one = await self._found(playbook, request.path_params["id"])
            if one is None:
                return error(404, await self._not_one(playbook, request.path_params["id"]))
            return PlainTextResponse(await self.postmortems.draft(one), media_type=MARKDOWN)
        except UNREADABLE as problem:
            return error(500, f"{playbook.rollout}: {cannot_be_read(problem)}")

    async def page(self, request: Request, caller: Caller) -> Response:
        """GET /rollouts/{name}/incidents/{id}"""
        name, wanted = request.path_params["name"], request.path_params["id"]
        playbook = self._named(request)
        beside: dict[str, object] = {}
        try:
            one = await self._found(playbook, wanted) if playbook is not None else None
            if playbook is not None and one is not None:
                beside = await self._beside(playbook, one, caller)
        except StoreDown:
            return await self.pages.page(caller, None)
        except UNREADABLE as problem:
            why: dict[str, object] = {"name": name, "why": cannot_be_read(problem)}
            return await self.pages.page(caller, PageContent("unreadable.html", why, status=500))
        if playbook is None or one is None:
            known = name if playbook is not None else None
            said: dict[str, object] = {"name": name, "number": None, "incident": wanted if known else ""}
            return await self.pages.page(caller, PageContent("missing.html", said, status=404))
        values: dict[str, object] = {
            "playbook": playbook,
            "one": incident_lines(one, playbook, self.pages.api.clock.now()),
            **beside,
        }
        return await self.pages.page(caller, PageContent("incident.html", values))

    async def _found(self, playbook: Playbook, wanted: str) -> Incident | None:
        every = await self.pages.api.store.incidents.of(playbook.rollout)
        return next((one for one in every if one.id == wanted), None)

    async def _beside(self, playbook: Playbook, one: Incident, caller: Caller) -> dict[str, object]:
        """The buttons of a person that are about this incident, and where its attempt stands, if it is the newest."""
        now = self.pages.api.clock.now()
        history = await self.pages.api.store.attempts.history(playbook.rollout, now)
        used = in_force(history.attempt, playbook)
        case = case_of(used, history, None, playbook)
        its_own = history.attempt is not None and history.attempt.id == one.attempt
        return {
            "offers": tuple(offer for offer in offers(case, asker_of(caller)) if offer.item == one.id),
            "stands": summarize(used, history, now) if its_own else None,
        }

    async def _not_one(self, playbook: Playbook, wanted: str) -> str:
        """That no incident of the rollout is called like this, and what to do."""
        name = playbook.rollout
        if not await self.pages.api.store.incidents.of(name):
            return f"{name} has no incident yet; only a rollback, an emergency or an alert that escalates opens one"
        return f"{wanted} is not an incident of {name}; `handrail rollout incident {name}` lists them"

    def _named(self, request: Request) -> Playbook | None:
        return self.pages.playbooks.get(request.path_params["name"])
