"""What Alertmanager and Prometheus know → deliveries like any other: so that nothing is missed while we were away.

Alertmanager tells us the state of its groups, and nothing about what came and went meanwhile. So we ask, at
the start and every minute: Alertmanager for what fires now; and Prometheus, after we were away, for what fired
meanwhile. What is silenced now is left out of the first; the second knows of no silences.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from handrail.contract import names
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from handrail_receiver.errors import StoreDown, TargetError
from handrail_receiver.guard import Guard
from handrail_receiver.intake import MAX_ALERTS, AlertBody, compose
from handrail_receiver.model import Received
from handrail_receiver.outside import Outside
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.stores import Store

log = logging.getLogger("handrail")
ANSWER_WITHIN = 10.0
LONGEST_AWAY = timedelta(hours=12)
ASKED = "asked"
FIRED = f'ALERTS{{alertstate="firing",{names.ROLLOUT}!="",{names.GUARDRAIL}!=""}}'


class _Now(BaseModel):
    """One alert of /api/v2/alerts."""

    model_config = ConfigDict(extra="ignore")
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    startsAt: AwareDatetime  # noqa: N815  Alertmanager's spelling
    fingerprint: str = ""


class _Series(BaseModel):
    model_config = ConfigDict(extra="ignore")
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Matrix(BaseModel):
    model_config = ConfigDict(extra="ignore")
    result: list[_Series]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _Matrix


NOW: TypeAdapter[list[_Now]] = TypeAdapter(list[_Now])


@dataclass
class Asker:
    """Asks every Alertmanager and Prometheus. `problems` says who did not answer last time."""

    outside: Outside
    alertmanagers: tuple[str, ...]
    prometheus: str | None
    store: Store
    playbooks: Playbooks
    guard: Guard
    clock: Clock
    every: float
    problems: dict[str, str] = field(default_factory=dict)
    _asked_before: bool = False
    _at_once: asyncio.Event = field(default_factory=asyncio.Event)

    def at_once(self) -> None:
        """Ask now: something was said that is not the whole truth."""
        self._at_once.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            self._at_once.clear()
            try:
                await self.step()
            except StoreDown as error:
                log.warning("what was asked cannot be kept: %s", error)
            try:
                async with asyncio.timeout(self.every):
                    await self._at_once.wait()
            except TimeoutError:
                continue

    async def step(self) -> None:
        """Ask everybody once and put what is news into the inbox."""
        now = self.clock.now()
        for url in self.alertmanagers:
            try:
                await self._deliver(await self._firing(url))
                self.problems.pop(url, None)
            except (TargetError, ValidationError) as error:
                self._failed(url, error)
        if self.prometheus is not None and await self._was_away(now):
            try:
                await self._since_last_time(self.prometheus, now)
            except (TargetError, ValidationError) as error:
                self._failed(self.prometheus, error)
                return
            self.problems.pop(self.prometheus, None)
        self._asked_before = True
        await self.store.memory.remember(ASKED, now)

    async def _was_away(self, now: datetime) -> bool:
        """Whether deliveries may have been missed: we have just started, or the machine slept."""
        last = await self.store.memory.recall(ASKED)
        return last is not None and (not self._asked_before or now - last > timedelta(seconds=2 * self.every))

    def _failed(self, url: str, error: Exception) -> None:
        text = (
            str(error)
            if isinstance(error, TargetError)
            else "its answer is not what it should be; correct the address"
        )
        if self.problems.get(url) != text:
            log.warning("%s: %s", url, text)
        self.problems[url] = text

    async def _firing(self, url: str) -> list[AlertBody]:
        address = f"{url.rstrip('/')}/api/v2/alerts?active=true&silenced=false&inhibited=false"
        answer = await self.outside.ask("Alertmanager", "GET", address, timeout=ANSWER_WITHIN)
        return [
            AlertBody(
                status="firing",
                labels=alert.labels,
                annotations=alert.annotations,
                startsAt=alert.startsAt,
                fingerprint=alert.fingerprint,
            )
            for alert in NOW.validate_json(answer.body)
            if self._ours(alert.labels)
        ]

    async def _since_last_time(self, url: str, now: datetime) -> None:
        last = await self.store.memory.recall(ASKED) or now
        seconds = int((now - max(last, now - LONGEST_AWAY)).total_seconds()) + 1
        address = f"{url.rstrip('/')}/api/v1/query?{urlencode({'query': f'{FIRED}[{seconds}s]'})}"
        answer = await self.outside.ask("Prometheus", "GET", address, timeout=ANSWER_WITHIN)
        await self._deliver(
            [
                alert
                for one in _Answer.model_validate_json(answer.body).data.result
                for alert in await self._missed(one)
            ]
        )

    async def _missed(self, series: _Series) -> list[AlertBody]:
        """A firing and its end, when nobody told us of it in the attempt it belongs to."""
        labels = {
            name: value for name, value in series.metric.items() if name not in {"__name__", "alertstate"}
        }
        if not self._ours(labels) or not series.values:
            return []
        first, last = (
            datetime.fromtimestamp(value[0], UTC) for value in (series.values[0], series.values[-1])
        )
        history = await self.store.attempts.history(labels[names.ROLLOUT], self.clock.now())
        source = f"{labels.get(names.GUARDRAIL)}/{labels.get(names.TIER)}"
        if history.attempt is None or not history.attempt.live or last < history.attempt.started_at:
            return []
        if any(said.source == source and (said.firing or said.at >= first) for said in history.said):
            return []
        note = {
            "description": f"it fired from {first:%H:%M:%S} to {last:%H:%M:%S} UTC; found by asking Prometheus"
        }
        began = max(first, history.attempt.started_at)
        found = AlertBody(status="firing", labels=labels, annotations=note, startsAt=began)
        return [found, found.model_copy(update={"status": "resolved"})]

    async def _deliver(self, alerts: list[AlertBody]) -> None:
        for start in range(0, len(alerts), MAX_ALERTS):
            body = compose(alerts[start : start + MAX_ALERTS], ASKED)
            await self.store.inbox.put(Received(self.clock.now(), ASKED, body))
        if alerts:
            self.guard.wake()

    def _ours(self, labels: Mapping[str, str]) -> bool:
        return self.playbooks.get(labels.get(names.ROLLOUT, "")) is not None
