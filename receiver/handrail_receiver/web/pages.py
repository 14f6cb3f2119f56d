"""Rollouts → pages that people read. They work without JavaScript."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import jinja2
from handrail.contract import Playbook
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from handrail_receiver.access.authorization import error
from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.model import AttemptLine, EvidenceRecord, History, in_force
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store.chain import first_broken_of
from handrail_receiver.view_models.fleet import FleetFilter, fleet, states_of
from handrail_receiver.view_models.guardrail_plots import RangeSamples, Window, plots, plotted, window_of
from handrail_receiver.view_models.guardrails import Watched
from handrail_receiver.view_models.incident_views import IncidentLines, incident_lines
from handrail_receiver.view_models.offers import offers
from handrail_receiver.view_models.schemas import run_now
from handrail_receiver.view_models.summary import Tone, summarize
from handrail_receiver.view_models.timeline import timeline
from handrail_receiver.view_models.waiting import waits_for
from handrail_receiver.web.api import Api
from handrail_receiver.web.offering import asker_of, case_of
from handrail_receiver.web.reading import cannot_be_read
from handrail_receiver.web.self_checks import Check, SelfChecks
from handrail_receiver.web.templating import headers, templates
from handrail_receiver.web.watching import Watching

SHOWN = 60
SHOWN_RUNS = 20
SHOWN_ATTEMPTS = 20
LONGEST_NUMBER = 10


def _guard(checks: Sequence[Check]) -> tuple[Tone, str]:
    """The state of the guard as a whole, which is that of its worst part."""
    tones = {check.tone for check in checks}
    if "bad" in tones:
        return "bad", "The guard is NOT working"
    return ("wait", "The guard is degraded") if "wait" in tones else ("good", "The guard is healthy")


@dataclass(frozen=True)
class PageContent:
    """A template and what it is given; `prometheus_said` is why Prometheus did not answer, None where nobody asked it."""

    template: str
    values: dict[str, object]
    prometheus_said: str | None = None
    status: int = 200


@dataclass(frozen=True)
class _Looked:
    """Everything that was looked up for one attempt of a rollout."""

    playbook: Playbook
    history: History
    records: Sequence[EvidenceRecord]
    attempts: Sequence[AttemptLine]
    gate: GateStatus | None
    watched: Watched | None
    window: Window | None
    samples: RangeSamples | None
    earlier: bool = False


@dataclass(frozen=True)
class Pages:
    """The pages that people see. They are shown while the store is down too, and say so."""

    api: Api
    playbooks: Playbooks
    self_checks: SelfChecks
    watching: Watching
    templates: jinja2.Environment = field(default_factory=templates)
    headers: dict[str, str] = field(default_factory=headers)

    async def index(self, request: Request, caller: Caller) -> Response:
        """GET /"""
        return await self.page(caller, await self._fleet(FleetFilter.of(request.query_params)))

    async def rollout(self, request: Request, caller: Caller) -> Response:
        """GET /rollouts/{name}"""
        return await self._of_rollout(request, caller, None)

    async def attempt(self, request: Request, caller: Caller) -> Response:
        """GET /rollouts/{name}/attempts/{number}"""
        written = request.path_params["number"]
        known = written.isascii() and written.isdecimal() and len(written) < LONGEST_NUMBER
        return await self._of_rollout(request, caller, int(written) if known else 0)

    async def _of_rollout(self, request: Request, caller: Caller, number: int | None) -> Response:
        name = request.path_params["name"]
        playbook = self.playbooks.get(name)
        if playbook is None:
            return await self.page(caller, _missing(name, None))
        try:
            return await self.page(caller, await self._whole(playbook, number, caller))
        except UNREADABLE as error:
            said = {"name": name, "why": cannot_be_read(error)}
            return await self.page(caller, PageContent("unreadable.html", said, status=500))

    async def _fleet(self, wanted: FleetFilter) -> PageContent | None:
        """What the first page says of each rollout, those that need somebody first; None when the store is down."""
        now = self.api.clock.now()
        known = {playbook.rollout: playbook for playbook in self.playbooks.all()}
        try:
            read, fires = await asyncio.gather(
                self.api.store.archive.newest(list(known), now), self.watching.fires(known)
            )
        except StoreDown:
            return None

        def values() -> dict[str, object]:
            rows = fleet(known, read, fires.by_rollout, now)
            return {
                "rows": [row for row in rows if wanted.takes(row)],
                "known": len(rows),
                "needing": sum(bool(row.needs) for row in rows),
                "states": states_of(rows),
                "wanted": wanted,
                "unread": sorted(set(known) - set(read)),
            }

        return PageContent("index.html", await asyncio.to_thread(values), fires.problem)

    async def _whole(self, playbook: Playbook, number: int | None, caller: Caller) -> PageContent | None:
        """All that the page of a rollout, or of one of its attempts, says; None when the store is down."""
        now, archive = self.api.clock.now(), self.api.store.archive
        try:
            attempts = await archive.attempts(playbook.rollout, SHOWN_ATTEMPTS)
            newest = attempts[0].number if attempts else None
            if number is None or number == newest:
                history = await self.api.store.attempts.history(playbook.rollout, now)
                records = await self.api.store.evidence.newest(playbook.rollout, SHOWN)
            else:
                past = await archive.attempt(playbook.rollout, number, now, SHOWN)
                if past is None:
                    return _missing(playbook.rollout, number)
                history, records = past
        except StoreDown:
            return None
        earlier = number is not None and number != newest
        looked = await self._looked(playbook, history, records, attempts, now, earlier=earlier)
        values = await asyncio.to_thread(_values, looked, now, earlier=earlier)
        case = case_of(looked.playbook, history, looked.gate, playbook)
        values["offers"] = () if earlier else offers(case, asker_of(caller))
        return PageContent("rollout.html", values, looked.watched.unanswered if looked.watched else None)

    async def _looked(
        self,
        newest: Playbook,
        history: History,
        records: Sequence[EvidenceRecord],
        attempts: Sequence[AttemptLine],
        now: datetime,
        *,
        earlier: bool,
    ) -> _Looked:
        attempt = history.attempt
        playbook = attempt.playbook or newest if earlier and attempt else in_force(attempt, newest)
        window = window_of(attempt, records[-1].at if records and earlier else None, now) if attempt else None
        both, samples = await asyncio.gather(
            self.watching.with_gate(self.api.calls, playbook, history, now) if not earlier else _nothing(),
            self.watching.over(playbook, window) if window else _nothing(),
        )
        gate, watched = both or (None, None)
        return _Looked(playbook, history, records, attempts, gate, watched, window, samples, earlier)

    async def refused(self, caller: Caller, why: str) -> Response:
        """The page for somebody who may look, but may not do what they asked for."""
        if "viewer" not in caller.may:
            return error(403, why)
        return await self.page(caller, PageContent("refused.html", {"why": why}, status=403))

    async def page(self, caller: Caller, shown: PageContent | None) -> Response:
        """One page; without anything to show it says that the store is down."""
        checks = await self.self_checks.checks(shown.prometheus_said if shown else None)
        shown = shown or PageContent("down.html", {}, status=503)
        values = {
            "now": self.api.clock.now(),
            "caller": caller,
            "checks": checks,
            "failing": [check for check in checks if check.tone == "bad"],
            "guard": _guard(checks),
            **shown.values,
        }
        text = await asyncio.to_thread(self.templates.get_template(shown.template).render, values)
        return HTMLResponse(text, shown.status, self.headers)


def _missing(name: str, number: int | None) -> PageContent:
    """There is no such rollout, or no such attempt of it."""
    return PageContent("missing.html", {"name": name, "number": number}, status=404)


async def _nothing() -> None:
    """Empty answers, for pages that ask nothing."""


def _values(looked: _Looked, now: datetime, *, earlier: bool) -> dict[str, object]:
    playbook, history, gate = looked.playbook, looked.history, looked.gate
    entries = timeline(looked.records, history.runs)
    watched = looked.watched
    drawn = {}
    if looked.window is not None and looked.samples is not None:
        units = {one.name: one.unit for one in watched.guardrails} if watched else {}
        known = plotted(playbook, history, entries, units)
        drawn = plots(known, looked.samples, looked.window, looked.window.step)
    return {
        "playbook": playbook,
        "attempt": history.attempt,
        "earlier": earlier,
        "at": summarize(playbook, history, now, gate),
        "waiting": waits_for(playbook, history, gate, now),
        "incidents": _incidents(looked, now),
        "gate": gate,
        "watched": watched,
        "plots": drawn,
        "runs": [run_now(run) for run in reversed(history.runs[-SHOWN_RUNS:])],
        "earlier_runs": max(0, len(history.runs) - SHOWN_RUNS),
        "attempts": looked.attempts,
        "entries": entries,
        "records": looked.records[-1].number if looked.records else 0,
        "broken": first_broken_of(looked.records),
    }


def _incidents(looked: _Looked, now: datetime) -> list[IncidentLines]:
    """The open ones, whichever attempt opened them; on the page of an earlier attempt none: it links to its own."""
    if looked.earlier:
        return []
    return [incident_lines(one, looked.playbook, now) for one in looked.history.incidents]
