"""What an attempt comes to by itself as time passes → Decision. Pure.

Each is decided once: what became due while nobody looked is decided at the next look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handrail.contract import Gate, Playbook, StageFacts, names

from handrail_receiver.attempt_states.state_machine import may
from handrail_receiver.attempt_states.states import State, state_of
from handrail_receiver.decide.decide import still_fires
from handrail_receiver.gates.gate import GateCase, GateInputs, GateStatus
from handrail_receiver.model import (
    ENTERING,
    EVERYBODY,
    FINISHED,
    HANDRAIL,
    WORKED,
    Attempt,
    AttemptState,
    Change,
    Conditions,
    Decision,
    History,
    LastSaid,
    LeftToPeople,
    Once,
    Open,
    Run,
    SetHold,
    SetState,
    Verdict,
)
from handrail_receiver.model.warm_up import always_judged, warms_up_until
from handrail_receiver.words.times import span, when

PEOPLE = frozenset({"check", "approval"})
"""What a gate asks of people."""
TOLD_FIRST = (Verdict.tell, Verdict.hold, Verdict.confirm)
"""What follows from what fires after a warm-up: whatever people are to hear of comes first."""


@dataclass(frozen=True)
class RunningAttempt:
    """An attempt that is under way, the stage it is in, and what holds now."""

    playbook: Playbook
    history: History
    attempt: Attempt
    now: Conditions

    @property
    def stage(self) -> StageFacts | None:
        """Its stage; None where it has none."""
        return next((one for one in self.playbook.stages if one.name == self.attempt.stage), None)

    @property
    def ahead(self) -> str:
        """What comes next."""
        following = self.playbook.stage_after(self.attempt.stage)
        return following.name if following else names.COMPLETE

    def may(self, event: str) -> bool:
        """Whether the state machine has an event of ours now."""
        return may(state_of(self.history), event, "receiver")

    def happened(self, name: str) -> bool:
        """Whether it did that already."""
        return name in self.history.once

    def say(self, verdict: Verdict, reason: str, action: str, text: str, *changes: Change) -> Decision:
        """A decision about it."""
        return Decision(
            verdict,
            reason,
            text,
            rollout=self.playbook.rollout,
            action=action,
            by=HANDRAIL,
            attempt=self.attempt.id,
            changes=changes,
        )

    @property
    def fires(self) -> tuple[str, ...]:
        """What fires, as far as we were told, without shadow tiers."""
        return GateCase(Gate(into=""), self.playbook, self.history, GateInputs(), self.now.now).firing


def moment(playbook: Playbook, history: History, now: Conditions) -> RunningAttempt | None:
    """What is to be looked at; None where nothing goes forward."""
    attempt = history.attempt
    if attempt is None or not attempt.live or attempt.state == AttemptState.rolling_back:
        return None
    return RunningAttempt(playbook, history, attempt, now)


def due(playbook: Playbook, history: History, now: Conditions) -> Decision | None:
    """What is due now; None where nothing is. After one of them there may be another."""
    at = moment(playbook, history, now)
    if at is None:
        return None
    return _warmed_up(at) or _deadline(at) or _hold_over(at) or _watched(at)


def goes_back(at: RunningAttempt, other: History, name: str) -> Decision | None:
    """Another rollout, with which this one goes back, was rolled back since this attempt began."""
    once, first = f"back with: {name}", _first_rollback(other)
    if first is None or at.happened(once) or not at.may("rollback"):
        return None
    if (
        first.decided_at <= at.attempt.started_at
    ):  # what is put back, or tried again, went back before this one began
        return None
    text = f"{name} was rolled back ({first.reason}), and this rollout goes back with it"
    return replace(_rolled_back(at, text, Once(once)), reason="goes-back-with")


def cannot_follow(playbook: Playbook, history: History, name: str, why: str) -> Decision | None:
    """Nobody knows what became of another rollout, with which this one goes back: its people are told, once."""
    attempt, once = history.attempt, f"cannot be read: {name}"
    complete = may(state_of(history), "left behind", "receiver")
    if attempt is None or once in history.once or not (attempt.live or complete):
        return None
    text = f"it is unknown whether {name}, with which this rollout goes back, was rolled back: its attempt cannot be read ({why})"
    text += (
        "; people must look"
        if complete
        else "; it does not go on automatically until it can be read, and people must look"
    )
    return Decision(
        Verdict.tell,
        "goes-back-with",
        text,
        rollout=playbook.rollout,
        action="rollback",
        by=HANDRAIL,
        attempt=attempt.id,
        changes=(Once(once),),
    )


def left_behind(playbook: Playbook, history: History, other: History, name: str) -> Decision | None:
    """The same for an attempt that is complete: it is not taken back automatically, and its people are told once."""
    attempt, first, once = history.attempt, _first_rollback(other), f"back with: {name}"
    if attempt is None or not may(state_of(history), "left behind", "receiver"):
        return None
    if first is None or once in history.once or first.decided_at <= attempt.started_at:
        return None
    why = f"{name} was rolled back ({first.reason}), and this rollout goes back with it"
    cure = f"handrail rollout rollback {playbook.rollout} --anyway --why"
    return Decision(
        Verdict.tell,
        "goes-back-with",
        f"{why}, but its attempt {attempt.number} is complete: people must look, or roll it back (`{cure}`)",
        rollout=playbook.rollout,
        action="rollback",
        by=HANDRAIL,
        attempt=attempt.id,
        changes=(Once(once),),
    )


def _first_rollback(other: History) -> Run | None:
    """The rollback by which an attempt went back first; None where it goes forward, or is over without one."""
    if state_of(other) not in {State.rolling_back, State.rolled_back}:
        return None
    return other.first_rollback


def walks(playbook: Playbook | None) -> bool:
    """Whether anything is declared that comes by itself."""
    if playbook is None:
        return False
    stages = any(
        stage.advance == "when-met" or stage.warm_up or stage.deadline or stage.prolong
        for stage in playbook.stages
    )
    ends = any(tier.resume_after for guardrail in playbook.guardrails for tier in guardrail.tiers)
    return bool(stages or ends or playbook.watch_after or playbook.goes_back_with)


def bake_over(at: RunningAttempt) -> bool:
    """Whether the gate ahead may be asked: it bakes no longer, and nothing else is under way."""
    stage = at.stage
    if stage is None or at.now.unheard or not at.may("promote"):
        return False
    return at.now.now >= at.attempt.stage_entered_at + timedelta(seconds=stage.takes)


def not_enough_data(at: RunningAttempt, gate: GateStatus) -> Decision | None:
    """A stage whose success could not be judged, for as long as it may be prolonged: it is held."""
    stage, unknown = at.stage, [ask for ask in gate.missing if not ask.known]
    broken = [ask for ask in gate.missing if ask.known and ask.kind not in {*PEOPLE, "window", "order"}]
    if stage is None or stage.prolong is None or not unknown or broken or not at.may("not enough data"):
        return None
    name = f"not enough data: {stage.name}"
    longest = timedelta(seconds=stage.takes + stage.prolong)
    if at.happened(name) or at.now.now < at.attempt.stage_entered_at + longest:
        return None
    what = "; ".join(ask.text for ask in unknown)
    text = f"stage {stage.name} has baked {span(timedelta(seconds=stage.prolong))} longer, and it still cannot be judged: {what}"
    return at.say(Verdict.hold, "not-enough-data", "hold", text, SetHold(text), Once(name))


def needs_people(at: RunningAttempt, gate: GateStatus) -> Decision | None:
    """In the gate of a stage that goes on automatically, only answers of people are missing: they are told, once.

    When an answer or an approval ends, or is a no, they are told again.
    """
    said = [f"{ask.name}, {ask.at.isoformat()}" for ask in gate.missing if ask.at is not None]
    stage, name = at.stage, ": ".join(("needs people", gate.into, *said))
    by_people = bool(gate.missing) and all(ask.kind in PEOPLE for ask in gate.missing)
    if stage is None or stage.advance != "when-met" or not by_people or at.happened(name):
        return None
    missing = "; ".join(f"{ask.text} (`{ask.cure}`)" if ask.cure else ask.text for ask in gate.missing)
    text = f"{_into(gate.into)} waits only for people: {missing}"
    return at.say(Verdict.tell, "needs-people", "hold", text, Once(name))


def _into(ahead: str) -> str:
    return "completing" if ahead == names.COMPLETE else f"stage {ahead}"


def _warmed_up(at: RunningAttempt) -> Decision | None:
    """The warm-up of its stage is over: what began to fire in it, and still does, is looked at now."""
    since, name = _unjudged_since(at), f"warmed up: {at.attempt.stage}"
    until = warms_up_until(at.playbook, at.attempt, at.now.now) or since
    if until is None or at.now.now < until or at.happened(name) or not at.may("warmed up"):
        return None
    sources = sorted({one.source for one in at.history.said if one.firing and since and one.at >= since})
    decisions = tuple(_judged_late(at, sources))
    what = "; ".join(one.text for one in decisions)
    text = (
        f"stage {at.attempt.stage} has warmed up; {what or 'no alert that began in it needs anything more'}"
    )
    first = min(decisions, key=lambda one: TOLD_FIRST.index(one.verdict), default=None)
    verdict, action = (first.verdict, first.action) if first else (Verdict.note, "hold")
    return at.say(
        verdict,
        "warmed-up",
        action,
        text,
        Once(name),
        *(change for one in decisions for change in one.changes),
    )


def _unjudged_since(at: RunningAttempt) -> datetime | None:
    """Since when nothing but emergencies was acted on: what began then was remembered. None where all was.

    That is the begin of its warm-up: the first stage's when the attempt began, for it is guarded while that is entered;
    and that of a stage before, which was left in its warm-up.
    """
    warm = {one.name for one in at.playbook.stages if one.warm_up}
    entered = [run for run in at.history.runs if run.action in ENTERING and run.state in WORKED]
    since = at.attempt.stage_entered_at if at.attempt.stage in warm else None
    for run in reversed(entered):
        if run.key != at.attempt.stage and (run.key not in warm or at.happened(f"warmed up: {run.key}")):
            return since
        if run.key in warm:
            since = at.attempt.started_at if run.action == "start" else run.finished_at
    return since


def _judged_late(at: RunningAttempt, sources: Sequence[str]) -> Iterator[Decision]:
    """What follows from each of these tiers, which still fire; what was judged in the warm-up is not judged again."""
    history = at.history
    for source in sources:
        guardrail, _, name = source.rpartition("/")
        tier = at.playbook.tier(guardrail, name)
        made = (
            None if tier is None or always_judged(tier) else still_fires(source, at.playbook, history, at.now)
        )
        if made is None:
            continue
        yield made
        for change in made.changes:
            if isinstance(change, SetHold):
                history = replace(history, attempt=replace(at.attempt, held=change.why, held_by=change.by))


def _deadline(at: RunningAttempt) -> Decision | None:
    """Its stage has lasted as long as it may: what was declared follows."""
    stage = at.stage
    if stage is None or stage.deadline is None or not at.may("deadline"):
        return None
    name, over = f"deadline: {stage.name}", at.attempt.stage_entered_at + timedelta(seconds=stage.deadline)
    if at.happened(name) or at.now.now < over:
        return None
    text = f"stage {stage.name} passed its deadline {when(over)}, {span(timedelta(seconds=stage.deadline))} after it was entered"
    once = Once(name)
    if stage.at_deadline == "page":
        return at.say(Verdict.tell, "deadline", EVERYBODY, f"{text}; people must look", once)
    if stage.at_deadline == "hold" and at.attempt.held:
        return at.say(Verdict.tell, "deadline", "hold", f"{text}; already held: {at.attempt.held}", once)
    if stage.at_deadline == "hold":
        text += "; it is held"
        return at.say(Verdict.hold, "deadline", "hold", text, SetHold(text), once)
    return _rolled_back(at, text, once)


def _rolled_back(at: RunningAttempt, text: str, *also: Change) -> Decision:
    """The attempt is rolled back, for a reason that is no alert; people must where nothing may be done."""
    action, reason = at.playbook.action("rollback"), "deadline"
    if at.now.stopped or action is None or not action.steps:
        why = "the kill switch is set" if at.now.stopped else "the playbook has no steps for rollback"
        text = f"{text}; {why}; people must roll back"
        left = LeftToPeople("rollback", text)
        return at.say(
            Verdict.tell, reason, EVERYBODY, text, SetHold(at.attempt.held_as_well(text)), left, *also
        )
    run = Open(
        "rollback",
        "",
        at.history.next_round("rollback"),
        at.attempt.pinned.get("rollback", action.steps),
        action.proof,
        at.now.now,
        supersedes=True,
    )
    back = SetState(AttemptState.rolling_back)
    return at.say(Verdict.act, reason, "rollback", f"{text}; it is rolled back", back, run, *also)


def _hold_over(at: RunningAttempt) -> Decision | None:
    """The alert that asked for the hold has not fired for as long as was declared, and nothing else asks for one."""
    guardrail, _, name = at.attempt.held_by.rpartition("/")
    tier = at.playbook.tier(guardrail, name)
    if tier is None or tier.resume_after is None or not at.may("hold over") or at.now.blind or at.now.unheard:
        return None
    rest, said = timedelta(seconds=tier.resume_after), at.history.said
    if any(_asks_to_hold(at.playbook, one) for one in said if one.firing):
        return None
    ended = max((one.at for one in said if one.source == at.attempt.held_by), default=at.now.now)
    if at.now.now < ended + rest:
        return None
    text = f"{at.attempt.held_by} has not fired for {span(rest)}; it was held: {at.attempt.held}"
    return at.say(Verdict.note, "hold-over", "hold", text, SetHold(""))


def _asks_to_hold(playbook: Playbook, said: LastSaid) -> bool:
    """Whether what fires would hold it: its tier does, or nobody knows what it asks for."""
    guardrail, _, name = said.source.rpartition("/")
    tier = playbook.tier(guardrail, name)
    return tier is None or (not tier.shadow and tier.action not in {"investigate", "promote"})


def _watched(at: RunningAttempt) -> Decision | None:
    """It was guarded after its last gate for as long as was declared, and nothing fires: it is complete."""
    since, watch = at.history.once.get(FINISHED), timedelta(seconds=at.playbook.watch_after)
    if since is None or not at.may("watched") or at.now.now < since + watch:
        return None
    if at.now.blind or at.now.unheard or at.now.stopped or at.fires:
        return None
    text = f"the rollout is complete: it was guarded for {span(at.now.now - since)} after its last gate"
    return at.say(Verdict.act, "watched", "promote", text, SetState(AttemptState.complete))


def went_on(made: Decision, causes: frozenset[str], told: frozenset[str], playbook: Playbook) -> Decision:
    """The answer to a promotion that nobody asked for: what stands against it is told once for each reason."""
    if made.verdict != Verdict.refuse:
        return made
    if causes == told:
        return replace(made, verdict=Verdict.repeat)
    action = playbook.action("hold")
    return replace(
        made,
        verdict=Verdict.tell,
        text=f"it cannot be promoted automatically: {made.text}",
        tell=action.tell if action else (),
        known={**made.known, "causes": sorted(causes)},
    )
