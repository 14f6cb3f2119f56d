"""Run → its outcome, through targets: intent, read, act, read back, record.

A run may have been begun by a process that is dead: every step begins with the read, so that what is done is
not done again. Steps have their turn in order, each node for itself; one that fails in passing gives way to the
next and is tried again beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Self

from handrail.contract import Confirmation, Proof, Tell, names

from handrail_receiver.effects import Steps, time_of
from handrail_receiver.errors import TargetError
from handrail_receiver.model import (
    WORKED,
    AttemptState,
    Effect,
    EffectState,
    Progress,
    Run,
    RunState,
)
from handrail_receiver.nodes import waits_for
from handrail_receiver.ports import Clock, Runs, Target
from handrail_receiver.prometheus import Asks
from handrail_receiver.rates import Rates
from handrail_receiver.status.words import told, what

log = logging.getLogger("handrail")
PROVE_EVERY = 1.0
EVERYBODY = "emergency-rollback"
AUTOMATIC = "alert"


async def _nothing(_: object) -> None:
    """For who need not hear of it."""


@dataclass(frozen=True)
class Executor:
    """What carrying out needs. One executor carries out any number of runs at once.

    `people` says who is told of an action of a rollout. Of what needs them now, everybody hears whom an emergency
    rollback would reach. While `stopped`, the kill switch is set: nothing is changed that no person asked for, not
    even by what was begun before. `fence` is awaited before each act, and raises LeaseLost when a run is not ours.
    """

    targets: Mapping[str, Target]
    runs: Runs
    prometheus: Asks
    clock: Clock
    rates: Rates
    redact: Callable[[str], str]
    people: Callable[[str, str], tuple[Tell, ...]]
    stopped: Callable[[], bool]
    fence: Callable[[Run], Awaitable[None]] = _nothing

    @property
    def steps(self) -> Steps:
        """What carries out one step on one node."""
        return Steps(self.targets, self.rates, self._forbidden, self.fence)

    async def carry_out(self, run: Run) -> Run:
        """Bring a run to its end from wherever it stands, and give it back as it is then.

        Raises LeaseLost when somebody else has it, StoreDown when nothing can be recorded: then it stays open.
        """
        if run.state == RunState.waiting:
            run = await self._confirm(run)
        if run.state == RunState.open:
            run = await self._steps(run)
        if run.state == RunState.proving:
            run = await self._prove(run)
        return run

    async def _confirm(self, run: Run) -> Run:
        asked = run.confirmation
        if self._forbidden(run):
            text = f"the kill switch is set; people must {run.action}"
            people = self.people(run.rollout, run.action)
            return await self._finish(run, RunState.withdrawn, text, hold=text, tell=people)
        if asked is None:
            return await self._go_on(run, "nothing to confirm")
        try:
            found = await self.prometheus.values(asked.expr)
        except TargetError as error:
            return await self._unconfirmed(run, asked, str(error))
        if found:
            return await self._go_on(
                run, f"confirmed: asked again, it is {', '.join(f'{value:g}' for value in found)}"
            )
        return await self._finish(run, RunState.withdrawn, "asked again, it was not so any more")

    async def _unconfirmed(self, run: Run, asked: Confirmation, why: str) -> Run:
        if asked.unreachable == "act":
            return await self._go_on(run, f"could not be confirmed ({why}); declared: act")
        text = f"could not be confirmed ({why}); people must look"
        told = self.people(run.rollout, run.action)
        told += self._everybody(run) if asked.unreachable == "page" else ()
        return await self._finish(run, RunState.withdrawn, text, hold=text, tell=told)

    def _forbidden(self, run: Run) -> bool:
        return run.asked_by == AUTOMATIC and self.stopped()

    def _everybody(self, run: Run) -> tuple[Tell, ...]:
        return self.people(run.rollout, EVERYBODY)

    async def _go_on(self, run: Run, text: str) -> Run:
        told = self.people(run.rollout, run.action)  # nobody was told while it was not certain
        progress = Progress(RunState.open, text, attempt_state=AttemptState.rolling_back, tell=told)
        await self.runs.record(run, progress, self.clock.now())
        return replace(run, state=RunState.open, text=text)

    async def _steps(self, run: Run) -> Run:
        """All effects that are not carried out yet, each as soon as those that it waits for have had their turn."""
        course = _Course.of(run)
        tasks = [asyncio.create_task(self._in_turn(run, course, place)) for place in course.left]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        ended = replace(run, effects=tuple(course.effects), acted_at=self.clock.now())
        return await self._acted(ended, course.last)

    async def _in_turn(self, run: Run, course: _Course, place: int) -> None:
        """Carry out one effect; it gives way to those that wait for it once it is carried out, has failed, or fails."""
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
        """Something speaks against a step: it is done all the same, and people hear of it first."""
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
        if run.proof is not None and not nothing_done:  # where no step got through, people hear of it at once
            proving = replace(run, state=RunState.proving)
            await self._record(proving, last)
            return proving
        if failed:
            return await self._finish(run, RunState.failed, self._told(failed), last)
        text = "; ".join(told(what(effect.step), effect.found) for effect in run.effects)
        return await self._finish(run, RunState.done, self.redact(text), last)

    async def _prove(self, run: Run) -> Run:
        """Ask until the arm's traffic is gone and every target still says so, or the declared time is over."""
        proof = run.proof
        if proof is None or run.acted_at is None:
            return await self._finish(run, RunState.done, "there is nothing to prove")
        deadline = run.acted_at + timedelta(seconds=proof.within)
        while True:
            missing = await self._unproved(run, proof)
            if not missing:
                return await self._finish(run, RunState.proved, _proof_text(proof))
            if self.clock.now() >= deadline:
                failed = [
                    effect
                    for effect in run.effects
                    if effect.state in {EffectState.failed, EffectState.skipped}
                ]
                state = RunState.failed if failed else RunState.unproved
                text = f"not proved within {proof.within:g} s: {missing}"
                return await self._finish(run, state, f"{self._told(failed)}; {text}" if failed else text)
            await asyncio.sleep(min(PROVE_EVERY, max(0.05, proof.within / 20)))

    async def _unproved(self, run: Run, proof: Proof) -> str:
        """What is still missing for the proof, empty when it is complete."""
        try:
            traffic = await self.prometheus.values(proof.expr)
        except TargetError as error:
            return str(error)
        if not traffic:
            return "Prometheus has no figure of the arm's traffic, which proves nothing"
        if any(not value <= proof.at_most for value in traffic):  # NaN is no proof
            return f"the arm still has {max(traffic):g}, more than {proof.at_most:g}"
        for effect in run.effects:
            missing = await self._not_so(run, effect)
            if missing:
                return missing
        return ""

    async def _not_so(self, run: Run, effect: Effect) -> str:
        """Why a step that was done is not so (any more), after doing it again; empty when it is so."""
        if effect.state not in {EffectState.done, EffectState.already}:
            return ""
        again = await self.steps.carry_out(run, effect, 0, _nothing, _nothing)
        return self.redact(again.found) if again.state == EffectState.failed else ""

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
    ) -> Run:
        now = self.clock.now()
        acting = run.action in names.ACTING
        if state in {RunState.failed, RunState.unproved}:
            hold = f"{run.action} {state}: {text}"
            tell = self._everybody(run) if acting else self.people(run.rollout, "hold")
        progress = Progress(
            state,
            text,
            effect,
            acted_at=run.acted_at,
            finished_at=now,
            attempt_state=AttemptState.rolled_back if acting and state in WORKED else None,
            hold=hold,
            tell=tell,
        )
        await self.runs.record(run, progress, now)
        return replace(run, state=state, text=text, finished_at=now)


@dataclass
class _Course:
    """Where the effects of a run stand while they are carried out: what each waits for, and which had their turn."""

    effects: list[Effect]
    waits_for: list[frozenset[int]]
    turns: list[asyncio.Event]
    last: Effect | None = None

    @classmethod
    def of(cls, run: Run) -> Self:
        """The course of a run: what is carried out already has had its turn."""
        course = cls(list(run.effects), waits_for(run.effects), [asyncio.Event() for _ in run.effects])
        for place in set(range(len(run.effects))) - set(course.left):
            course.turns[place].set()
        return course

    @property
    def left(self) -> list[int]:
        """The places of what is still to be carried out."""
        return [place for place, effect in enumerate(self.effects) if effect.state == EffectState.intended]

    def stopped(self, place: int) -> bool:
        """Whether a step before has failed that leaves out the others."""
        return any(
            self.effects[before].state == EffectState.failed
            and self.effects[before].step.on_failure == "stop"
            for before in self.waits_for[place]
        )


def _proof_text(proof: Proof) -> str:
    return f"every target reads back, and the arm has at most {proof.at_most:g} of traffic"
