"""Run → its outcome, through targets: intent, read, act, read back, record.

A run may have been begun by a process that is dead: every step begins with the read, so that what is done is
not done again. Steps are carried out in order; each has its time, its tries and what its failure means.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import stamina
from handrail.contract import Confirmation, Proof, Step, Tell, names

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.model import (
    WORKED,
    AttemptState,
    Effect,
    EffectState,
    Progress,
    Run,
    RunState,
)
from handrail_receiver.ports import Clock, Reading, Runs, Target
from handrail_receiver.prometheus import Asks
from handrail_receiver.rates import Rates
from handrail_receiver.status.words import change, told, what

log = logging.getLogger("handrail")
READ_BACK_EVERY = (0.01, 0.05, 0.2, 0.5, 1.0)
PROVE_EVERY = 1.0
EVERYBODY = "emergency-rollback"
AUTOMATIC = "alert"


@dataclass(frozen=True)
class Executor:
    """What carrying out needs. One executor carries out any number of runs at once.

    `people` says who is told of an action of a rollout. Of what needs them now, everybody hears whom an emergency
    rollback would reach. While `stopped`, the kill switch is set: nothing is changed that no person asked for, not
    even by what was begun before.
    """

    targets: Mapping[str, Target]
    runs: Runs
    prometheus: Asks
    clock: Clock
    rates: Rates
    redact: Callable[[str], str]
    people: Callable[[str, str], tuple[Tell, ...]]
    stopped: Callable[[], bool]

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
        effects: list[Effect] = list(run.effects)
        for place, effect in enumerate(effects):
            if effect.state != EffectState.intended:
                continue
            if any(
                before.state == EffectState.failed and before.step.on_failure == "stop"
                for before in effects[:place]
            ):
                effects[place] = replace(effect, state=EffectState.skipped, found="a step before it failed")
            else:
                done = await self._step(run, effect)
                effects[place] = replace(done, found=self.redact(done.found))
            last = place == len(effects) - 1
            run = replace(run, effects=tuple(effects), acted_at=self.clock.now() if last else None)
            if not last:
                await self._record(run, effects[place])
        return await self._acted(run)

    async def _record(self, run: Run, effect: Effect | None) -> None:
        failed = effect is not None and effect.state == EffectState.failed
        told = self._everybody(run) if effect and failed and effect.step.on_failure == "page" else ()
        progress = Progress(run.state, run.text, effect, acted_at=run.acted_at, tell=told)
        await self.runs.record(run, progress, self.clock.now())

    async def _acted(self, run: Run) -> Run:
        last = run.effects[-1] if run.effects else None
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

    async def _step(self, run: Run, effect: Effect) -> Effect:
        step = effect.step
        target = self.targets.get(step.kind)
        if target is None:
            found = f"this receiver has no target for {step.kind}; install a newer one"
            return replace(effect, state=EffectState.failed, found=found, cause=Cause.invalid)
        try:
            return await self._tried(run, target, effect)
        except TargetError as error:
            return replace(effect, state=EffectState.failed, found=str(error), cause=error.cause)
        except Exception as error:  # else the run would stay open for good, and nobody would hear of it
            log.exception("%s could not be carried out", what(step))
            found = f"a fault of Handrail's own: {type(error).__name__}: {error}"
            return replace(effect, state=EffectState.failed, found=found, cause=Cause.broken)

    async def _tried(self, run: Run, target: Target, effect: Effect) -> Effect:
        step, before = effect.step, ""
        async for attempt in stamina.retry_context(
            on=Retryable, attempts=step.tries, timeout=None, wait_initial=0.1, wait_max=2.0, wait_jitter=0.1
        ):
            with attempt, _said(run, step, attempt.num):
                found = await _within(step, target.read(step))
                if found.done:
                    state = EffectState.done if before else EffectState.already
                    return replace(effect, state=state, found=change(before or found.found, found.found))
                if self._forbidden(run):
                    raise Permanent(Cause.refused, f"the kill switch is set, and it is not so: {found.found}")
                self.rates.spend(step)
                before = before or found.found
                await _within(step, target.act(step))
                found = await self._read_back(target, step)
        return replace(effect, state=EffectState.done, found=change(before, found.found))

    async def _read_back(self, target: Target, step: Step) -> Reading:
        """Read until it is so: some targets take a while after they have said yes."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + step.timeout
        for number in range(10**6):
            found = await _within(step, target.read(step))
            if found.done:
                return found
            pause = READ_BACK_EVERY[min(number, len(READ_BACK_EVERY) - 1)]
            if loop.time() + pause > deadline:
                break
            await asyncio.sleep(pause)
        raise Retryable(
            Cause.timeout, f"it was asked for, but {step.timeout:g} s later it still is: {found.found}"
        )

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
        again = await self._step(run, effect)
        return again.found if again.state == EffectState.failed else ""

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


async def _within(step: Step, call: object) -> Reading:
    """Await a target's call, no longer than the step allows."""
    try:
        async with asyncio.timeout(step.timeout):
            return await call  # type: ignore[misc,no-any-return]
    except TimeoutError:
        raise Retryable(Cause.timeout, f"no answer within {step.timeout:g} s") from None


@contextmanager
def _said(run: Run, step: Step, number: int) -> Iterator[None]:
    """Log why a try has failed, if another one may help."""
    try:
        yield
    except Retryable as error:
        log.warning(
            "%s %s: %s: try %d of %d: %s", run.rollout, run.action, what(step), number, step.tries, error
        )
        raise


def _proof_text(proof: Proof) -> str:
    return f"every target reads back, and the arm has at most {proof.at_most:g} of traffic"
