"""A run whose steps were carried out → whether it worked: all targets are read again until they hold the asked values
and keep them.

A value that has changed in the meantime is written again, with growing pauses; the evidence shows it before and
after. Nothing is called done while a request of a superseded run may still take effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from handrail.contract import Proof

from handrail_receiver.errors import TargetError
from handrail_receiver.model import Effect, EffectState, Progress, Run, RunState
from handrail_receiver.outside.prometheus import Queryable
from handrail_receiver.outside.proofs import AskProbes, not_proved
from handrail_receiver.outside.target_readings import read_now
from handrail_receiver.ports import Clock, Fence, Reading, Runs, Target
from handrail_receiver.words.steps import told, what

LOOK_EVERY, LOOK_SELDOM = 1.0, 5.0
OFTEN = 30
"""After this many reads the pauses become longer."""
LONGEST_PAUSE = 60.0
PUT_RIGHT_WITHIN = timedelta(seconds=60)
"""How long a late write may take to be corrected, where no proof is declared."""
NOT_DONE = frozenset({EffectState.failed, EffectState.skipped, EffectState.left})


@dataclass
class Pace:
    """The backoff for a target that somebody else keeps changing: 1, 2, 4 … 60 s between writes."""

    _times: dict[int, tuple[int, float]] = field(default_factory=dict)

    def wait(self, place: int, now: float) -> float:
        """Seconds to wait before the next write."""
        return max(0.0, self._times.get(place, (0, 0.0))[1] - now)

    def spend(self, place: int, now: float) -> None:
        """Note that the target is written now."""
        times = self._times.get(place, (0, 0.0))[0] + 1
        self._times[place] = times, now + min(LONGEST_PAUSE, 2.0 ** (times - 1))


@dataclass(frozen=True)
class Prover:
    """Proves runs. `again` carries out one effect once more: read, act, read back; `ask` sends probes."""

    targets: Mapping[str, Target]
    runs: Runs
    fence: Fence
    prometheus: Queryable
    clock: Clock
    redact: Callable[[str], str]
    again: Callable[[Run, Effect], Awaitable[Effect]]
    ask: AskProbes

    async def prove(self, run: Run, turn: asyncio.Lock) -> tuple[RunState, str]:
        """The final state (done, proved or unproved) and the reason. Raises LeaseLost, StoreDown."""
        now = self.clock.now()
        acted_at = min(run.acted_at or now, now)
        settled_at = await self.fence.settles_at(run) or acted_at
        proof, effects, pace = run.proof, list(run.effects), Pace()
        within = timedelta(seconds=proof.within) if proof else PUT_RIGHT_WITHIN
        deadline = max(acted_at, settled_at) + within if proof is None else max(acted_at + within, settled_at)
        looks = 0
        while True:
            missing = await self._not_so(run, effects, turn, pace)
            if proof is not None:
                missing = missing or self.redact(await not_proved(proof, self.prometheus, self.ask))
            before, now = now, self.clock.now()
            back = max(
                timedelta(), before - now
            )  # the clock was set back: what is awaited comes no later for that
            deadline, settled_at = deadline - back, settled_at - back
            if not missing and now >= settled_at:
                return (
                    (RunState.proved, _proof_text(proof)) if proof else (RunState.done, self._done(effects))
                )
            if now >= deadline:
                missing = missing or _unsettled(settled_at)
                return RunState.unproved, f"not proved within {within.total_seconds():g} s: {missing}"
            looks += 1
            await asyncio.sleep(_pause(proof, looks))

    async def _not_so(self, run: Run, effects: list[Effect], turn: asyncio.Lock, pace: Pace) -> str:
        """What does not hold (any more), after one attempt to correct it; empty when everything holds."""
        places = [place for place, effect in enumerate(effects) if effect.state not in NOT_DONE]
        readings = await asyncio.gather(*(read_now(self.targets, effects[place].step) for place in places))
        missing = [
            await self._put_right(run, effects, place, reading, turn, pace)
            for place, reading in zip(places, readings, strict=True)
        ]
        return self.redact("; ".join(filter(None, missing)))

    async def _put_right(
        self,
        run: Run,
        effects: list[Effect],
        place: int,
        reading: Reading | TargetError,
        turn: asyncio.Lock,
        pace: Pace,
    ) -> str:
        effect, loop = effects[place], asyncio.get_running_loop()
        if isinstance(reading, TargetError):
            return f"{what(effect.step)}: {reading}"
        if reading.done:
            return ""
        if (seconds := pace.wait(place, loop.time())) > 0:
            return f"{what(effect.step)}: {reading.found}; corrected again in {seconds:.0f} s"
        async with turn:
            text = f"{reading.found}, changed since; it is corrected"
            await self._record(run, replace(effect, state=EffectState.intended, found=text))
            after = await self.again(run, effect)
            failed = after.state == EffectState.failed
            effects[place] = replace(
                effect, state=EffectState.intended if failed else EffectState.done, found=after.found
            )
            await self._record(run, effects[place])
        pace.spend(place, loop.time())
        return f"{what(effect.step)}: {after.found}" if failed else f"{what(effect.step)} had to be corrected"

    async def _record(self, run: Run, effect: Effect) -> None:
        effect = replace(effect, found=self.redact(effect.found))
        await self.runs.record(run, Progress(run.state, run.text, effect), self.clock.now())

    def _done(self, effects: list[Effect]) -> str:
        return self.redact("; ".join(told(what(effect.step), effect.found) for effect in effects))


def _pause(proof: Proof | None, looks: int) -> float:
    often = LOOK_EVERY if proof is None else min(LOOK_EVERY, max(0.05, proof.within / 20))
    return often if looks < OFTEN else max(often, LOOK_SELDOM)


def _unsettled(at: datetime) -> str:
    return f"a call of what it ended may still land, until {at:%H:%M:%S} UTC"


def _proof_text(proof: Proof) -> str:
    left = f"at most {proof.at_most:g} events per second" if proof.at_most else "no traffic"
    parts = ["every target reads back its value", f"the canary has {left}"]
    parts += ["the stable version serves"] if proof.serves else []
    return ", and ".join([", ".join(parts[:-1]), parts[-1]]) + "".join(
        f"; probe {one.name} answers" for one in proof.probes
    )
