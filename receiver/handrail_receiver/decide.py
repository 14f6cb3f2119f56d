"""Signal + Playbook + History + Conditions → Decision with its reason; pure.

The playbook says what an alert may ask for; the alert only selects. A resolve closes a signal and changes
nothing else. Nothing here knows a store, a target or the time.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from handrail.contract import Action, Confirmation, Playbook, TierFacts, names

from handrail_receiver.model import (
    OPEN,
    WORKED,
    AttemptState,
    Change,
    Conditions,
    Decision,
    Heard,
    History,
    Open,
    RunState,
    SetHold,
    SetState,
    Signal,
    Verdict,
)

STRENGTH = {name: strength for strength, name in enumerate(names.ACTING)}
OLD = timedelta(seconds=5)


def decide(signal: Signal, playbook: Playbook | None, history: History, now: Conditions) -> Decision:
    """What follows from one alert."""
    labels = signal.labels
    blank = Decision(
        Verdict.ignore,
        "",
        "",
        rollout=labels.get(names.ROLLOUT, ""),
        guardrail=labels.get(names.GUARDRAIL, ""),
        tier=labels.get(names.TIER, ""),
        attempt=history.attempt.id if history.attempt else 0,
    )
    if not blank.rollout:
        return _but(blank, "no-rollout-label", "the alert names no rollout; send only Handrail's alerts here")
    if playbook is None:
        return _but(
            blank,
            "unknown-rollout",
            f"no playbook declares {blank.rollout!r}; generate it or correct the route",
        )
    tier = _tier(playbook, blank)
    if tier is None:
        what = f"{blank.rollout} has no tier {blank.tier!r} of guardrail {blank.guardrail!r}"
        return _but(blank, "unknown-guardrail", f"{what}; the rules and the playbook are of different ages")
    known = replace(blank, action=tier.action)
    return _in_attempt(signal, playbook, tier, history, now, known)


def series_of(signal: Signal) -> str:
    """A short name for all labels of an alert: what tells it from its neighbours in one guardrail."""
    text = "\n".join(f"{name}={signal.labels[name]}" for name in sorted(signal.labels))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _in_attempt(
    signal: Signal, playbook: Playbook, tier: TierFacts, history: History, now: Conditions, known: Decision
) -> Decision:
    attempt, series = history.attempt, series_of(signal)
    if attempt is None:
        return _but(
            known, "no-attempt", f"no attempt of {known.rollout} was started; there is nothing to roll back"
        )
    before = history.heard(series)
    known = replace(
        known,
        changes=()
        if before == signal.firing
        else (Heard(series, f"{known.guardrail}/{known.tier}", signal.firing),),
    )
    again = before is True
    if not signal.firing:
        text = "it stopped firing, which proves nothing and undoes nothing"
        return replace(
            known, verdict=Verdict.repeat if before is False else Verdict.note, reason="resolved", text=text
        )
    if not attempt.live and not _stronger(tier, history):
        return _but(
            known,
            "attempt-over",
            f"attempt {attempt.number} is {attempt.state}",
            Verdict.repeat if again else Verdict.note,
        )
    if tier.shadow or signal.labels.get(names.MODE) == names.SHADOW:
        would = f"in shadow: it would {_wish(tier)}"
        return _but(known, "shadow", would, Verdict.repeat if again else Verdict.shadow)
    if tier.action == "hold":
        return _hold(known, attempt.held, tier)
    if tier.action not in STRENGTH:
        text = f"{known.guardrail} is in its {known.tier} tier: people are asked to {tier.action}"
        return _but(known, "asked-for", text, Verdict.repeat if again else Verdict.tell)
    return _act(signal, playbook, tier, history, now, known)


def _act(
    signal: Signal, playbook: Playbook, tier: TierFacts, history: History, now: Conditions, known: Decision
) -> Decision:
    action, attempt, last = playbook.action(tier.action), history.attempt, history.last_run(tier.action)
    if last is not None and last.state in OPEN:
        return _but(known, "under-way", f"{tier.action} is under way", Verdict.repeat)
    if last is not None and last.state in WORKED:
        return _but(known, "already-done", f"{tier.action} was done in this attempt", Verdict.repeat)
    if action is None or not action.steps:
        text = f"the playbook has no steps for {tier.action}; people must act"
        return _held(known, "no-steps", text, history)
    if now.stopped:
        return _held(known, "kill-switch", f"the kill switch is set; people must {tier.action}", history)
    if last is None and history.automatic_today >= playbook.budget_per_day:
        spent = f"{history.automatic_today} automatic rollbacks of {playbook.service} within a day"
        return _held(known, "budget-spent", f"{spent}; people must {tier.action}", history)
    confirmation = tier.confirmation
    if confirmation is None and attempt and signal.starts_at and signal.starts_at < attempt.started_at - OLD:
        confirmation = Confirmation(after=0, expr=tier.expr, unreachable="hold")
    return _open(known, action, history, now, confirmation)


def _open(
    known: Decision, action: Action, history: History, now: Conditions, confirmation: Confirmation | None
) -> Decision:
    attempt, last = history.attempt, history.last_run(action.name)
    steps = attempt.pinned.get(action.name, action.steps) if attempt else action.steps
    after = timedelta(seconds=confirmation.after if confirmation else 0)
    run = Open(
        action=action.name,
        key="",
        round=last.round + 1 if last else 0,
        steps=steps,
        proof=action.proof,
        due_at=now.now + after,
        confirmation=confirmation,
        supersedes=confirmation is None,
    )
    if confirmation is not None:
        text = f"{known.guardrail} is in its {known.tier} tier; asking again in {confirmation.after:g} s before {action.name}"
        return replace(
            known, verdict=Verdict.confirm, reason="to-be-confirmed", text=text, changes=(*known.changes, run)
        )
    reason, text = "limit-broken", f"{known.guardrail} is in its {known.tier} tier: {action.name}"
    if last is not None:
        reason, text = (
            "tried-again",
            f"{known.guardrail} still fires and the last {action.name} {last.state}: once more",
        )
    changes: tuple[Change, ...] = (*known.changes, SetState(AttemptState.rolling_back), run)
    return replace(known, verdict=Verdict.act, reason=reason, text=text, changes=changes)


def _hold(known: Decision, held: str, tier: TierFacts) -> Decision:
    text = f"{known.guardrail} is in its {known.tier} tier"
    if tier.tier == names.BLIND:
        text = f"{known.guardrail} cannot see"
    if held:
        return _but(known, "already-held", f"{text}; held already: {held}", Verdict.repeat)
    return replace(
        known, verdict=Verdict.hold, reason="asked-for", text=text, changes=(*known.changes, SetHold(text))
    )


def _held(known: Decision, reason: str, text: str, history: History) -> Decision:
    """People must act: say so once, and promote nothing until they have."""
    if history.attempt and history.attempt.held == text:
        return _but(known, reason, text, Verdict.repeat)
    return replace(
        known, verdict=Verdict.tell, reason=reason, text=text, changes=(*known.changes, SetHold(text))
    )


def _but(known: Decision, reason: str, text: str, verdict: Verdict = Verdict.ignore) -> Decision:
    return replace(known, verdict=verdict, reason=reason, text=text)


def _tier(playbook: Playbook, known: Decision) -> TierFacts | None:
    for guardrail in playbook.guardrails:
        if guardrail.name == known.guardrail:
            return next((tier for tier in guardrail.tiers if tier.tier == known.tier), None)
    return None


def _stronger(tier: TierFacts, history: History) -> bool:
    """Whether an attempt that is rolled back should still do this: a stronger action than any that was done."""
    if (
        tier.action not in STRENGTH
        or history.attempt is None
        or history.attempt.state != AttemptState.rolled_back
    ):
        return False
    done = [
        STRENGTH[run.action]
        for run in history.runs
        if run.action in STRENGTH and run.state != RunState.withdrawn
    ]
    return STRENGTH[tier.action] > max(done, default=-1)


def _wish(tier: TierFacts) -> str:
    return {"hold": "hold", "investigate": "ask people to look"}.get(tier.action, tier.action)
