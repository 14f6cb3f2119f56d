"""What Alertmanager and Prometheus know → deliveries like any other: so that nothing is missed while we were away.

Alertmanager tells us the state of its groups, and nothing about what came and went meanwhile. So we ask, at
the start and every minute: Alertmanager for what fires now; and Prometheus, after we were away, for what fired
meanwhile. What a person or another alert had muted is left alone either way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from handrail.contract import names
from pydantic import ValidationError

from handrail_receiver.errors import StoreDown, TargetError
from handrail_receiver.guard import Guard, with_tells
from handrail_receiver.intake import MAX_ALERTS, AlertBody, compose
from handrail_receiver.lookback import ALERTS, ANSWER_WITHIN, LookBack, Present
from handrail_receiver.missed import Follows, Missed, began, follows, is_news, said
from handrail_receiver.model import Received
from handrail_receiver.mutes import Fired
from handrail_receiver.outside import Outside
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.stores import Store

log = logging.getLogger("handrail")
LONGEST_AWAY = timedelta(hours=12)
ASKED = "asked"
WITH_A_ROLLOUT = urlencode({"filter": f'{names.ROLLOUT}!=""'})


@dataclass
class Asker:
    """Asks every Alertmanager and Prometheus. `problems` says who did not answer last time.

    `unsure` is what follows when an alert was missed and no Alertmanager says whether it was silenced.
    """

    outside: Outside
    alertmanagers: tuple[str, ...]
    prometheus: str | None
    unsure: Literal["act", "hold"]
    store: Store
    playbooks: Playbooks
    guard: Guard
    clock: Clock
    every: float
    problems: dict[str, str] = field(default_factory=dict)
    _asked_before: bool = False
    _unsure_before: bool = False
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
        last = await self.store.memory.recall(ASKED)
        present = await self._present()
        await self._deliver([_body(one) for one in present or () if one.active])
        if last is None or await self._is_known(present, last, now):
            await self.store.memory.remember(ASKED, now)
            self._asked_before = True

    async def _present(self) -> list[Present] | None:
        """What the Alertmanagers have now of ours, None when none of them answers."""
        answers = [await self._of(url) for url in self.alertmanagers]
        known = [one for answer in answers if answer is not None for one in answer if self._ours(one.labels)]
        return known if any(answer is not None for answer in answers) else None

    async def _of(self, url: str) -> list[Present] | None:
        address = f"{url.rstrip('/')}/api/v2/alerts?{WITH_A_ROLLOUT}"
        try:
            answer = await self.outside.ask("Alertmanager", "GET", address, timeout=ANSWER_WITHIN)
            found = ALERTS.validate_json(answer.body)
        except (TargetError, ValidationError) as error:
            self._failed(url, error)
            return None
        self.problems.pop(url, None)
        return found

    async def _is_known(self, present: list[Present] | None, last: datetime, now: datetime) -> bool:
        """Whether all is known up to `now`; what is not is asked for again next time."""
        heard = present is not None or not self.alertmanagers
        away = not self._asked_before or now - last > timedelta(seconds=2 * self.every)
        if self.prometheus is None or not away:
            return heard
        back = LookBack(self.outside, self.prometheus, self.alertmanagers)
        try:
            sure = await self._look_back(back, present, max(last, now - LONGEST_AWAY), now)
        except (TargetError, ValidationError) as error:
            self._failed(self.prometheus, error)
            return False
        self.problems.pop(self.prometheus, None)
        return heard and sure

    async def _look_back(
        self, back: LookBack, present: list[Present] | None, since: datetime, now: datetime
    ) -> bool:
        """Do what follows from each alert that was missed; whether that could be said of all of them."""
        fired = await back.fired(since, now)
        news = [one for one in fired if not _is_sent(one, present) and await self._is_news(one)]
        missed = list(map(Missed, news, await back.muted(news, present, now)))
        words = [await self._do(one) for one in missed]
        self._unsure_before = any(one.muted is None for one in missed)
        return not {"wait", "hold"} & set(words)

    async def _is_news(self, fired: Fired) -> bool:
        if not self._ours(fired.labels):
            return False
        history = await self.store.attempts.history(fired.labels[names.ROLLOUT], self.clock.now())
        return is_news(Missed(fired, None), history)

    async def _do(self, missed: Missed) -> Follows:
        """Do what follows from an alert that was missed, and give the word for it."""
        playbook = self.playbooks.get(missed.fired.labels[names.ROLLOUT])
        if playbook is None:
            return "leave"
        word = follows(missed, playbook, self.unsure, again=self._unsure_before)
        if word == "act":
            history = await self.store.attempts.history(playbook.rollout, self.clock.now())
            await self._deliver(_bodies(missed, began(missed, history)))
        elif word != "wait":
            await self.guard.apply(
                playbook.rollout, lambda history: with_tells(said(missed, playbook, history), playbook)
            )
        return word

    async def _deliver(self, alerts: list[AlertBody]) -> None:
        for start in range(0, len(alerts), MAX_ALERTS):
            body = compose(alerts[start : start + MAX_ALERTS])
            await self.store.inbox.put(Received(self.clock.now(), ASKED, body))
        if alerts:
            self.guard.wake()

    def _failed(self, url: str, error: Exception) -> None:
        text = (
            str(error)
            if isinstance(error, TargetError)
            else "its answer is not what it should be; correct the address"
        )
        if self.problems.get(url) != text:
            log.warning("%s: %s", url, text)
        self.problems[url] = text

    def _ours(self, labels: Mapping[str, str]) -> bool:
        return self.playbooks.get(labels.get(names.ROLLOUT, "")) is not None


def _is_sent(fired: Fired, present: list[Present] | None) -> bool:
    """Whether Alertmanager has it as active: then it was asked for already."""
    return any(one.active and fired.labels.items() <= one.labels.items() for one in present or ())


def _body(alert: Present) -> AlertBody:
    return AlertBody(
        status="firing",
        labels=alert.labels,
        annotations=alert.annotations,
        startsAt=alert.startsAt,
        fingerprint=alert.fingerprint,
    )


def _bodies(missed: Missed, starts_at: datetime) -> list[AlertBody]:
    """It fires, and it has stopped if it has."""
    found = AlertBody(
        status="firing",
        labels=dict(missed.fired.labels),
        annotations={"description": missed.text},
        startsAt=starts_at,
    )
    return [found] if missed.fired.still else [found, found.model_copy(update={"status": "resolved"})]
