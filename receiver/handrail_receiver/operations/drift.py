"""Drift: a rolled-back attempt whose targets no longer hold → put back where declared, or people are told.

HAProxy is reloaded, a reconciler sets its own value, a person changes a weight: every such change is seen within
seconds while alerts of the attempt fire, while its canary has traffic or while `keep` lasts, and for an hour at
least. A rollback that failed or could not be proved is watched in the same way for as long as its attempt lasts: once
everything is as it should be it is proved, and until then people are told repeatedly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import Playbook, Step, names, target_of, value_of

from handrail_receiver.attempt_states.state_machine import may
from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.errors import StoreDown, TargetError
from handrail_receiver.guard import Guard, with_tells
from handrail_receiver.model import (
    BROKEN,
    CHANGED,
    EVERYBODY,
    OPEN,
    QUIET,
    Attempt,
    AttemptState,
    Change,
    Conditions,
    Decision,
    Effect,
    EffectState,
    History,
    IncidentEvent,
    Note,
    Open,
    Run,
    SetHold,
    SetState,
    Verdict,
    in_force,
    with_versions_of,
)
from handrail_receiver.outside.prometheus import Queryable
from handrail_receiver.outside.proofs import AskProbes, nobody_asks, not_proved
from handrail_receiver.outside.target_readings import read_now
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.ports import Target
from handrail_receiver.tasks import end
from handrail_receiver.words.steps import what
from handrail_receiver.words.times import span

log = logging.getLogger("handrail")
HANDRAIL = "handrail"
AT_LEAST = timedelta(hours=1)
OFTEN = timedelta(minutes=10)
EVERY, SELDOM = 3.0, 60.0
LONGEST_PAUSE = 60.0
FIRST_REMINDER, MOST_SELDOM = timedelta(minutes=5), timedelta(hours=1)
WORKED = frozenset({EffectState.done, EffectState.already, EffectState.intended})
LOST = frozenset({EffectState.failed, EffectState.skipped})


@dataclass(frozen=True)
class TargetStates:
    """What the targets hold: steps that no longer hold, steps that never did, and why some cannot be read.

    `unproved`: the canary has traffic, the stable version does not serve, or that is unknown.
    """

    differs: tuple[tuple[Step, str], ...]
    unread: tuple[str, ...] = ()
    unproved: bool = False
    missing: tuple[tuple[Step, str], ...] = ()

    @property
    def all_so(self) -> bool:
        """Whether every step of the rollbacks is so."""
        return not self.differs and not self.missing and not self.unread

    @property
    def since(self) -> str:
        """What was so and is not any more, to be added to a reason."""
        return f"; {CHANGED}{self.text}" if self.differs else ""

    @property
    def text(self) -> str:
        """What does not hold, a sentence each."""
        return "; ".join(f"{what(step)}: {text}" for step, text in self.differs)


def kept_steps(history: History) -> tuple[Step, ...]:
    """The steps that the rollbacks of an attempt carried out; for each target, the strongest rollback's step."""
    return tuple(effect.step for effect in _deciding(history) if effect.state in WORKED)


def failed_steps(history: History) -> tuple[Step, ...]:
    """What the newest rollbacks did not bring about, where no stronger one decides about the target."""
    return tuple(effect.step for effect in _deciding(history) if effect.state not in WORKED)


def _deciding(history: History) -> tuple[Effect, ...]:
    """For each target, the last effect of the strongest rollback.

    Where that one failed and a weaker rollback had brought about the same value, it is the weaker rollback's.
    """
    by_target: dict[Hashable, Effect] = {}
    for effect in (one for run in history.rollbacks for one in run.effects):
        before = by_target.get(target_of(effect.step))
        brought = before is not None and before.state in WORKED and _same_value(before, effect)
        if effect.state in WORKED or (effect.state in LOST and not brought):
            by_target[target_of(effect.step)] = effect
    return tuple(by_target.values())


def _same_value(one: Effect, other: Effect) -> bool:
    return value_of(one.step) == value_of(other.step)


def broken_rollback(history: History) -> Run | None:
    """The strongest rollback of a live attempt that failed or is not proved, while nothing is carried out."""
    attempt = history.attempt
    if attempt is None or not may(state_of(history), "unfinished", "receiver"):
        return None
    if any(run.state in OPEN for run in history.runs):
        return None
    return next((run for run in reversed(history.rollbacks) if run.state in BROKEN), None)


def unfinished(playbook: Playbook, history: History, states: TargetStates, now: Conditions) -> Decision:
    """What follows from a look at the targets of a rollback that failed or is not proved. Pure."""
    attempt, run = history.attempt, broken_rollback(history)
    known = Decision(
        Verdict.repeat,
        "unfinished",
        "",
        rollout=playbook.rollout,
        action=EVERYBODY,
        by=HANDRAIL,
        attempt=attempt.id if attempt else 0,
    )
    if attempt is None or run is None:
        return known
    ended = run.finished_at or now.now
    if states.all_so and not (run.proof and states.unproved) and not now.stopped:
        return _put_back(known, history, states, now, f"{run.action}: every target now reads back its value")
    text = f"{run.broken}{states.since}"
    if states.differs and now.now < ended + timedelta(seconds=playbook.keep) and not now.stopped:
        return _put_back(known, history, states, now, text)
    one = history.incident
    until = one.acknowledged.at if one is not None and one.acknowledged is not None else now.now
    reminded = last_reminder(until - ended)  # whoever has it is no longer reminded
    if reminded:
        text += f"; still so {span(reminded)} later"
    if attempt.held == text:
        return known
    cure = f"people must act: `handrail rollout rollback {playbook.rollout}` once its targets are fixed"
    changed_since = one is not None and one.acknowledged is not None and states.differs
    undone = [Note(attempt.id, IncidentEvent.undone, text)] if changed_since else []
    return _say(known, Verdict.tell, f"{text}; {cure}", SetHold(text), *undone)


def last_reminder(age: timedelta) -> timedelta:
    """How long after its end people are told again of what is not fixed: 5, 10, 20, 40 min, 1 h, 2 h, … ."""
    if age >= MOST_SELDOM:
        return age // MOST_SELDOM * MOST_SELDOM
    mark, last = FIRST_REMINDER, timedelta()
    while mark <= age:
        mark, last = 2 * mark, mark
    return last


def rolled_back_at(history: History) -> datetime | None:
    """When the attempt was first rolled back."""
    ends = [run.finished_at for run in history.runs if run.action in names.ACTING and run.finished_at]
    return min(ends, default=None)


def watches_until(history: History, playbook: Playbook) -> datetime | None:
    """Until when it is watched, whatever fires; None where nothing was rolled back."""
    since = rolled_back_at(history)
    return None if since is None else since + max(AT_LEAST, timedelta(seconds=playbook.keep))


def changed(playbook: Playbook, history: History, states: TargetStates, now: Conditions) -> Decision:
    """The decision on the states of a rolled-back attempt's targets. Pure."""
    attempt = history.attempt
    known = Decision(
        Verdict.repeat,
        "changed",
        "",
        rollout=playbook.rollout,
        action="rollback",
        by=HANDRAIL,
        attempt=attempt.id if attempt else 0,
    )
    if attempt is None or not may(state_of(history), "changed", "receiver"):
        return known
    if not states.differs:
        return _so_again(known, attempt, states)
    text = CHANGED + states.text
    since = rolled_back_at(history) or now.now
    if now.now < since + timedelta(seconds=playbook.keep) and not now.stopped:
        return _put_back(known, history, states, now, text)
    if attempt.held == text:
        return known
    undone = [Note(attempt.id, IncidentEvent.undone, text)] if history.incident is not None else []
    cure = "people must look, or `rollback` puts it back"
    return _say(known, Verdict.tell, f"{text}; {cure}", SetHold(text), *undone)


def _so_again(known: Decision, attempt: Attempt, states: TargetStates) -> Decision:
    if not attempt.changed_since or states.unread:
        return known
    return _say(known, Verdict.note, "every target holds again what the rollback asked for", SetHold(""))


def _put_back(
    known: Decision, history: History, states: TargetStates, now: Conditions, text: str
) -> Decision:
    """Begin the rollbacks whose steps have drifted once more: with their proof, and with growing pauses."""
    before = [
        run
        for run in history.runs
        if run.asked_by == HANDRAIL and run.action in names.ACTING and run.round > 0
    ]
    last = max((run.finished_at for run in before if run.finished_at), default=None)
    pause = timedelta(seconds=min(LONGEST_PAUSE, 2.0 ** len(before)))
    if last is not None and now.now < last + pause:
        return known
    again: list[Change] = [
        Open(
            run.action,
            "",
            history.next_round(run.action),
            tuple(effect.step for effect in run.effects),
            run.proof,
            now.now,
            supersedes=True,
        )
        for run in history.rollbacks
        if run.state in BROKEN
        or any(effect.step == step for effect in run.effects for step, _ in states.differs)
    ]
    times = f" (time {len(before) + 1})" if before else ""
    return _say(
        known,
        Verdict.act,
        f"{text}; {'it is put back' if states.differs else 'it is proved once more'}{times}",
        SetState(AttemptState.rolling_back),
        SetHold(""),
        *again,
    )


def _say(known: Decision, verdict: Verdict, text: str, *changes: Change) -> Decision:
    return Decision(
        verdict,
        known.reason,
        text,
        rollout=known.rollout,
        action=known.action,
        by=known.by,
        attempt=known.attempt,
        changes=changes,
    )


Consequence = Callable[[Playbook, History, TargetStates, Conditions], Decision]
READ_BEFORE = Decision(Verdict.repeat, "read-before", "its targets were read before the newest action")


def _actions(history: History) -> tuple[object, ...]:
    """Which attempt it is, and how far each of its actions has come."""
    attempt = history.attempt
    return attempt and attempt.id, [(run.id, run.state) for run in history.runs]


@dataclass
class DriftWatch:
    """Reads the targets of each rollout that is, or should be, rolled back, separately: a slow one delays no other."""

    guard: Guard
    playbooks: Playbooks
    targets: Mapping[str, Target]
    prometheus: Queryable
    ask: AskProbes = nobody_asks
    _next: dict[str, float] = field(default_factory=dict)
    _looking: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Watch for drift until cancelled."""
        try:
            while True:
                try:
                    await self.step()
                except StoreDown as error:
                    log.warning("nothing can be watched: %s", error)
                await asyncio.sleep(1.0)
        finally:  # who looks on acts on a store and on targets that are closed
            await end(self._looking.values())

    async def step(self) -> None:
        """Begin a read of each rollout that is due."""
        now = asyncio.get_running_loop().time()
        for attempt in await self.guard.store.attempts.current():
            task, name = self._looking.get(attempt.rollout), attempt.rollout
            due = now >= self._next.get(name, 0.0) and (task is None or task.done())
            if attempt.state in {AttemptState.rolled_back, AttemptState.rolling_back} and due:
                self._next[name] = now
                self._looking[name] = asyncio.create_task(self._look(name), name=f"watch {name}")

    def soon(self, rollout: str) -> None:
        """Read the targets now, or once more if they are just being read: an alert of an attempt that is over suggests drift."""
        self._next.pop(rollout, None)

    async def _look(self, rollout: str) -> None:
        pause = SELDOM
        try:
            pause = await self._looked(rollout)
        except StoreDown as error:
            log.warning("%s cannot be watched: %s", rollout, error)
        except Exception:
            log.exception("a fault while %s is watched; the others go on", rollout)
        if rollout in self._next:
            self._next[rollout] = asyncio.get_running_loop().time() + pause

    async def _looked(self, rollout: str) -> float:
        """Read once, decide, and return the seconds until the next read."""
        newest = self.playbooks.get(rollout)
        history = await self.guard.store.attempts.history(rollout, self.guard.clock.now())
        if newest is None:
            return SELDOM
        playbook = in_force(history.attempt, with_versions_of(history.attempt, newest))
        since = rolled_back_at(history)
        if history.attempt is not None and history.attempt.live:
            return await self._look_at_broken(playbook, history)
        if since is None:
            return SELDOM
        states = await self._found(history)
        now = self.guard.conditions()
        watched = now.now < (watches_until(history, playbook) or now.now)
        firing = any(said.firing for said in history.said)
        if not (watched or firing or states.unproved):
            return SELDOM
        if changed(playbook, history, states, now).verdict not in QUIET:
            await self._decided(history, playbook, changed, states, now)
        return EVERY if firing or now.now < since + OFTEN else SELDOM

    async def _look_at_broken(self, playbook: Playbook, history: History) -> float:
        """Look once at a rollback that failed or is not proved, and let follow what does."""
        run = broken_rollback(history)
        if run is None:
            return EVERY
        states = await self._found(history)
        now = self.guard.conditions()
        if unfinished(playbook, history, states, now).verdict not in QUIET:
            await self._decided(history, playbook, unfinished, states, now)
        return EVERY if now.now < (run.finished_at or now.now) + OFTEN else SELDOM

    async def _decided(
        self, seen: History, playbook: Playbook, what: Consequence, states: TargetStates, now: Conditions
    ) -> None:
        """Let follow what does of what was read, unless an action came between: what was read is of before it."""

        def decide(history: History) -> Decision:
            same = _actions(history) == _actions(seen)
            return with_tells(what(playbook, history, states, now), playbook) if same else READ_BEFORE

        await self.guard.apply(playbook.rollout, decide)

    async def _found(self, history: History) -> TargetStates:
        kept, failed = kept_steps(history), failed_steps(history)
        read = await asyncio.gather(*map(self._read, (*kept, *failed)))
        not_so = [
            (step, text) for step, (done, text) in zip((*kept, *failed), read, strict=True) if done is False
        ]
        unread = tuple(text for done, text in read if done is None)
        proofs = [run.proof for run in history.rollbacks if run.proof is not None]
        unproved = bool(await not_proved(proofs[-1], self.prometheus, self.ask)) if proofs else True
        differs, missing = ([one for one in not_so if one[0] in steps] for steps in (kept, failed))
        return TargetStates(tuple(differs), unread, unproved, tuple(missing))

    async def _read(self, step: Step) -> tuple[bool | None, str]:
        """Whether a step holds (None: unknown), and what was read."""
        reading = await read_now(self.targets, step)
        return (None, str(reading)) if isinstance(reading, TargetError) else (reading.done, reading.found)
