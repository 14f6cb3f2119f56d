"""GET /api/reports/{kind}, /reports/{kind} → the reports of one rollout or of all, as JSON or as a page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, get_args

from handrail.contract import Playbook
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from handrail_receiver.access.authorization import error
from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import UNREADABLE
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.reports.html_report import POLICY, html
from handrail_receiver.reports.markdown import markdown
from handrail_receiver.reports.period import KINDS, Kind
from handrail_receiver.reports.reported import Report
from handrail_receiver.reports.reporter import Reporter
from handrail_receiver.web.api import undeclared
from handrail_receiver.web.reading import cannot_be_read

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]


class WantedReport(BaseModel):
    """Which report: of one rollout (none named: of all), of the day or the week with this day (none: the last one over)."""

    model_config = ConfigDict(extra="forbid")
    rollout: str = ""
    date: Day | None = None


class ReportsView(BaseModel):
    """The reports, each as its fields; all of them as Markdown, and as an HTML file."""

    reports: list[Report]
    unreadable: list[str] = []
    markdown: str
    html: str


@dataclass(frozen=True)
class ReportPages:
    """Reports over HTTP, as JSON and as pages."""

    reporter: Reporter
    playbooks: Playbooks

    async def json(self, request: Request, _caller: Caller) -> Response:
        """GET /api/reports/{kind}"""
        made = await self._made(request)
        if isinstance(made, Response):
            return made
        return Response(await asyncio.to_thread(made.model_dump_json), media_type="application/json")

    async def page(self, request: Request, _caller: Caller) -> Response:
        """GET /reports/{kind}"""
        made = await self._made(request)
        if isinstance(made, Response):
            return made
        headers = {
            "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(made.html, headers=headers)

    async def _made(self, request: Request) -> ReportsView | Response:
        kind = next((one for one in KINDS if one == request.path_params["kind"]), None)
        if kind is None:
            return error(404, f"there is no such report; ask for {' or '.join(get_args(Kind))}")
        try:
            wanted = WantedReport.model_validate(dict(request.query_params))
        except ValidationError as problem:
            return error(400, _wrong(problem))
        named = self.playbooks.get(wanted.rollout) if wanted.rollout else None
        if wanted.rollout and named is None:
            return error(404, undeclared(wanted.rollout))
        return await self._all([named] if named else self.playbooks.all(), kind, wanted.date)

    async def _all(self, playbooks: Sequence[Playbook], kind: Kind, day: date | None) -> ReportsView:
        """The reports, made one after the other: each asks Prometheus as much as is allowed at once."""
        reports: list[Report] = []
        unreadable: list[str] = []
        for playbook in playbooks:
            try:
                reports.append(await self.reporter.report(playbook, kind, day))
            except UNREADABLE as problem:
                unreadable.append(f"{playbook.rollout}: {cannot_be_read(problem)}")
        text = "\n".join(map(markdown, reports))
        return ReportsView(reports=reports, unreadable=unreadable, markdown=text, html=html(reports))


def _wrong(problem: ValidationError) -> str:
    """The first thing that is wrong with a question, and how to ask it."""
    first = problem.errors(include_url=False)[0]
    word, given = ".".join(map(str, first["loc"])), first["input"]
    if word == "date":
        return f"date: {given!r} is no day from 2000-01-01 to 2100-01-01; write it like 2026-11-27"
    return f"{word} is not asked for; give rollout= and date=2026-11-27, or neither"
