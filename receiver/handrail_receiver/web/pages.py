"""Rollouts → pages that people read. They work without JavaScript."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import jinja2
from handrail.contract import Playbook
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from handrail_receiver.access.tokens import Caller
from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.model import History, in_force
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store.chain import first_broken_of
from handrail_receiver.views.schemas import run_view
from handrail_receiver.views.summary import TONES, Tone, summarize
from handrail_receiver.views.timeline import timeline
from handrail_receiver.web.api import Api
from handrail_receiver.web.reading import cannot_be_read, readable
from handrail_receiver.web.self_checks import Check, SelfChecks
from handrail_receiver.words.times import clock, took, when

FOLDER = Path(__file__).parent / "templates"
URGENCY = ("bad", "wait", "calm", "good", "soft")
SHOWN = 60
SHOWN_RUNS = 20


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(name: str) -> str:
    """What a browser compares an inline style or script with: no other one is obeyed."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_text(name).encode()).digest()).decode()}'"


def _headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {_hash('style.css')}; script-src {_hash('live.js')}; "
            "connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("handrail_receiver.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"when": when, "clock": clock, "took": took, "typed": _typed}
    environment.globals |= {
        "tones": TONES,
        "style": Markup(_text("style.css")),  # noqa: S704  a file of this package
        "script": Markup(_text("live.js")),  # noqa: S704
    }
    return environment


def _guard(checks: Sequence[Check]) -> tuple[Tone, str]:
    """How the guard is as a whole: as its worst part."""
    tones = {check.tone for check in checks}
    if "bad" in tones:
        return "bad", "The guard is NOT whole"
    return ("wait", "The guard is awake, not whole") if "wait" in tones else ("good", "The guard is awake")


def _typed(text: str) -> Markup:
    """What stands between backticks is to be typed."""
    parts = [escape(part) for part in text.split("`")]
    shown = (
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )
    return Markup().join(shown)


def _most_urgent_first(
    attempts: Sequence[tuple[Playbook, History]], now: datetime
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"playbook": playbook, "attempt": history.attempt, "at": summarize(playbook, history, now)}
        for playbook, history in attempts
    ]
    return sorted(rows, key=lambda row: URGENCY.index(getattr(row["at"], "tone", "soft")))


@dataclass(frozen=True)
class Pages:
    """The HTML half of what people see. It is shown as well when the store is down: then it says so."""

    api: Api
    playbooks: Playbooks
    self_checks: SelfChecks
    templates: jinja2.Environment = field(default_factory=_environment)
    headers: dict[str, str] = field(default_factory=_headers)

    async def index(self, _request: Request, _caller: Caller) -> Response:
        """GET /"""
        return await self._page("index.html", await self._rows())

    async def rollout(self, request: Request, _caller: Caller) -> Response:
        """GET /rollouts/{name}"""
        name = request.path_params["name"]
        playbook = self.playbooks.get(name)
        if playbook is None:
            return await self._page("missing.html", {"name": name}, 404)
        try:
            values = await self._whole(playbook)
        except UNREADABLE as error:
            return await self._page("unreadable.html", {"name": name, "why": cannot_be_read(error)}, 500)
        return await self._page("rollout.html", values)

    async def _rows(self) -> dict[str, object] | None:
        """What the first page says of each rollout, those that need somebody first; None when the store is down."""
        now = self.api.clock.now()
        try:
            known = {playbook.rollout: playbook for playbook in self.playbooks.all()}
            read = await readable(self.api.store.attempts, known, now)
        except StoreDown:
            return None
        attempts = [(in_force(history.attempt, known[name]), history) for name, history in read.items()]
        return {"rows": await asyncio.to_thread(_most_urgent_first, attempts, now)}

    async def _whole(self, playbook: Playbook) -> dict[str, object] | None:
        """All that the page of a rollout says; None when the store is down."""
        now, store = self.api.clock.now(), self.api.store
        try:
            history = await store.attempts.history(playbook.rollout, now)
            end = await store.evidence.newest(playbook.rollout, SHOWN)
        except StoreDown:
            return None
        playbook = in_force(history.attempt, playbook)
        gate = await self.api.calls.gate(playbook, history)
        return await asyncio.to_thread(
            lambda: {
                "playbook": playbook,
                "attempt": history.attempt,
                "at": summarize(playbook, history, now, gate),
                "gate": gate,
                "runs": [run_view(run) for run in reversed(history.runs[-SHOWN_RUNS:])],
                "earlier_runs": max(0, len(history.runs) - SHOWN_RUNS),
                "entries": timeline(end, history.runs),
                "records": end[-1].number if end else 0,
                "broken": first_broken_of(end),
            }
        )

    async def _page(self, template: str, values: dict[str, object] | None, status: int = 200) -> Response:
        checks = await self.self_checks.checks()
        if values is None:
            template, values, status = "down.html", {}, 503
        shown = {
            "now": self.api.clock.now(),
            "checks": checks,
            "asleep": [check for check in checks if check.tone == "bad"],
            "guard": _guard(checks),
            **values,
        }
        text = await asyncio.to_thread(self.templates.get_template(template).render, shown)
        return HTMLResponse(text, status, self.headers)
