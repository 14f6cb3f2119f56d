"""Run → its outcome, through targets: intent, read, act, read back, record.

A run may have been begun by a process that died: every step begins with a read, so that nothing is done twice. Steps
have their turn in order, each node separately; a step that fails temporarily lets the next one go first, and is tried
again beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

from handrail.contract import Confirmation, Tell, names

from handrail_receiver.errors import StoreDown, TargetError
from handrail_receiver.execute.effects import StepRunner, time_of
from handrail_receiver.execute.proving import Prover
from handrail_receiver.execute.rates import Rates
from handrail_receiver.model import (
    ENTERING,
    EVERYBODY,
    WORKED,
    AttemptState,
    Effect,
    EffectState,
    Progress,
    Run,
    RunState,
)
from handrail_receiver.model.nodes import waits_for
from handrail_receiver.outside.prometheus import Queryable
from handrail_receiver.outside.proofs import AskProbes, nobody_asks
from handrail_receiver.ports import Clock, Fence, Runs, Target
from handrail_receiver.tasks import together
from handrail_receiver.words.steps import told, what

log = logging.getLogger("handrail")
AGAIN_AFTER = 1.0
"""Seconds until the end of a run is recorded again, when the store does not answer."""
BY_ITSELF = ("alert", "handrail")
"""Who asks for what no person has asked for."""


async def _nothing(_: object) -> None:
    """A callback that does nothing."""


@dataclass(frozen=True)
class Executor:
    """Carries out runs, any number of them at once.

    `people` says who is told of an action of a rollout. When people are needed at once, everybody is told whom an
    emergency rollback would reach. While `stopped`, the kill switch is set: only people's requests change anything,
    and runs from before do not go on. The `fence` is checked before each act. `on_end` hears of every run of which the
    end is recorded, also when the run was cancelled meanwhile. `ask` sends the probes of a proof.
    """

    targets: Mapping[str, Target]
    runs: Runs
    prometheus: Queryable
    clock: Clock
    rates: Rates
    redact: Callable[[str], str]
    people: Callable[[str, str], tuple[Tell, ...]]
    stopped: Callable[[], bool]
    fence: Fence
    on_end: Callable[[Run], None]
    ask: AskProbes = nobody_asks

    @property
    def steps(self) -> StepRunner:
        """Carries out one step on one node."""
        return StepRunner(self.targets, self.rates, self._forbidden, self.fence.hold)

    async def carry_out(self, run: Run, turn: asyncio.Lock | None = None) -> Run:
        """Continue a run from its current state to its end, and return it.

        A run that was confirmed is returned as open, because it now goes before others and has to be begun again. It
        acts only while it has the `turn`, which all runs of its attempt share. Raises LeaseLost when somebody else
        has the run, and StoreDown when a step cannot be recorded: then it stays open.
        """
        if run.state == RunState.waiting:
            return await self._confirm(run)
        turn = turn or asyncio.Lock()
        if run.state == RunState.open:
            async with turn:
                run = await self._steps(run)
        if run.state == RunState.proving:
            run = await self._prove(run, turn)
        return run

    async def _confirm(self, run: Run) -> Run:
        confirmation = run.confirmation
        if self._forbidden(run):
            text = f"the kill switch is set; people must carry out the {run.action}"
            people = self.people(run.rollout, run.action)
            return await self._finish(run, RunState.withdrawn, text, hold=text, tell=people, left=True)
        if confirmation is None:
            return await self._go_on(run, "nothing to confirm")
        try:
            values = await self.prometheus.values(confirmation.expr)
        except TargetError as error:
            return await self._unconfirmed(run, confirmation, str(error))
        if values:
            return await self._go_on(
                run, f"confirmed: asked again, it is {', '.join(f'{value:g}' for value in values)}"
            )
        return await self._finish(run, RunState.withdrawn, "asked again, the limit was no longer broken")

    async def _unconfirmed(self, run: Run, confirmation: Confirmation, why: str) -> Run:
        if confirmation.unreachable == "act":
            return await self._go_on(run, f"could not be confirmed ({why}); declared: act")
        text = f"could not be confirmed ({why}); people must look"
        told = self.people(run.rollout, run.action)
        told += self._everybody(run) if confirmation.unreachable == "page" else ()
        return await self._finish(run, RunState.withdrawn, text, hold=text, tell=told, left=True)

    def _forbidden(self, run: Run) -> bool:
        return run.asked_by in BY_ITSELF and self.stopped()

    def _everybody(self, run: Run) -> tuple[Tell, ...]:
        return self.people(run.rollout, EVERYBODY)

    async def _go_on(self, run: Run, text: str) -> Run:
        told = self.people(run.rollout, run.action)  # nobody was told while it was not certain
        progress = Progress(RunState.open, text, attempt_state=AttemptState.rolling_back, tell=told)
        await self.runs.record(run, progress, self.clock.now())
        return replace(run, state=RunState.open, text=text)

    async def _steps(self, run: Run) -> Run:
        """Carry out all remaining effects, each as soon as those before it are done or have failed."""
        course = _StepOrder.of(run)
        await together(self._in_turn(run, course, place) for place in course.left)
        ended = replace(run, effects=tuple(course.effects), acted_at=self.clock.now())
        return await self._acted(ended, course.last)

    async def _in_turn(self, run: Run, course: _StepOrder, place: int) -> None:
        """Carry out one effect. Those that wait for it may begin when it is done, has failed, or has failed once."""
        effect, turn = course.effects[place], course.turns[place]
        for before in course.waits_for[place]:
            await course.turns[before].wait()

        async def failing(now: Effect) -> None:
            await self._record(run, self._clean(now))
            if effect.step.on_failure != "stop":
                turn.set()

        if course.stopped(place):
            done = replace(effect, state=EffectState.skipped, found="a step before it failed")
        else:
            seconds = time_of(run, effect.step)
            done = await self.steps.carry_out(run, effect, seconds, failing, partial(self._warned, run))
        course.effects[place] = self._clean(done)
        if not course.left:
            course.last = course.effects[place]  # recorded together with what follows from it
        else:
            await self._record(run, course.effects[place])
        turn.set()

    async def _warned(self, run: Run, effect: Effect) -> None:
        """A step has a warning: it is carried out anyway, and people are told first."""
        log.warning("%s %s: %s: %s", run.rollout, run.action, what(effect.step), effect.found)
        progress = Progress(run.state, run.text, self._clean(effect), tell=self._everybody(run))
        await self.runs.record(run, progress, self.clock.now())

    def _clean(self, effect: Effect) -> Effect:
        return replace(effect, found=self.redact(effect.found))

    async def _record(self, run: Run, effect: Effect | None) -> None:
        failed = effect is not None and effect.state == EffectState.failed
        told = self._everybody(run) if effect and failed and effect.step.on_failure == "page" else ()
        progress = Progress(run.state, run.text, effect, acted_at=run.acted_at, tell=told)
        await self.runs.record(run, progress, self.clock.now())

    async def _acted(self, run: Run, last: Effect | None) -> Run:
        failed = [
            effect for effect in run.effects if effect.state in {EffectState.failed, EffectState.skipped}
        ]
        nothing_done = bool(failed) and len(failed) == len(run.effects)
        if not nothing_done and (run.proof is not None or (not failed and await self._unsettled(run))):
            # where no step got through, people hear of it at once
            proving = replace(run, state=RunState.proving)
            await self._record(proving, last)
            return proving
        if failed:
            return await self._finish(run, RunState.failed, self._told(failed), last)
        text = "; ".join(told(what(effect.step), effect.found) for effect in run.effects)
        return await self._finish(run, RunState.done, self.redact(text), last)

    async def _unsettled(self, run: Run) -> bool:
        """Whether a late write could take effect after this run began, so that all targets must be read again."""
        at = await self.fence.settles_at(run) if run.action in names.ACTING else None
        return at is not None and at > run.decided_at

    async def _prove(self, run: Run, turn: asyncio.Lock) -> Run:
        """Read again until everything holds and keeps holding, or the time is over."""
        prover = Prover(
            self.targets,
            self.runs,
            self.fence,
            self.prometheus,
            self.clock,
            self.redact,
            self._once,
            self.ask,
        )
        state, text = await prover.prove(run, turn)
        failed = [
            effect for effect in run.effects if effect.state in {EffectState.failed, EffectState.skipped}
        ]
        if failed:  # whatever the proof says: a target that is not as asked is for people
            but = f"of the others {text}" if state in WORKED else text
            return await self._finish(run, RunState.failed, f"{self._told(failed)}; {but}")
        return await self._finish(run, state, text)

    async def _once(self, run: Run, effect: Effect) -> Effect:
        """Carry out an effect once more, with one try."""
        return await self.steps.carry_out(run, effect, 0, _nothing, _nothing)

    def _told(self, failed: list[Effect]) -> str:
        lines = [f"{what(effect.step)} {effect.state}: {effect.found}" for effect in failed]
        return self.redact("; ".join(lines))

    async def _finish(
        self,
        run: Run,
        state: RunState,
        text: str,
        effect: Effect | None = None,
        hold: str | None = None,
        tell: tuple[Tell, ...] = (),
        *,
        left: bool = False,
    ) -> Run:
        now = self.clock.now()
        acting = run.action in names.ACTING
        if state in {RunState.failed, RunState.unproved}:
            hold = replace(run, state=state, text=text).broken
            tell = self._everybody(run) if acting else self.people(run.rollout, "hold")
        progress = Progress(
            state,
            text,
            effect,
            acted_at=run.acted_at,
            finished_at=now,
            attempt_state=AttemptState.rolled_back if acting and state in WORKED else None,
            stage=run.key if run.action in ENTERING and state in WORKED else None,
            hold=hold,
            tell=tell,
            left=left and acting,
        )
        ended = replace(run, state=state, text=text, finished_at=now)
        recording = asyncio.ensure_future(self._kept(run, progress))
        recording.add_done_callback(partial(self._recorded, ended))
        await asyncio.shield(recording)  # the store does not take it back when this run is cancelled
        return ended

    async def _kept(self, run: Run, ended: Progress) -> None:
        """Record how a run ended, again until the store answers: one that says nothing may have kept it all the same."""
        while True:
            try:
                return await self.runs.record(run, ended, ended.finished_at or self.clock.now())
            except StoreDown as error:
                log.warning(
                    "%s of %s is %s, not recorded yet: %s", run.action, run.rollout, ended.state, error
                )
                await asyncio.sleep(AGAIN_AFTER)

    def _recorded(self, ended: Run, recording: asyncio.Future[None]) -> None:
        if recording.cancelled() or recording.exception() is not None:
            return
        log.info("%s %s: %s %s", ended.rollout, ended.action, ended.state, ended.text)
        self.on_end(ended)


@dataclass
class _StepOrder:
    """The order of a run's effects: what each waits for, and which are through."""

    effects: list[Effect]
    waits_for: list[frozenset[int]]
    turns: list[asyncio.Event]
    last: Effect | None = None

    @classmethod
    def of(cls, run: Run) -> Self:
        """The order for a run; effects that were carried out before are through."""
        course = cls(list(run.effects), waits_for(run.effects), [asyncio.Event() for _ in run.effects])
        for place in set(range(len(run.effects))) - set(course.left):
            course.turns[place].set()
        return course

    @property
    def left(self) -> list[int]:
        """The places of what is still to be carried out."""
        return [place for place, effect in enumerate(self.effects) if effect.state == EffectState.intended]

    def stopped(self, place: int) -> bool:
        """Whether an earlier step failed and is declared to stop the rest."""
        return any(
            self.effects[before].state == EffectState.failed
            and self.effects[before].step.on_failure == "stop"
            for before in self.waits_for[place]
        )
