"""Signal + Playbook + History + Conditions → Decision with its reason; pure.

The playbook says what an alert may ask for; the alert only selects. A resolve closes a signal and changes
nothing else. Nothing here knows a store, a target or the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handrail.contract import Action, Confirmation, Playbook, Step, TierFacts, names

from handrail_receiver.attempt_states.state_machine import may
from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.decide.alert_series import cannot_see, ended_before, fired_before, heard_now, series_of
from handrail_receiver.decide.gate_open import OLD, asks_to_go_on
from handrail_receiver.decide.receiver_down import receiver_down
from handrail_receiver.model import (
    NEVER_BEGUN,
    OPEN,
    QUIET,
    WORKED,
    Attempt,
    AttemptState,
    BeforeFirst,
    Change,
    Conditions,
    Decision,
    History,
    LeftToPeople,
    NeedsSomebody,
    Open,
    Run,
    RunState,
    SetHold,
    SetState,
    Signal,
    Verdict,
)
from handrail_receiver.model.warm_up import always_judged, warms_up_until
from handrail_receiver.words.steps import what
from handrail_receiver.words.times import when

STRENGTH = {name: strength for strength, name in enumerate(names.ACTING)}
NAMED = (names.ROLLOUT, names.GUARDRAIL, names.TIER)


def decide(signal: Signal, playbook: Playbook | None, history: History, now: Conditions) -> Decision:
    """What follows from one alert."""
    rollout, guardrail, name = (signal.labels.get(label, "") for label in NAMED)
    if playbook is not None and (guardrail, name) == (names.GATE, names.PROMOTE):
        return asks_to_go_on(signal, playbook, history)
    if (guardrail, name) == (names.RECEIVER_GUARDRAIL, names.DOWN):
        return receiver_down(signal, history)
    tier = playbook.tier(guardrail, name) if playbook else None
    if playbook is not None and tier is not None and rollout:
        return _known(_Case(signal, playbook, guardrail, tier, history, now))
    if not rollout:
        reason, text = "no-rollout-label", "the alert names no rollout; send only Handrail's alerts here"
    elif playbook is None:
        reason, text = (
            "unknown-rollout",
            f"no playbook declares {rollout!r}; generate it or correct the route",
        )
    else:
        return _unknown(signal, history)
    return Decision(
        Verdict.ignore,
        reason,
        text,
        rollout=rollout,
        guardrail=guardrail,
        tier=name,
        attempt=history.attempt.id if history.attempt else 0,
    )


def _unknown(signal: Signal, history: History) -> Decision:
    """Rules and playbook have different versions: people are told at once of a rollback that the playbook does not
    know.
    """
    rollout, guardrail, name = (signal.labels.get(label, "") for label in NAMED)
    action, attempt = signal.labels.get(names.ACTION, ""), history.attempt
    missing = f"{rollout} has no tier {name!r} of guardrail {guardrail!r}"
    known = Decision(
        Verdict.ignore,
        "unknown-guardrail",
        f"{missing}; rules and playbook do not come from the same `handrail generate`",
        rollout=rollout,
        guardrail=guardrail,
        tier=name,
        attempt=attempt.id if attempt else 0,
    )
    shadow = signal.labels.get(names.MODE) == names.SHADOW
    if shadow or action not in STRENGTH or attempt is None or not attempt.live:
        return known
    before = fired_before(signal, history)
    if ended_before(signal, history):
        return known
    heard = () if before == signal.firing else (heard_now(signal, f"{guardrail}/{name}"),)
    if not signal.firing:
        return replace(known, changes=heard if before else ())
    cure = f"people must carry out the {action}, or `handrail rollout adopt {rollout}` if the newest playbook has the tier"
    text = f"{missing}, and its alert asks for {action}; {cure}"
    if before and attempt.held:
        return replace(known, verdict=Verdict.repeat, text=text)
    changes = (*heard, SetHold(attempt.held_as_well(text)), LeftToPeople(action, text))
    return replace(known, verdict=Verdict.tell, action=action, text=text, changes=changes)


def still_fires(source: str, playbook: Playbook, history: History, now: Conditions) -> Decision | None:
    """What follows from a tier (guardrail/tier) that fires but was not acted on when it began, as if its alert came
    now.

    Prometheus confirms a rollback first. None where nothing follows: people were told when it began.
    """
    guardrail, _, name = source.rpartition("/")
    tier, attempt = playbook.tier(guardrail, name), history.attempt
    if tier is None or tier.shadow or attempt is None or tier.action not in {"hold", *STRENGTH}:
        return None
    signal = Signal(firing=True, labels={})
    made = _follows(_Case(signal, playbook, guardrail, tier, history, now, remembered=True), attempt)
    return None if made.verdict in QUIET else made


@dataclass(frozen=True)
class _Case:
    """An alert of a tier in the playbook, and everything that its decision may look at.

    `remembered`: it has fired since before it could be acted on, and there is nothing new.
    """

    signal: Signal
    playbook: Playbook
    guardrail: str
    tier: TierFacts
    history: History
    now: Conditions
    remembered: bool = False

    def say(self, verdict: Verdict, reason: str, text: str, *changes: Change) -> Decision:
        """A decision about it."""
        return Decision(
            verdict,
            reason,
            text,
            rollout=self.playbook.rollout,
            action=self.tier.action,
            guardrail=self.guardrail,
            tier=self.tier.tier,
            attempt=self.history.row,
            changes=changes,
        )

    @property
    def source(self) -> str:
        """Guardrail and tier, as they are remembered."""
        return f"{self.guardrail}/{self.tier.tier}"

    @property
    def where(self) -> str:
        """What its alert says, in words."""
        if self.tier.tier == names.THIN:
            return f"{self.guardrail} has too few events to be judged"
        return f"{self.guardrail} breaks its {self.tier.tier} limit"


def _known(case: _Case) -> Decision:
    if ended_before(case.signal, case.history):
        text = "this resolve is late: the same alert has begun again and still fires"
        return case.say(Verdict.repeat, "resolved-late", text)
    if case.history.attempt is None:
        return _before_first(case)
    before = fired_before(case.signal, case.history)
    decision = _in_attempt(case, case.history.attempt, before=before)
    if before == case.signal.firing:
        return decision
    heard = heard_now(case.signal, case.source)
    return replace(decision, changes=(heard, *decision.changes, *_needs_somebody(case, decision)))


def _before_first(case: _Case) -> Decision:
    """There is nothing to roll back, and what wakes people can be acknowledged all the same."""
    text = f"no attempt of {case.playbook.rollout} was started; there is nothing to roll back"
    ignored = case.say(Verdict.ignore, "no-attempt", text)
    before, needs = fired_before(case.signal, case.history), _needs_somebody(case, ignored)
    if before == case.signal.firing or (before is None and not needs):
        return ignored
    first = () if case.history.before else (BeforeFirst(case.playbook.service),)
    heard = heard_now(case.signal, case.source)
    return replace(ignored, verdict=Verdict.note, changes=(*first, heard, *needs))


def _needs_somebody(case: _Case, decision: Decision) -> tuple[NeedsSomebody, ...]:
    """What wakes people opens an incident whatever it asks for, also once the attempt is over: it can be acknowledged.

    A rollback that is still to be confirmed opens one when it begins, and a level of the escalation has that of its
    alert. What somebody has already by the incident of an earlier attempt needs no second one.
    """
    begins = case.signal.firing and names.LEVEL not in case.signal.labels
    if not (case.tier.opens_incident and begins) or decision.verdict is Verdict.confirm or _is_had(case):
        return ()
    trigger = _cannot_see(case) if _is_blind(case) else case.where
    return (NeedsSomebody(case.tier.action, trigger, case.tier.severity),)


def _is_had(case: _Case) -> bool:
    """Whether it began before an open incident of an earlier attempt was acknowledged."""
    began = case.signal.starts_at
    others = (one.had_until for one in case.history.incidents if one.attempt != case.history.row)
    return began is not None and any(until is not None and began <= until for until in others)


def _in_attempt(case: _Case, attempt: Attempt, *, before: bool | None) -> Decision:
    """`before` says whether the alert was firing when we last heard of it, None when we never did."""
    tier, again = case.tier, before is True
    if not case.signal.firing:
        return _resolved(case, attempt, before=before)
    state = state_of(case.history)
    if not may(state, _event(tier), "alert") and not (
        may(state, "stronger rollback", "alert") and _stronger(tier, case.history)
    ):
        text = f"attempt {attempt.number} is {attempt.state}"
        return case.say(Verdict.repeat if again else Verdict.note, "attempt-over", text)
    if tier.shadow:  # the playbook's word: no label of an alert makes it do less
        text = f"in shadow, nothing is done; its action would be {_wish(case, attempt)}"
        return case.say(Verdict.repeat if again else Verdict.shadow, "shadow", text)
    until = _warms_up_until(case, attempt)
    if until is not None:
        text = f"{case.where}; stage {attempt.stage} warms up until {when(until)}, and is judged then"
        return case.say(Verdict.repeat if again else Verdict.note, "warming-up", text)
    return _follows(case, attempt, again=again)


def _follows(case: _Case, attempt: Attempt, *, again: bool = False) -> Decision:
    """What its tier asks for, once it counts; `again`: people were asked already."""
    tier = case.tier
    if tier.action == "hold":
        return _hold(case, attempt.held)
    if tier.action not in STRENGTH:
        text = f"{case.where}: people are asked to {tier.action}"
        return case.say(Verdict.repeat if again else Verdict.tell, "asked-for", text)
    return _act(case, attempt)


def _warms_up_until(case: _Case, attempt: Attempt) -> datetime | None:
    """Until when nothing but an emergency is acted on; None where the stage is judged, or this tier always is."""
    if always_judged(case.tier) or attempt.state != AttemptState.active:
        return None
    until = warms_up_until(case.playbook, attempt, case.now.now)
    return until if until is not None and case.now.now < until else None


def _event(tier: TierFacts) -> str:
    """What its alert asks for, as the state machine calls it."""
    return "rollback" if tier.action in STRENGTH else tier.action


def _resolved(case: _Case, attempt: Attempt, *, before: bool | None) -> Decision:
    """A guardrail that has data again ends its own hold; every other hold is for people to end."""
    if _is_blind(case) and attempt.held_for(_cannot_see(case)) and not _still_blind(case):
        left = SetHold(attempt.held_without(_cannot_see(case)))
        return case.say(Verdict.note, "sees-again", f"{case.guardrail} has data again", left)
    text = "it stopped firing; a resolve proves nothing and undoes nothing"
    return case.say(Verdict.repeat if before is False else Verdict.note, "resolved", text)


def _is_blind(case: _Case) -> bool:
    return case.tier.tier == names.BLIND


def _cannot_see(case: _Case) -> str:
    return cannot_see(case.guardrail)


def _still_blind(case: _Case) -> bool:
    """Whether another series of the same alert fires."""
    source, own = f"{case.guardrail}/{case.tier.tier}", series_of(case.signal)
    return any(one.firing and one.source == source and one.series != own for one in case.history.said)


def _act(case: _Case, attempt: Attempt) -> Decision:
    playbook, tier, history = case.playbook, case.tier, case.history
    action, confirmation = playbook.action(tier.action), _confirmation(case, attempt)
    key = case.source if confirmation else ""
    last = _begun(history, tier.action)
    waiting = history.last_run(tier.action, key)
    if last is not None and last.state in OPEN:
        return case.say(Verdict.repeat, "under-way", f"{tier.action} is under way")
    if confirmation is not None and waiting is not None and waiting.state == RunState.waiting:
        return case.say(Verdict.repeat, "under-way", f"{tier.action} waits to be confirmed")
    if last is not None and last.state in WORKED:
        return case.say(Verdict.repeat, "already-done", f"{tier.action} was done in this attempt")
    if action is None or not action.steps:
        text = f"the playbook has no steps for {tier.action}; people must act"
        return _held(case, attempt, "no-steps", text)
    if case.now.stopped:
        return _held(
            case, attempt, "kill-switch", f"the kill switch is set; people must carry out the {tier.action}"
        )
    if last is None and history.automatic_today >= playbook.budget_per_day:
        spent = f"{history.automatic_today} automatic rollbacks of {playbook.service} within a day"
        return _held(case, attempt, "budget-spent", f"{spent}; people must carry out the {tier.action}")
    return _open(case, attempt, action, last, confirmation)


def _begun(history: History, action: str) -> Run | None:
    """The newest run of an action that was begun and not ended by another one: what waits has not begun."""
    runs = [run for run in history.runs if run.action == action and run.state not in NEVER_BEGUN]
    return max(runs, key=lambda run: (run.id, run.round), default=None)


def _open(
    case: _Case, attempt: Attempt, action: Action, last: Run | None, confirmation: Confirmation | None
) -> Decision:
    """An alert that needs no confirmation acts at once, whatever else waits; each that needs one waits by itself."""
    key = case.source if confirmation else ""
    run = Open(
        action=action.name,
        key=key,
        round=case.history.next_round(action.name, key),
        steps=_steps(attempt, action),
        proof=action.proof,
        due_at=case.now.now + timedelta(seconds=confirmation.after if confirmation else 0),
        confirmation=confirmation,
        supersedes=confirmation is None,
        by="alert" if case.remembered else "",
    )
    if confirmation is not None:
        text = f"{case.where}; Prometheus is asked again in {confirmation.after:g} s before the {action.name}"
        return case.say(Verdict.confirm, "to-be-confirmed", text, run)
    rolling_back = SetState(AttemptState.rolling_back)
    if last is not None:
        text = f"{case.guardrail} still fires and the last {action.name} {last.state}: it is tried again"
        return case.say(Verdict.act, "tried-again", text, rolling_back, run)
    return case.say(Verdict.act, "limit-broken", f"{case.where}: {action.name}", rolling_back, run)


def _confirmation(case: _Case, attempt: Attempt) -> Confirmation | None:
    """The confirmation that is asked for: as declared, and always for what is older than the attempt, or remembered."""
    began = case.signal.starts_at
    old = case.remembered or (began is not None and began < attempt.started_at - OLD)
    if case.tier.confirmation is None and old:
        return Confirmation(after=0, expr=case.tier.expr, unreachable="hold")
    return case.tier.confirmation


def _hold(case: _Case, held: str) -> Decision:
    text = _cannot_see(case) if _is_blind(case) else case.where
    if held:
        return case.say(Verdict.repeat, "already-held", f"{text}; already held: {held}")
    return case.say(Verdict.hold, "asked-for", text, SetHold(text, case.source))


def _held(case: _Case, attempt: Attempt, reason: str, text: str) -> Decision:
    """People must act: tell them once, hold promotions until they have, and leave an incident."""
    if attempt.held_for(text):
        return case.say(Verdict.repeat, reason, text)
    left = LeftToPeople(case.tier.action, f"{case.where}; {text}")
    return case.say(Verdict.tell, reason, text, SetHold(attempt.held_as_well(text)), left)


def _stronger(tier: TierFacts, history: History) -> bool:
    """Whether it is a stronger action than any that was done."""
    if tier.action not in STRENGTH:
        return False
    done = [
        STRENGTH[run.action]
        for run in history.runs
        if run.action in STRENGTH and run.state not in NEVER_BEGUN
    ]
    return STRENGTH[tier.action] > max(done, default=-1)


def _wish(case: _Case, attempt: Attempt) -> str:
    """Its action, and what that would do, step by step."""
    tier = case.tier
    action = case.playbook.action(tier.action)
    steps = _steps(attempt, action) if action and tier.action in STRENGTH else ()
    return f"{tier.action}: {'; '.join(map(what, steps))}" if steps else tier.action


def _steps(attempt: Attempt, action: Action) -> tuple[Step, ...]:
    """The steps of an action, with the values pinned when the attempt began."""
    return attempt.pinned.get(action.name, action.steps)
