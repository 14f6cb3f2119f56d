"""Inbox → everything decided, and what was decided carried out: the loop that never ends.

The webhook wakes it right after its commit; deliveries within BREATH seconds are decided together. It also looks
every second by itself, for what is due and for what another receiver left behind.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from handrail.contract import GivenArms, Playbook, names

from handrail_receiver.decide.admission import ALERTMANAGER, believed, heartbeat, judge, test_alert
from handrail_receiver.decide.gate_open import GATE_OPEN
from handrail_receiver.decide.groups import FAULT, FAULTS, bounded, by_tier, heard_as_well
from handrail_receiver.errors import ReceiverError, StoreDown
from handrail_receiver.execute.executor import Executor
from handrail_receiver.execute.scheduler import Scheduler
from handrail_receiver.intake.parse import parse
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import (
    HEARTBEAT,
    QUIET,
    TEST_ALERT,
    Begin,
    Change,
    Conditions,
    Decision,
    EndAll,
    History,
    LeftToPeople,
    Open,
    Run,
    RunState,
    Settled,
    Signal,
    Stored,
    Verdict,
    in_force,
    with_versions_of,
)
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock, Judge, Look
from handrail_receiver.store import Store

log = logging.getLogger("handrail")
TOGETHER = 200
LOOK_EVERY = 1.0
BREATH = 0.03
OTHERS = "1"  # the version that Grafana and Google send, whose alerts no Alertmanager of ours has
UNREAD = "unreadable-delivery"
TOLD = {Verdict.act, Verdict.hold, Verdict.tell}


def with_tells(decision: Decision, playbook: Playbook) -> Decision:
    """A decision with everybody who is to hear of it, and the versions that it is about."""
    if isinstance(playbook.arms, GivenArms) and decision.verdict not in QUIET:
        versions = playbook.arms.model_dump(include={"label", "canary", "stable"})
        decision = replace(decision, known={**decision.known, "versions": versions})
    action = playbook.action(decision.action) if decision.verdict in TOLD else None
    return decision if action is None else replace(decision, tell=action.tell)


@dataclass
class Guard:
    """Decides and carries out. `conditions` says what holds now."""

    store: Store
    playbooks: Playbooks
    executor: Executor
    clock: Clock
    metrics: Metrics
    conditions: Callable[[], Conditions]
    owner: str
    lease: float
    on_decision: Callable[[Decision], None] = lambda _: None
    on_truncated: Callable[[], None] = lambda: None
    on_begin: Callable[[], None] = lambda: None
    on_store_down: Callable[[], None] = lambda: None
    on_over: Callable[[str], None] = lambda _: None
    on_gate: Callable[[str], None] = lambda _: None
    unheard_since: Callable[[], datetime | None] = lambda: None
    heartbeat_at: datetime | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _together: int = TOGETHER

    @cached_property
    def scheduler(self) -> Scheduler:
        """Who carries out what was decided."""
        return Scheduler(
            runs=self.store.runs,
            executor=self.executor,
            clock=self.clock,
            owner=self.owner,
            lease=timedelta(seconds=self.lease),
            shared=self.store.engine.shared,
            wake=self.wake,
            unheard_since=self.unheard_since,
        )

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def run(self) -> None:
        """Decide and carry out until cancelled."""
        while True:
            self._wake.clear()
            self.unheard_since()  # nobody may have let us run
            try:
                await self.step()
            except StoreDown as error:
                log.warning("nothing can be decided: %s", error)
                self.on_store_down()
                await asyncio.sleep(LOOK_EVERY)
            await asyncio.sleep(BREATH)
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def step(self) -> None:
        """Decide what is in the inbox, and start what is due."""
        full = True
        while full:
            settled = await self._settle()
            more = any(not one.numbers for one in settled)
            full = more or sum(len(one.numbers) for one in settled) == self._together
            self._together = min(TOGETHER, 2 * self._together)
            self.metrics.notifications(settled)
            news = [one for one in settled if one.first is not None and one.first.verdict not in QUIET]
            self._decided([decision for one in news for decision in one.decisions])
            self._hear(news)
            await self.scheduler.start_due()

    async def _settle(self) -> list[Settled]:
        """Decide the oldest deliveries; fewer next time when the store gave up, for so many may be what takes too long."""
        try:
            return await self.store.inbox.settle(self.judging(), self.clock.now(), self._together)
        except StoreDown:
            self._together = max(1, self._together // 4)
            raise

    async def apply(self, rollout: str, decision: Callable[[History], Decision]) -> Decision:
        """Carry a person's decision into the store and start what it opens."""
        decided = await self.store.attempts.apply(rollout, decision, self.clock.now())
        self._decided([decided])
        try:
            await self.scheduler.start_due()
        except StoreDown as error:  # it is decided all the same
            log.warning("what %s decided is begun once the store answers: %s", rollout, error)
            self.wake()
        return decided

    async def ended(self, decision: Decision, within: float) -> Run | None:
        """The run that a decision opened, or found under way, once it has ended or only waits for its proof."""
        wanted = next((change for change in decision.changes if isinstance(change, Open)), None)
        action = decision.action if decision.reason == "under-way" else wanted.action if wanted else ""
        if not action or decision.verdict == Verdict.refuse:
            return None
        deadline = asyncio.get_running_loop().time() + within
        while True:
            history = await self.store.attempts.history(decision.rollout, self.clock.now())
            run = history.last_run(action, wanted.key if wanted else None)
            if run is None or run.finished_at or run.state == RunState.proving:
                return run
            if asyncio.get_running_loop().time() > deadline:
                return run
            await asyncio.sleep(0.05)

    def judging(self) -> Judge:
        """A judge of one round: what holds beside the history is asked once, at its first delivery."""
        conditions = functools.cache(self.conditions)
        return lambda stored, look: self._judge(stored, look, conditions())

    def _judge(self, stored: Stored, look: Look, now: Conditions) -> Iterable[Decision]:
        """What follows from a delivery, alert by alert; one that cannot be read holds up none behind it."""
        try:
            notification = parse(stored.body)
        except ReceiverError as error:
            text = f"a delivery of {stored.source} that was taken by another version cannot be read ({error})"
            yield Decision(Verdict.tell, UNREAD, f"{text}; Alertmanager is asked for what fires")
            return
        origin = "" if notification.dialect == OTHERS else ALERTMANAGER
        firsts, series = by_tier(notification.signals)
        for signal in firsts:
            if signal.labels.get(names.ALERTNAME) == names.HEARTBEAT_ALERT:
                yield heartbeat(signal, self.playbooks.all())
                continue
            if signal.labels.get(names.ALERTNAME) == names.TEST_ALERT:
                yield test_alert(signal)
                continue
            yield from self._judged(signal, look, now, origin)
        for same in series:
            newest = self.playbooks.get(same[0].labels.get(names.ROLLOUT, ""))
            yield from bounded(heard_as_well(same, look, newest, origin), same[0], None)
        if notification.truncated:
            text = f"{notification.truncated} alerts were cut off by the sender; of those nothing is known"
            yield Decision(Verdict.tell, "truncated", text)

    def _judged(self, signal: Signal, look: Look, now: Conditions, origin: str) -> Iterator[Decision]:
        """What follows from one alert, by the playbook of its attempt."""
        newest = self.playbooks.get(signal.labels.get(names.ROLLOUT, ""))
        for decision in bounded(self._of(signal, newest, look, now, origin), signal, newest):
            if decision.reason == FAULT:
                log.error("%s: %s", decision.rollout, decision.text)
                yield with_tells(_left(decision, signal, look), newest) if newest else decision
            else:
                yield decision

    def _of(
        self, signal: Signal, newest: Playbook | None, look: Look, now: Conditions, origin: str
    ) -> Iterator[Decision]:
        attempt = look(newest.rollout).attempt if newest else None
        newest = with_versions_of(attempt, newest) if newest else None
        own = in_force(attempt, newest) if newest else None
        playbook = believed(signal.labels, own, newest) if own and newest else None
        for decision in judge(signal, playbook, look, now, origin):
            yield with_tells(decision, playbook) if playbook else decision

    async def close(self) -> None:
        """Stop carrying out; what is open stays open, for the next start or for another receiver at once."""
        await self.scheduler.close()

    def _decided(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            if decision.verdict in QUIET:
                continue
            if any(isinstance(change, EndAll) or _goes_first(change) for change in decision.changes):
                self.scheduler.give_way(decision.attempt)
            if any(isinstance(change, Begin) for change in decision.changes):
                self.on_begin()
            if decision.reason == "attempt-over":
                self.on_over(decision.rollout)
            if decision.reason in {GATE_OPEN, "approved", "checked"}:
                self.on_gate(decision.rollout)
            about = " ".join(filter(None, (decision.rollout, decision.action))) or "Alertmanager"
            log.info("%s: %s (%s) %s", about, decision.verdict, decision.reason, decision.text)
            self.on_decision(decision)

    def _hear(self, news: list[Settled]) -> None:
        for one in news:
            if any(decision.reason in {"truncated", UNREAD} for decision in one.decisions):
                self.on_truncated()
            if any(decision.reason == HEARTBEAT for decision in one.decisions):
                self.metrics.heartbeat(one.at)
                self.heartbeat_at = one.at
            if any(decision.reason == TEST_ALERT for decision in one.decisions):
                self.metrics.test_alert(one.at)


def _left(undecided: Decision, signal: Signal, look: Look) -> Decision:
    """A decision on an alert that could not be decided: where it asks for a rollback, that is left to people."""
    action, shadow = signal.labels.get(names.ACTION, ""), signal.labels.get(names.MODE) == names.SHADOW
    if not signal.firing or action not in names.ACTING or shadow:
        return undecided
    try:
        attempt = look(undecided.rollout).attempt
    except FAULTS:
        return undecided
    if attempt is None or not attempt.live:
        return undecided
    return replace(undecided, changes=(LeftToPeople(action, undecided.text, attempt.id),))


def _goes_first(change: Change) -> bool:
    return isinstance(change, Open) and change.supersedes
