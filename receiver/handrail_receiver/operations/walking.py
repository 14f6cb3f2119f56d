"""The attempts that are under way → what each comes to automatically: deadlines, ends of holds, the next stage.

Restarts lose nothing: what is due follows from what is stored, and is decided in one write with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from handrail.contract import Playbook

from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.guard import Guard, with_tells
from handrail_receiver.model import (
    GOES_FORWARD,
    QUIET,
    Attempt,
    Conditions,
    Decision,
    History,
    Verdict,
    in_force,
    with_versions_of,
)
from handrail_receiver.operations.due import (
    RunningAttempt,
    bake_over,
    cannot_follow,
    due,
    goes_back,
    left_behind,
    moment,
    needs_people,
    not_enough_data,
    walks,
)
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.tasks import end

log = logging.getLogger("handrail")
EVERY = 2.0
GATE_EVERY = 15.0
AT_MOST = 5
"""How many things may be due at once; whatever is left comes at the next look."""
NOTHING = Decision(Verdict.repeat, "not-due", "nothing is due any more")

Decide = Callable[[Playbook, History, Conditions], Decision | None]


def _going_back(
    other: History, name: str, playbook: Playbook, history: History, now: Conditions
) -> Decision | None:
    """What follows from what became of another rollout."""
    at = moment(playbook, history, now)
    return goes_back(at, other, name) if at else None


def _not_following(
    name: str, error: Exception, playbook: Playbook, history: History, _now: Conditions
) -> Decision | None:
    """What follows where that cannot be read."""
    why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return cannot_follow(playbook, history, name, why)


def _left_behind(other: History, name: str, playbook: Playbook, history: History) -> Decision:
    """The same of an attempt that is complete."""
    return with_tells(left_behind(playbook, history, other, name) or NOTHING, playbook)


def _lacking(
    gate: GateStatus, seen: History, playbook: Playbook, history: History, now: Conditions
) -> Decision | None:
    """What follows from what a gate lacks, unless somebody has answered, or gone on, since it was judged."""
    at = moment(playbook, history, now) if _answers(history) == _answers(seen) else None
    return (not_enough_data(at, gate) or needs_people(at, gate)) if at else None


def _answers(history: History) -> tuple[object, ...]:
    """In which stage it is, and what people have said at its gate."""
    attempt = history.attempt
    return attempt and (attempt.id, attempt.stage), history.checked, history.approved


@dataclass
class Walker:
    """Looks at each attempt every few seconds, and at its gate less often, unless an alert asks for it."""

    guard: Guard
    playbooks: Playbooks
    calls: CallHandler
    _looking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _gates: dict[str, tuple[str, float]] = field(default_factory=dict)
    _behind: dict[str, float] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self.step()
                except StoreDown as error:
                    log.warning("nothing can go on automatically: %s", error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await self._wake.wait()
        finally:  # who looks on begins a stage on targets and a store that are closed
            await end(self._looking.values())

    def soon(self, rollout: str) -> None:
        """Judge the gate of a rollout now: its alert asks for that."""
        self._gates.pop(rollout, None)
        self._wake.set()

    async def step(self) -> None:
        """Begin a look at each attempt that goes forward, where anything may come by itself."""
        current = await self.guard.store.attempts.current()
        await self._complete_ones({one.rollout for one in current})
        for attempt in current:
            task = self._looking.get(attempt.rollout)
            forward = attempt.state in GOES_FORWARD
            if forward and (task is None or task.done()) and walks(self._playbook(attempt)):
                name = attempt.rollout
                self._looking[name] = asyncio.create_task(self._look(name), name=f"walk {name}")

    async def _complete_ones(self, current: set[str]) -> None:
        """Those that go back with others, and are complete: now and then, for nothing of them is carried out."""
        clock = asyncio.get_running_loop().time()
        for playbook in self.playbooks.all():
            name = playbook.rollout
            if not playbook.goes_back_with or name in current or clock < self._behind.get(name, 0.0):
                continue
            self._behind[name] = clock + GATE_EVERY
            try:
                await self._after_others(playbook)
            except StoreDown:
                raise
            except Exception:
                log.exception("a fault while it is looked whether %s is left behind", name)

    async def _after_others(self, playbook: Playbook) -> None:
        """Tell the people of a complete attempt when one of the others went back."""
        now = self.guard.clock.now()
        for name in playbook.goes_back_with:
            decided = await self._what_became_of(name, playbook)
            if decided(await self.guard.store.attempts.history(playbook.rollout, now)) != NOTHING:
                await self.guard.apply(playbook.rollout, decided)

    async def _what_became_of(self, name: str, playbook: Playbook) -> Callable[[History], Decision]:
        """What follows for a complete attempt from what became of another rollout."""
        now = self.guard.conditions()
        try:
            other = await self.guard.store.attempts.history(name, now.now)
        except UNREADABLE as error:
            unknown = partial(_not_following, name, error, playbook)
            return lambda history: with_tells(unknown(history, now) or NOTHING, playbook)
        return partial(_left_behind, other, name, playbook)

    def _playbook(self, attempt: Attempt) -> Playbook | None:
        newest = self.playbooks.get(attempt.rollout)
        return in_force(attempt, with_versions_of(attempt, newest)) if newest else attempt.playbook

    async def _look(self, rollout: str) -> None:
        try:
            for _ in range(AT_MOST):
                if not await self._decided(rollout, due):
                    break
            if await self._with_others(rollout):
                await self._gate(rollout)
        except StoreDown as error:
            log.warning("%s cannot go on automatically: %s", rollout, error)
        except Exception:
            log.exception("a fault while %s goes on automatically; the others go on", rollout)

    async def _decided(self, rollout: str, what: Decide) -> bool:
        """Let follow what is due, decided on what is kept then; whether anything was."""
        at = await self._moment(rollout)
        if at is None or what(at.playbook, at.history, at.now) is None:
            return False
        playbook, now = at.playbook, at.now
        made = await self.guard.apply(
            rollout, lambda history: with_tells(what(playbook, history, now) or NOTHING, playbook)
        )
        return made.verdict not in QUIET

    async def _moment(self, rollout: str) -> RunningAttempt | None:
        now = self.guard.conditions()
        history = await self.guard.store.attempts.history(rollout, now.now)
        playbook = self._playbook(history.attempt) if history.attempt is not None else None
        return moment(playbook, history, now) if playbook is not None else None

    async def _with_others(self, rollout: str) -> bool:
        """Go back with the others, where that is declared and one of them did; whether it is known of each of them."""
        at, known = await self._moment(rollout), True
        for name in at.playbook.goes_back_with if at is not None else ():
            try:
                other = await self.guard.store.attempts.history(name, self.guard.clock.now())
            except UNREADABLE as error:
                known = False
                await self._decided(rollout, partial(_not_following, name, error))
            else:
                await self._decided(rollout, partial(_going_back, other, name))
        return known

    async def _gate(self, rollout: str) -> None:
        """Judge the gate ahead, where its bake time is over and something follows from it by itself."""
        at, clock = await self._moment(rollout), asyncio.get_running_loop().time()
        if at is None or at.stage is None or not bake_over(at):
            return
        stage, again = self._gates.get(rollout, ("", 0.0))
        if stage == at.stage.name and clock < again:
            return
        if at.stage.advance != "when-met" and at.stage.prolong is None:
            return
        self._gates[rollout] = at.stage.name, clock + GATE_EVERY
        gate = await self.calls.gate(at.playbook, at.history, fresh=True)
        if gate is not None and gate.missing:
            await self._decided(rollout, partial(_lacking, gate, at.history))
        elif at.stage.advance == "when-met":
            await self.calls.go_on(at.playbook, at.ahead)
