"""Open runs → carried out: one task for each action, and the strongest action of an attempt goes first.

Only a run that acts has the turn. A run that waits to be confirmed or proved blocks no other, and takes the turn for
each correction that it makes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from handrail.contract import names

from handrail_receiver.errors import LeaseLost, StoreDown
from handrail_receiver.execute.executor import Executor
from handrail_receiver.model import ENTERING, Progress, Run, RunState
from handrail_receiver.ports import Clock, Runs

log = logging.getLogger("handrail")
RELEASED = timedelta(0)
WAITS = "it goes on once it is known what fires"
STOPS_WITHIN = 1.0
"""How long an action waits for those that it stopped. The fence keeps them from writing; this only keeps order."""
AGAIN_AFTER = 1.0
"""How long nothing is done of an action that met a fault, or no store: else it would be begun thirty times a second."""


def strength(run: Run) -> int:
    """How strong an action is; entering a stage is the weakest of all."""
    return names.ACTING.index(run.action) if run.action in names.ACTING else -1


@dataclass
class _RunningTask:
    """A run that is being carried out, as it stood when it was last recorded.

    It is stopped once: a second time would interrupt what it does to end as it should.
    """

    run: Run
    task: asyncio.Task[None]
    stopped: bool = False

    def stop(self) -> None:
        """Cancel it."""
        if not self.stopped:
            self.stopped = True
            self.task.cancel()


@dataclass
class Scheduler:
    """Carries out what is due. `wake` is called when a task is over.

    `unheard_since` is since when something may fire of which nobody told us, None where it is known what fires: a stage
    that somebody began to enter before is not entered any further until then.
    """

    runs: Runs
    executor: Executor
    clock: Clock
    owner: str
    lease: timedelta
    shared: bool
    wake: Callable[[], None]
    unheard_since: Callable[[], datetime | None] = lambda: None
    _entries: dict[int, _RunningTask] = field(default_factory=dict)
    _turns: dict[int, asyncio.Lock] = field(default_factory=dict)

    async def start_due(self) -> None:
        """Begin what is due, the strongest first; weaker actions are stopped."""
        due = await self.runs.lease(self.owner, self.clock.now(), self.lease)
        new = [run for run in sorted(due, key=strength, reverse=True) if not self._under_way(run)]
        begun = [replace(run, text=run.text.removeprefix(WAITS)) for run in new if not await self._waits(run)]
        stopped = {attempt: self._make_way(attempt, begun) for attempt in {run.attempt for run in begun}}
        for run in begun:
            turn = self._turns.setdefault(run.attempt, asyncio.Lock())
            task = asyncio.create_task(
                self._carry_out(run, turn, stopped[run.attempt]), name=f"{run.action} {run.rollout}"
            )
            entry = self._entries[run.id] = _RunningTask(run, task)
            task.add_done_callback(partial(self._over, entry))

    def give_way(self, attempt: int) -> None:
        """Stop what runs in an attempt because a stronger action was opened. What may still be done is begun again."""
        self._stop(attempt, [entry for entry in self._entries.values() if entry.run.attempt == attempt])

    @property
    def busy(self) -> bool:
        """Whether anything is being carried out."""
        return bool(self._entries)

    async def all_ended(self) -> None:
        """Wait until nothing is being carried out any more."""
        await asyncio.gather(*(entry.task for entry in list(self._entries.values())), return_exceptions=True)

    async def close(self) -> None:
        """Stop; what is open stays open, for the next start or for another receiver at once."""
        left = list(self._entries.values())
        for entry in left:
            entry.stop()
        await self.all_ended()
        for entry in left:
            with suppress(LeaseLost, StoreDown):
                await self.runs.renew(entry.run, RELEASED)

    def _under_way(self, run: Run) -> bool:
        """Whether a run is being carried out, under the fence that counts now."""
        known = self._entries.get(run.id)
        return known is not None and known.run.fence == run.fence

    async def _waits(self, run: Run) -> bool:
        """Whether it was interrupted while it gave the canary more, and nobody knows what fires since."""
        since = self.unheard_since()
        enters = run.action in ENTERING and run.state == RunState.open
        if since is None or not enters or run.decided_at > since:
            return False
        if run.text != WAITS:  # people look for the reason in the run
            log.info("%s of %s: %s", run.action, run.rollout, WAITS)
            with suppress(LeaseLost):
                await self.runs.record(run, Progress(run.state, WAITS), self.clock.now())
        return True

    def _make_way(self, attempt: int, begun: list[Run]) -> list[asyncio.Task[None]]:
        """Stop what is in the way of the runs that begin: themselves under an old fence, and what is weaker than one that acts.

        It is done once for all of them: each `_stop` gives out a new turn, and runs with two turns would act at once.
        """
        ids = {run.id for run in begun}
        acting = [strength(run) for run in begun if run.attempt == attempt and run.state == RunState.open]
        weaker_than = max(acting, default=-1)
        return self._stop(
            attempt,
            [
                entry
                for entry in self._entries.values()
                if entry.run.attempt == attempt and (entry.run.id in ids or strength(entry.run) < weaker_than)
            ],
        )

    def _stop(self, attempt: int, entries: list[_RunningTask]) -> list[asyncio.Task[None]]:
        """Cancel tasks, and take the turn from whichever has it: one that is slow to end keeps nobody waiting."""
        if not all(entry.stopped for entry in entries):
            self._turns[attempt] = asyncio.Lock()
        for entry in entries:
            entry.stop()
        return [entry.task for entry in entries]

    async def _carry_out(self, run: Run, turn: asyncio.Lock, after: list[asyncio.Task[None]]) -> None:
        renewing = asyncio.create_task(self._renew(run))
        try:
            if after:
                await asyncio.wait(after, timeout=STOPS_WITHIN)
            await self.executor.carry_out(run, turn)
        except LeaseLost as error:
            log.info("%s of %s: %s", run.action, run.rollout, error)
        except StoreDown as error:
            log.warning("%s of %s stays open: %s", run.action, run.rollout, error)
            await asyncio.sleep(AGAIN_AFTER)
        except Exception:
            log.exception("a fault in %s of %s; it stays open and is begun again", run.action, run.rollout)
            await asyncio.sleep(AGAIN_AFTER)
        finally:
            renewing.cancel()

    def _over(self, entry: _RunningTask, _: asyncio.Task[None]) -> None:
        """A task has ended, also one that was stopped before it began."""
        run = entry.run
        if self._entries.get(run.id) is entry:
            del self._entries[run.id]
        if all(other.run.attempt != run.attempt for other in self._entries.values()):
            self._turns.pop(run.attempt, None)
        self.wake()

    async def _renew(self, run: Run) -> None:
        """Keep renewing the lease of a run. If that fails, stop before another receiver may begin."""
        loop, lease = asyncio.get_running_loop(), self.lease.total_seconds()
        renewed, pause = loop.time(), lease / 3
        while True:
            await asyncio.sleep(pause)
            began = loop.time()
            try:
                async with asyncio.timeout(lease / 6):
                    await self.runs.renew(run, self.lease)
                renewed, pause = began, lease / 3
            except LeaseLost:
                break
            except (StoreDown, TimeoutError) as error:
                log.warning("the lease of %s cannot be renewed: %s", run.rollout, str(error) or "no answer")
                pause = lease / 12
                if self.shared and loop.time() - renewed >= 0.75 * lease:
                    log.warning("%s of %s is left to whoever reaches the store", run.action, run.rollout)
                    break
        if (entry := self._entries.get(run.id)) is not None and entry.run is run:
            entry.stop()
