"""Alertmanager and Prometheus, polled → deliveries like any other, so that nothing is missed while the receiver is
away.

Alertmanager sends the state of its groups, and nothing about alerts that came and went in the meantime. So the
receiver asks at its start and every minute: Alertmanager for what fires now, and, after it was away, Prometheus for
what fired meanwhile. Alerts that a person or another alert had muted are ignored in both cases.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from urllib.parse import urlencode

from handrail.contract import names
from pydantic import ValidationError

from handrail_receiver.catch_up.current_routes import CurrentRoutes
from handrail_receiver.catch_up.doubts import Doubts
from handrail_receiver.catch_up.lookback import (
    ALERTS,
    ANSWER_WITHIN,
    AlertmanagerState,
    CurrentAlert,
    LookBack,
)
from handrail_receiver.catch_up.lost_resolves import LostResolves, firing_in
from handrail_receiver.catch_up.missed import (
    Follows,
    MissedAlert,
    began,
    bodies,
    follows,
    is_news,
    said,
    too_many,
)
from handrail_receiver.catch_up.mutes import PastAlert
from handrail_receiver.catch_up.routes import is_ours
from handrail_receiver.decide.admission import ALERTMANAGER, fits, over, series_in
from handrail_receiver.errors import UNREADABLE, StoreDown, TargetError
from handrail_receiver.guard import Guard, with_tells
from handrail_receiver.intake.parse import MAX_ALERTS, AlertBody, compose
from handrail_receiver.model import History, LastSaid, Received, with_versions_of
from handrail_receiver.outside import AnswerTooLong, Outside
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock
from handrail_receiver.store import Store

log = logging.getLogger("handrail")
LONGEST_AWAY = timedelta(hours=12)
BEFORE = timedelta(minutes=1)
"""How much older than an attempt an alert is said to be that fired before it; since when, nobody asked."""
AGAIN_AFTER = 1.0
"""Seconds until it is asked again where the store did not answer; twice as many each time."""
ASKED = "asked"
FiredAlerts = dict[str, tuple[LastSaid, ...]]
WITH_A_ROLLOUT = f'{names.ROLLOUT}!=""'


@dataclass(frozen=True)
class KnownAlerts:
    """What the Alertmanagers have of ours now: `of` has the rollouts of which all of them have said everything."""

    alerts: tuple[CurrentAlert, ...]
    of: frozenset[str]


@dataclass
class Poller:
    """Asks every Alertmanager and Prometheus. `problems` says who did not answer last time, `elsewhere` whose alerts
    Alertmanager has and does not send to us.

    `receivers` are what we are called in Alertmanager; `unsure` is what follows when an alert was missed and no
    Alertmanager says whether it was silenced.
    """

    outside: Outside
    alertmanagers: tuple[str, ...]
    receivers: tuple[str, ...]
    prometheus: str | None
    unsure: Literal["act", "hold"]
    store: Store
    playbooks: Playbooks
    guard: Guard
    clock: Clock
    every: float
    routes: CurrentRoutes
    doubts: Doubts
    problems: dict[str, str] = field(default_factory=dict)
    elsewhere: str = ""
    _lost: LostResolves = field(default_factory=LostResolves)
    _unsure_before: bool = False

    def at_once(self) -> None:
        """Ask now: something was said that is not the whole truth."""
        self.doubts.asks.set()

    def in_doubt(self) -> None:
        """The store was away, and what was sent meanwhile may not have been taken: ask as after an absence."""
        self.doubts.begin()
        self.at_once()

    async def begun(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """An attempt has begun while `alerts` fire by Prometheus: they count for it as if they were sent now.

        Alertmanager knows what of it is muted, and is asked at once; where none is set, nothing is.
        """
        if self.alertmanagers:
            self.at_once()
            return
        since = self.clock.now() - BEFORE
        try:
            await self._deliver(
                [AlertBody(status="firing", labels=dict(one), startsAt=since) for one in alerts]
            )
        except StoreDown as error:
            log.warning("what fires is asked for once the store answers: %s", error)
            self.in_doubt()

    async def run(self) -> None:
        """Ask until cancelled; soon again where the store did not keep it, for until then nothing goes forward."""
        pause = AGAIN_AFTER
        while True:
            self.doubts.asks.clear()
            try:
                await self.step()
            except StoreDown as error:
                self.doubts.begin()
                log.warning("what was asked cannot be kept: %s", error)
                wait, pause = min(pause, self.every), 2 * pause
            else:
                wait, pause = self.every, AGAIN_AFTER
            try:
                async with asyncio.timeout(wait):
                    await self.doubts.asks.wait()
            except TimeoutError:
                continue

    async def step(self) -> None:
        """Ask everybody once and put what is news into the inbox."""
        now, doubt = self.clock.now(), self.doubts.newest
        last = await self.store.memory.recall(ASKED)
        since = await self.store.deliveries.undecided_from()
        fired = await self._fired() if self.alertmanagers else {}
        alerts = await self._present()
        present = list(alerts.alerts) if alerts else None
        if alerts is not None:
            sent = await asyncio.to_thread(self._sent_to_us, alerts.alerts)
            await self._deliver(await asyncio.to_thread(lambda: [one.body() for one in sent]))
            await self._close(alerts, fired, since)
        if last is None or await self._is_known(present, last, now):
            await self.store.memory.remember(ASKED, now)
            if self.doubts.since():
                await self._decided()
            self.doubts.end(doubt)

    async def _present(self) -> KnownAlerts | None:
        """What the Alertmanagers have now of ours, None when none of them answers."""
        answers = [await self._of(url) for url in self.alertmanagers]
        known = [answer for answer in answers if answer is not None]
        if not known:
            return None
        every = [one for answer in known for one in answer.alerts]
        alerts = await asyncio.to_thread(lambda: tuple(one for one in every if self._ours(one.labels)))
        whole = frozenset.intersection(*(answer.of for answer in known))
        return KnownAlerts(alerts, whole if len(known) == len(answers) else frozenset())

    async def _of(self, url: str) -> KnownAlerts | None:
        """What one of them has. Rollout by rollout when it is too much at once: then one has no more than its own."""
        rollouts = [playbook.rollout for playbook in self.playbooks.all()]
        try:
            alerts = await self._alerts(url, WITH_A_ROLLOUT)
        except AnswerTooLong:
            return await self._one_by_one(url, rollouts)
        except (TargetError, ValidationError) as error:
            self._failed(url, error)
            return None
        self.problems.pop(url, None)
        return KnownAlerts(alerts, frozenset(rollouts))

    async def _one_by_one(self, url: str, rollouts: list[str]) -> KnownAlerts | None:
        alerts: tuple[CurrentAlert, ...] = ()
        whole: list[str] = []
        long: list[str] = []
        for rollout in rollouts:
            try:
                alerts += await self._alerts(url, f"{names.ROLLOUT}={json.dumps(rollout)}")
                whole.append(rollout)
            except AnswerTooLong:
                long.append(rollout)
            except (TargetError, ValidationError) as error:
                self._failed(url, error)
                return None
        if long:
            self._say(
                url, f"{url} has more alerts of {', '.join(long)} than can be read; let its rules aggregate"
            )
        else:
            self.problems.pop(url, None)
        return KnownAlerts(alerts, frozenset(whole))

    async def _alerts(self, url: str, matcher: str) -> tuple[CurrentAlert, ...]:
        address = f"{url.rstrip('/')}/api/v2/alerts?{urlencode({'filter': matcher})}"
        answer = await self.outside.ask("Alertmanager", "GET", address, timeout=ANSWER_WITHIN)
        alerts = await answer.through(ALERTS.validate_json)
        return await self.routes.as_sent(url, alerts, self.clock.now())

    def _sent_to_us(self, alerts: tuple[CurrentAlert, ...]) -> list[CurrentAlert]:
        """Those that Alertmanager would deliver to us; where all go elsewhere, that is said once."""
        active = [one for one in alerts if one.active]
        ours = [one for one in active if is_ours(one.goes_to, self.receivers)]
        others = sorted({name for one in active for name in one.goes_to})
        said = (
            f"{len(active)} alerts of ours go to {', '.join(others)} and to no receiver called "
            f"{' or '.join(self.receivers)}; correct the routes, or HANDRAIL_ALERTMANAGER_RECEIVERS"
            if active and not ours
            else ""
        )
        if said and said != self.elsewhere:
            log.warning("%s", said)
        self.elsewhere = said
        return ours

    async def _fired(self) -> FiredAlerts:
        """What fires in each live attempt by what was said, and can be asked for."""
        fired: FiredAlerts = {}
        for playbook in self.playbooks.all():
            history = await self._history(playbook.rollout)
            if history and history.attempt and history.attempt.live:
                said = (one for one in history.said if one.firing and one.origin == ALERTMANAGER)
                fired[playbook.rollout] = tuple(said)
        return fired

    async def _close(self, alerts: KnownAlerts, fired: FiredAlerts, since: int) -> None:
        """What no Alertmanager has any more, though all answer, no longer fires: its resolve was lost.

        `fired` is what was said before the question; what was delivered `since` is newer than the answer, or as new.
        """
        still = await asyncio.to_thread(
            lambda: {series for one in alerts.alerts for series in series_in(one.labels)}
        )
        if any(fired.values()):
            still |= await asyncio.to_thread(firing_in, await self.store.deliveries.since(since))
        gone = {
            (rollout, one)
            for rollout in alerts.of
            for one in fired.get(rollout, ())
            if one.series not in still
        }
        ended = self._lost.after(gone, asyncio.get_running_loop().time(), self.every)
        for rollout in sorted({rollout for rollout, _ in ended}):
            these = {one for its, one in ended if its == rollout}
            await self.guard.apply(rollout, partial(over, rollout, these))

    async def _history(self, rollout: str) -> History | None:
        """What was done and said in its newest attempt; None where that cannot be read, which holds up no other."""
        try:
            return await self.store.attempts.history(rollout, self.clock.now())
        except UNREADABLE as error:
            log.warning("the attempt of %s cannot be read: %s", rollout, " ".join(str(error).split()))
            return None

    async def _is_known(self, present: list[CurrentAlert] | None, last: datetime, now: datetime) -> bool:
        """Whether all is known up to `now`; what is not is asked for again next time."""
        heard = present is not None or not self.alertmanagers
        away = self.doubts.since() is not None or now - last > timedelta(seconds=2 * self.every)
        if self.prometheus is None or not away:
            return heard
        back = LookBack(self.outside, self.prometheus, self.alertmanagers, self.receivers)
        now = self.clock.now()
        try:
            sure = await self._look_back(back, present, max(last, now - LONGEST_AWAY), now)
        except (TargetError, ValidationError) as error:
            self._failed(self.prometheus, error)
            return False
        self.problems.pop(self.prometheus, None)
        return heard and sure

    async def _look_back(
        self, back: LookBack, present: list[CurrentAlert] | None, since: datetime, now: datetime
    ) -> bool:
        """Do what follows from each alert that was missed; whether that could be said of all of them."""
        rollouts = [playbook.rollout for playbook in self.playbooks.all()]
        every, unread = await back.fired(since, now, rollouts)
        for rollout in unread:
            await self._too_many(rollout)
        fired = await asyncio.to_thread(lambda: [one for one in every if self._ours(one.labels)])
        kept = await back.kept() if fired and self.alertmanagers and present is not None else None
        concerned = sorted({one.labels[names.ROLLOUT] for one in fired})
        histories = {name: await self._history(name) for name in concerned}
        news = await asyncio.to_thread(self._news, fired, present, kept, histories)
        missed = list(map(MissedAlert, news, await back.muted(news, present, kept, now)))
        words, bodies = await asyncio.to_thread(self._follow, missed, histories)
        await self._deliver(bodies)
        told = {
            (one.rollout, one.source, one.muted): one
            for one, word in zip(missed, words, strict=True)
            if word in {"leave", "hold"}
        }
        for one in told.values():  # of a tier with thousands of series once
            await self._tell(one)
        self._unsure_before = any(one.muted is None for one in missed)
        return not {"wait", "hold"} & set(words)

    def _news(
        self,
        fired: list[PastAlert],
        present: list[CurrentAlert] | None,
        kept: AlertmanagerState | None,
        histories: Mapping[str, History | None],
    ) -> list[PastAlert]:
        """Those that nobody told us of, and that would have been sent to us. Slow where there are thousands.

        Of an attempt that cannot be read all are: its people hear of each, as if it were sent now.
        """
        return [
            one
            for one in fired
            if is_news(MissedAlert(one, None), histories[one.labels[names.ROLLOUT]])
            and not _is_sent(one, present)
            and (kept is None or is_ours(kept.goes_to(one.labels), self.receivers))
        ]

    def _follow(
        self, missed: list[MissedAlert], histories: Mapping[str, History | None]
    ) -> tuple[list[Follows], list[AlertBody]]:
        """What follows from each, and what is delivered of those that are acted on."""
        words = [self._follows(one) for one in missed]
        acting = [one for one, word in zip(missed, words, strict=True) if word == "act"]
        return words, [
            body for one in acting for body in bodies(one, began(one, histories[one.rollout] or History()))
        ]

    def _follows(self, missed: MissedAlert) -> Follows:
        playbook = self.playbooks.get(missed.rollout)
        return follows(missed, playbook, self.unsure, again=self._unsure_before) if playbook else "leave"

    async def _tell(self, missed: MissedAlert) -> None:
        """Write down why an alert that was missed is left alone, or hold and tell people."""
        playbook = self.playbooks.get(missed.rollout)
        if playbook is not None:
            await self.guard.apply(
                playbook.rollout,
                lambda history: with_tells(
                    said(missed, playbook, history), with_versions_of(history.attempt, playbook)
                ),
            )

    async def _too_many(self, rollout: str) -> None:
        """More of a rollout fired than can be read: it is held, and its people look."""
        playbook = self.playbooks.get(rollout)
        if playbook is not None:
            await self.guard.apply(
                rollout,
                lambda history: with_tells(
                    too_many(playbook, history), with_versions_of(history.attempt, playbook)
                ),
            )

    async def _deliver(self, alerts: list[AlertBody]) -> None:
        for start in range(0, len(alerts), MAX_ALERTS):
            body = await asyncio.to_thread(compose, alerts[start : start + MAX_ALERTS])
            await self.store.inbox.put(Received(self.clock.now(), ASKED, body))
        if alerts:
            self.guard.wake()

    async def _decided(self) -> None:
        """Wait until what was found is decided, no longer than for an answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_WITHIN):
                while await self.store.inbox.waiting():  # noqa: ASYNC110  another receiver may decide it
                    await asyncio.sleep(0.1)

    def _failed(self, url: str, error: Exception) -> None:
        odd = f"the answer of {url} is not what it should be; correct the address"
        self._say(url, str(error) if isinstance(error, TargetError) else odd)

    def _say(self, url: str, text: str) -> None:
        if self.problems.get(url) != text:
            log.warning("%s", text)
        self.problems[url] = text

    def _ours(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert is about a rollout of ours. Heartbeat and test alert count only when delivered: that is their point."""
        playbook = self.playbooks.get(labels.get(names.ROLLOUT, ""))
        proves = labels.get(names.ALERTNAME) in {names.HEARTBEAT_ALERT, names.TEST_ALERT}
        return playbook is not None and not proves and fits(labels, playbook)


def _is_sent(fired: PastAlert, present: list[CurrentAlert] | None) -> bool:
    """Whether Alertmanager has it as active: then it was asked for already."""
    return any(one.active and fired.labels.items() <= one.labels.items() for one in present or ())
