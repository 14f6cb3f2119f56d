"""A messenger before a store of its own, a clock that is set by hand, and a teller that notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from guarded import NOW, new_store, playbook, write_playbook
from handrail.contract import Secret, StatusPage, Tell, Webhook
from handrail_receiver.intake.refusals import Refusals
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import Conditions, Telling
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store import Store, open_store
from handrail_receiver.telling.incident import ToldIncident
from handrail_receiver.telling.messenger import Messenger
from handrail_receiver.telling.render import template_problem

TEAM, BOSS = Tell(Webhook("https://hooks.example/team")), Tell(Webhook("https://hooks.example/boss"))
PUBLIC = Tell(StatusPage("PUT", "https://page.example", {}, {}, Secret("page")))


@dataclass
class Time:
    """A clock that is set by hand."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class FakeTeller:
    """A teller that notes whom it told what; `trouble` of a `Tell` is raised instead, `slow` ones wait for `go`."""

    said: list[tuple[Tell, ToldIncident]] = field(default_factory=list)
    trouble: dict[Tell, Exception] = field(default_factory=dict)
    slow: set[Tell] = field(default_factory=set)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    heard: Callable[[ToldIncident], None] = lambda _: None

    def opens_first(self, tell: Tell) -> bool:
        return tell.channel.kind != "slack"

    async def tell(self, tell: Tell, incident: ToldIncident, receipt: str) -> str:
        self.begun += 1
        self.heard(incident)
        if repr(tell) in map(repr, self.slow):
            await self.go.wait()
        for known, trouble in self.trouble.items():
            if known == tell:
                raise trouble
        self.said.append((tell, incident))
        return f"{receipt}+"

    def to(self, tell: Tell) -> list[tuple[str, str]]:
        """ToldIncident and status of each message that somebody got."""
        return [(incident.key, incident.status) for known, incident in self.said if known == tell]


@dataclass
class Queue:
    """A messenger before a store of its own."""

    store: Store
    messenger: Messenger
    teller: FakeTeller
    clock: Time
    metrics: Metrics

    async def step(self, seconds: float = 0) -> None:
        """Let time pass, and everybody who is due then be told."""
        self.clock.at += timedelta(seconds=seconds)
        await self.messenger.step()
        while running := self.messenger.running:
            await asyncio.wait(running)

    def counted(self) -> dict[str, float]:
        """handrail_tellings_total by result."""
        page = self.metrics.render(self.clock.at).decode()
        rows = [row for row in page.splitlines() if row.startswith("handrail_tellings_total")]
        return {row.split('result="')[1].split('"')[0]: float(row.split()[-1]) for row in rows}


async def reported(telling: Telling) -> ToldIncident:
    """What a report says."""
    subject = (telling.incident, "shop", "shop", "Day 2/4", "report", "info")
    return ToldIncident(*subject, (), (), NOW, NOW)  # type: ignore[arg-type]


def new_queue(folder: Path) -> Queue:
    """One of a store in `folder` that is begun. `BOSS` and the public hear of emergencies alone."""
    book = playbook()
    tells = {"emergency-rollback": (TEAM, BOSS, PUBLIC)}
    actions = tuple(
        action.model_copy(update={"tell": tells.get(action.name, (TEAM,))}) for action in book.actions
    )
    write_playbook(folder / "playbook", book.model_copy(update={"actions": actions}))
    playbooks, clock, metrics, teller = (
        Playbooks(folder / "playbook", template_problem),
        Time(),
        Metrics(NOW),
        FakeTeller(),
    )
    playbooks.refresh()
    store = open_store(new_store(folder / "handrail.db"), 10)
    store.engine.start()
    made: Callable[..., Any] = Messenger
    messenger = made(
        store, playbooks, teller, clock, lambda: Conditions(clock.at), Refusals(NOW), metrics, "", reported
    )
    return Queue(store, messenger, teller, clock, metrics)
