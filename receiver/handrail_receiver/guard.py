"""Inbox and open runs → everything decided and carried out: the loop that never ends.

The webhook wakes it right after its commit; what follows within BREATH seconds is decided together. It also
looks by itself every second, for what became due and for what another receiver left behind.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from handrail.contract import Playbook, names

from handrail_receiver.admission import HEARTBEAT, heartbeat, judge
from handrail_receiver.errors import LeaseLost, StoreDown
from handrail_receiver.execute import Executor
from handrail_receiver.intake import parse
from handrail_receiver.model import (
    QUIET,
    Conditions,
    Decision,
    History,
    Open,
    Run,
    RunState,
    Settled,
    Stored,
    Verdict,
)
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Clock, Judge, Look
from handrail_receiver.status.metrics import Metrics
from handrail_receiver.stores import Store

log = logging.getLogger("handrail")
TOGETHER = 200
LOOK_EVERY = 1.0
BREATH = 0.03
TOLD = {Verdict.act, Verdict.hold, Verdict.tell}


def with_tells(decision: Decision, playbook: Playbook) -> Decision:
    """A decision with everybody who is to hear of it."""
    action = playbook.action(decision.action) if decision.verdict in TOLD else None
    return decision if action is None else replace(decision, tell=action.tell)


@dataclass
class Guard:
    """Decides and carries out. `conditions` says what holds now, `on_end` hears of every run that ended."""

    store: Store
    playbooks: Playbooks
    executor: Executor
    clock: Clock
    metrics: Metrics
    conditions: Callable[[], Conditions]
    owner: str
    lease: float
    on_decision: Callable[[Decision], None] = lambda _: None
    on_end: Callable[[Run], None] = lambda _: None
    on_truncated: Callable[[], None] = lambda: None
    heartbeat_at: datetime | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _running: dict[int, tuple[Run, asyncio.Task[None]]] = field(default_factory=dict)
    _turns: dict[int, asyncio.Lock] = field(default_factory=dict)
    _ended: dict[int, asyncio.Event] = field(default_factory=dict)

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def run(self) -> None:
        """Decide and carry out until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.step()
            except StoreDown as error:
                log.warning("nothing can be decided: %s", error)
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
            settled = await self.store.inbox.settle(self.judging(), self.clock.now(), TOGETHER)
            full = sum(len(one.numbers) for one in settled) == TOGETHER
            self.metrics.notifications(settled)
            news = [one for one in settled if one.first is not None and one.first.verdict not in QUIET]
            await self._decided([decision for one in news for decision in one.decisions])
            self._hear(news)
            await self._start_due()

    async def apply(self, rollout: str, decision: Callable[[History], Decision]) -> Decision:
        """Carry a person's decision into the store and start what it opens."""
        decided = await self.store.attempts.apply(rollout, decision, self.clock.now())
        await self._decided([decided])
        await self._start_due()
        return decided

    async def ended(self, decision: Decision, within: float) -> Run | None:
        """The run that a decision opened, once it has ended or is only waiting for its proof."""
        wanted = next((change for change in decision.changes if isinstance(change, Open)), None)
        if wanted is None:
            return None
        deadline = asyncio.get_running_loop().time() + within
        while True:
            history = await self.store.attempts.history(decision.rollout, self.clock.now())
            run = history.last_run(wanted.action, wanted.key)
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
        """What follows from a delivery, alert by alert."""
        notification = parse(stored.body)
        for signal in notification.signals:
            if signal.labels.get(names.ALERTNAME) == names.HEARTBEAT_ALERT:
                yield heartbeat(signal, self.playbooks.all())
                continue
            playbook = self.playbooks.get(signal.labels.get(names.ROLLOUT, ""))
            for decision in judge(signal, playbook, look, now):
                yield with_tells(decision, playbook) if playbook else decision
        if notification.truncated:
            text = f"{notification.truncated} alerts were cut off by the sender; of those nothing is known"
            yield Decision(Verdict.tell, "truncated", text)

    async def close(self) -> None:
        """Stop carrying out; what is open stays open, for the next start or for another receiver at once."""
        running = list(self._running.values())
        for _, task in running:
            task.cancel()
        await asyncio.gather(*(task for _, task in running), return_exceptions=True)
        for run, _ in running:
            with suppress(LeaseLost, StoreDown):
                await self.store.runs.renew(run, self.clock.now())

    async def _decided(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            if decision.verdict in QUIET:
                continue
            if any(isinstance(change, Open) and change.supersedes for change in decision.changes):
                await self._end_entering(decision.attempt)
            log.info(
                "%s %s: %s (%s) %s",
                decision.rollout,
                decision.action,
                decision.verdict,
                decision.reason,
                decision.text,
            )
            self.on_decision(decision)

    async def _end_entering(self, attempt: int) -> None:
        """A rollback does not wait for what enters a stage; and nothing of that may land after it."""
        ended = [
            task
            for run, task in self._running.values()
            if run.attempt == attempt and (run.action not in names.ACTING or run.state == RunState.waiting)
        ]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    def _hear(self, news: list[Settled]) -> None:
        for one in news:
            if any(decision.reason == "truncated" for decision in one.decisions):
                self.on_truncated()
            if any(decision.reason == HEARTBEAT for decision in one.decisions):
                self.metrics.heartbeat(one.at)
                self.heartbeat_at = one.at

    async def _start_due(self) -> None:
        now = self.clock.now()
        for run in await self.store.runs.lease(self.owner, now, now + timedelta(seconds=self.lease)):
            if run.id not in self._running:
                task = asyncio.create_task(self._carry_out(run), name=f"{run.action} {run.rollout}")
                self._running[run.id] = (run, task)

    async def _carry_out(self, run: Run) -> None:
        renewing = asyncio.create_task(self._renew(run, asyncio.current_task()))
        try:
            async with self._turns.setdefault(run.attempt, asyncio.Lock()):
                ended = await self.executor.carry_out(run)
            log.info("%s %s: %s %s", ended.rollout, ended.action, ended.state, ended.text)
            self.metrics.ended(ended)
            self.on_end(ended)
        except (LeaseLost, StoreDown) as error:
            log.warning("%s of %s stays open: %s", run.action, run.rollout, error)
        except Exception:
            log.exception("a fault in %s of %s; it stays open and is begun again", run.action, run.rollout)
        finally:
            renewing.cancel()
            self._running.pop(run.id, None)
            self.wake()

    async def _renew(self, run: Run, task: asyncio.Task[None] | None) -> None:
        """Stay the one who works on a run. Whoever cannot stops before another receiver may begin."""
        renewed, pause = self.clock.now(), self.lease / 3
        while True:
            await asyncio.sleep(pause)
            now = self.clock.now()
            try:
                async with asyncio.timeout(self.lease / 6):
                    await self.store.runs.renew(run, now + timedelta(seconds=self.lease))
                renewed, pause = now, self.lease / 3
            except LeaseLost:
                break
            except (StoreDown, TimeoutError) as error:
                log.warning("the lease of %s cannot be renewed: %s", run.rollout, str(error) or "no answer")
                pause = self.lease / 12
                if self.store.engine.shared and self.clock.now() - renewed >= 0.75 * timedelta(
                    seconds=self.lease
                ):
                    log.warning("%s of %s is left to whoever reaches the store", run.action, run.rollout)
                    break
        if task is not None:
            task.cancel()
