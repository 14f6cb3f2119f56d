"""A messenger before a store of its own, a clock that is set by hand, and a teller that notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from guarded import NOW
from handrail.contract import Tell
from handrail_receiver.metrics import Metrics
from handrail_receiver.store import Store
from handrail_receiver.telling.incident import ToldIncident
from handrail_receiver.telling.messenger import Messenger


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
