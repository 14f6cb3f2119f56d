"""One step on one node → its effect: read, act, read back, and retry until the value holds or the time is over.

All targets have this one policy: pauses grow from 0.1 s to 2 s, a wait that the target asks for is kept, and a
permanent failure ends it at once. The time limits when the last try may begin; a try that has begun has its full
time. A rollback whose target cannot be read is written once at the end, and done only if it reads back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import stamina
from handrail.contract import Step, names

from handrail_receiver.errors import Cause, LeaseLost, Permanent, Retryable, StoreDown, TargetError
from handrail_receiver.execute.rates import Rates
from handrail_receiver.model import ENTERING, Effect, EffectState, Run
from handrail_receiver.ports import Reading, Target
from handrail_receiver.words.steps import change, what

log = logging.getLogger("handrail")
READ_BACK_EVERY = (0.01, 0.05, 0.2, 0.5, 1.0)
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
LONGEST_WAIT = 120.0
ENTERING_TAKES = 10.0

Note = Callable[[Effect], Awaitable[None]]


def time_of(run: Run, step: Step) -> float:
    """Seconds for which a step is retried. Entering a stage gets less: a person waits, and nothing is at risk."""
    if run.action in ENTERING:
        return ENTERING_TAKES
    return max(step.within, step.tries * step.timeout)


@dataclass
class _StepCourse:
    """How far the last try of a step came: whether it could read the target before it acted."""

    was_read: bool = False


@dataclass(frozen=True)
class StepRunner:
    """Carries out steps. `forbidden` says whether nothing may be changed for a run now.

    `fence` is awaited right before each act; it raises LeaseLost when the run is not ours to carry out any more.
    """

    targets: Mapping[str, Target]
    rates: Rates
    forbidden: Callable[[Run], bool]
    fence: Callable[[Run], Awaitable[None]]

    async def carry_out(
        self, run: Run, effect: Effect, seconds: float, failing: Note, warned: Note
    ) -> Effect:
        """Try for `seconds` (0: once), and return the effect.

        `failing` is called for the tries 1, 2, 4, 8, … that failed temporarily; `warned` is called with an objection before the
        act. Raises LeaseLost and StoreDown: then nothing is known of it.
        """
        step = effect.step
        target = self.targets.get(step.kind)
        if target is None:
            problem = f"this receiver has no target for {step.kind}; install a newer one"
            return replace(effect, state=EffectState.failed, found=problem, cause=Cause.invalid)
        course = _StepCourse()
        try:
            try:
                return await self._tried(run, target, effect, course, seconds, failing, warned)
            except TargetError as error:
                if course.was_read or run.action not in names.ACTING or self.forbidden(run):
                    raise
                return await self._unread(run, target, effect, error)
        except TargetError as error:
            return replace(effect, state=EffectState.failed, found=str(error), cause=error.cause)
        except (LeaseLost, StoreDown):
            raise
        except Exception as error:  # else the run would stay open for good, and nobody would hear of it
            log.exception("%s could not be carried out", what(step))
            problem = f"a fault of Handrail's own: {type(error).__name__}: {error}"
            return replace(effect, state=EffectState.failed, found=problem, cause=Cause.broken)

    async def _tried(
        self,
        run: Run,
        target: Target,
        effect: Effect,
        course: _StepCourse,
        seconds: float,
        failing: Note,
        warned: Note,
    ) -> Effect:
        step, before = effect.step, ""
        async for attempt in stamina.retry_context(
            on=_again,
            attempts=None if seconds else 1,
            timeout=seconds or None,
            wait_initial=FIRST_PAUSE,
            wait_max=LONGEST_PAUSE,
            wait_jitter=FIRST_PAUSE,
        ):
            with attempt:
                try:
                    course.was_read = False
                    reading = await _within(step, target.read(step))
                    course.was_read = True
                    if reading.done:
                        state = EffectState.done if before else EffectState.already
                        text = change(before or reading.found, reading.found)
                        return replace(effect, state=state, found=text, cause=None)
                    if self.forbidden(run):
                        raise Permanent(
                            Cause.refused,
                            f"the kill switch is set, and the target is not as the step wants it: {reading.found}",
                        )
                    if reading.warning and not before:
                        await warned(replace(effect, found=reading.warning))
                    before = before or reading.found
                    reading = await self._acted(run, target, step)
                except Retryable as error:
                    log.warning(
                        "%s %s: %s: try %d: %s", run.rollout, run.action, what(step), attempt.num, error
                    )
                    if seconds and attempt.num.bit_count() == 1:
                        text = f"{error}; {_tried_so_often(attempt.num)}trying again"
                        await failing(replace(effect, found=text, cause=error.cause))
                    raise
        return replace(effect, state=EffectState.done, found=change(before, reading.found), cause=None)

    async def _unread(self, run: Run, target: Target, effect: Effect, error: TargetError) -> Effect:
        """A rollback's step on a target that cannot be read: it is written once all the same.

        Values are absolute, so that a write too many changes nothing, and one too few leaves the canary in. Only the
        read afterwards says that it is done.
        """
        step = effect.step
        log.warning("%s %s: %s: written without being read: %s", run.rollout, run.action, what(step), error)
        try:
            await self._act(run, target, step)
        except TargetError as later:
            if str(later) == str(error):
                raise error from None
            raise Permanent(later.cause, f"it could not be read ({error}), nor written: {later}") from None
        try:
            reading = await self._read_back(target, step)
        except TargetError as later:
            text = f"it was written without being read ({error}), and nothing proves it: {later}"
            raise Permanent(later.cause, text) from None
        text = f"could not be read before ({error}); written, and now {reading.found}"
        return replace(effect, state=EffectState.done, found=text, cause=None)

    async def _acted(self, run: Run, target: Target, step: Step) -> Reading:
        """Act, and read back."""
        await self._act(run, target, step)
        return await self._read_back(target, step)

    async def _act(self, run: Run, target: Target, step: Step) -> None:
        self.rates.spend(step)
        await self.fence(run)
        if self.forbidden(run):  # it may have been set while the store was asked
            raise Permanent(Cause.refused, "the kill switch was set just before the write")
        await _within(step, target.act(step))

    async def _read_back(self, target: Target, step: Step) -> Reading:
        """Read until the value holds: some targets apply it a while after they have said yes."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + step.timeout
        for number in range(10**6):
            reading = await _within(step, target.read(step))
            if reading.done:
                return reading
            pause = READ_BACK_EVERY[min(number, len(READ_BACK_EVERY) - 1)]
            if loop.time() + pause > deadline:
                break
            await asyncio.sleep(pause)
        raise Retryable(
            Cause.timeout, f"it was asked for, but {step.timeout:g} s later it still is: {reading.found}"
        )


def _tried_so_often(times: int) -> str:
    return f"tried {times} times, " if times > 1 else ""


def _again(error: Exception) -> bool | float:
    """Whether to try again, or how long to wait before that, where the target said so."""
    if not isinstance(error, Retryable):
        return False
    return True if error.after is None else max(FIRST_PAUSE, min(error.after, LONGEST_WAIT))


async def _within(step: Step, call: Awaitable[Reading | None]) -> Reading:
    """Await a target's call, no longer than the step allows."""
    try:
        async with asyncio.timeout(step.timeout):
            return await call  # type: ignore[return-value]
    except TimeoutError:
        raise Retryable(Cause.timeout, f"no answer within {step.timeout:g} s") from None
