"""Rollouts → pages that people read, and a stream of what happens. They work without JavaScript."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from handrail_receiver.model import Conditions, Decision, Run, Verdict
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.status.api import Api
from handrail_receiver.tokens import Caller

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MOST_LISTENERS = 100
SILENCE = 15.0


class Events:
    """What happens → everybody who listens; who listens too slowly misses events, nobody waits."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str]] = set()

    def decision(self, decision: Decision) -> None:
        """A decision was made."""
        if decision.verdict not in {Verdict.repeat, Verdict.ignore}:
            self._say(
                "decision",
                rollout=decision.rollout,
                verdict=decision.verdict,
                reason=decision.reason,
                text=decision.text,
            )

    def ended(self, run: Run) -> None:
        """A run ended."""
        self._say("outcome", rollout=run.rollout, action=run.action, outcome=run.state, text=run.text)

    def _say(self, event: str, **data: str) -> None:
        text = f"event: {event}\ndata: {json.dumps(data)}\n\n"
        for queue in self._listeners:
            if not queue.full():
                queue.put_nowait(text)

    async def stream(self, _request: Request, _caller: Caller) -> Response:
        """GET /events"""
        if len(self._listeners) >= MOST_LISTENERS:
            return Response("too many listen already; try again later", 503)
        return StreamingResponse(
            self._events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _events(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(100)
        self._listeners.add(queue)
        try:
            yield ": listening\n\n"
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), SILENCE)
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._listeners.discard(queue)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("handrail_receiver.status"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["when"] = _when
    environment.filters["took"] = _took
    return environment


def _when(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else "-"


def _took(later: datetime | None, earlier: datetime) -> str:
    if later is None:
        return "-"
    seconds = (later - earlier).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


@dataclass(frozen=True)
class Pages:
    """The HTML half of what people see."""

    api: Api
    playbooks: Playbooks
    conditions: object
    templates: jinja2.Environment = field(default_factory=_environment)

    async def index(self, _request: Request, _caller: Caller) -> Response:
        """GET /"""
        views = [await self.api.view(playbook) for playbook in self.playbooks.all()]
        return self._page("index.html", rollouts=views)

    async def rollout(self, request: Request, _caller: Caller) -> Response:
        """GET /rollouts/{name}"""
        playbook = self.playbooks.get(request.path_params["name"])
        if playbook is None:
            return self._page("missing.html", 404, name=request.path_params["name"])
        records = await self.api.store.evidence.read(playbook.rollout)
        view = await self.api.view(playbook)
        return self._page("rollout.html", playbook=playbook, view=view, records=records[-50:][::-1])

    def _page(self, template: str, status: int = 200, **values: object) -> Response:
        assert callable(self.conditions)  # noqa: S101
        now: Conditions = self.conditions()
        text = self.templates.get_template(template).render(
            now=now, problems=self.playbooks.problems, **values
        )
        return HTMLResponse(text, status, HEADERS)
