"""What a person asks for + Playbook + History + Conditions → Decision with its reason; pure.

`anyway` goes past what is only "not ready" and needs a reason in words; it never goes past what cannot be, nor past
an approval that somebody else has to give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from handrail.contract import Playbook, StageFacts, Step

from handrail_receiver.gates import Ask, Found, GateStanding, approach, judge
from handrail_receiver.model import (
    OPEN,
    WORKED,
    Attempt,
    AttemptState,
    Begin,
    Captured,
    Change,
    Conditions,
    Decision,
    Enter,
    History,
    Open,
    SetHold,
    SetReady,
    SetState,
    Verdict,
)
from handrail_receiver.vouch import Word, approve, check, no_gate

NOTHING_FOUND, NO_WORD = Found(), Word()


@dataclass(frozen=True)
class Asked:
    """A person's call: who, why, whether to go past "not ready", and what was found out before deciding.

    `pinned` are, for a start, the rollback's steps with their open values filled in, `captured` the references; `not_ready` says, a line each, why it
    should not go on, empty when it may; `no_way_back`, why it could not be rolled back, `warnings` what speaks against that although it could; `causes` are those lines in words that stay the same while
    numbers in a line change. `found` is what a gate is judged by, `word` what the person says of it.
    """

    verb: str
    by: str
    why: str = ""
    anyway: bool = False
    pinned: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    captured: tuple[Captured, ...] = ()
    not_ready: tuple[str, ...] = ()
    no_way_back: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    found: Found = NOTHING_FOUND
    word: Word = NO_WORD


def answer(asked: Asked, playbook: Playbook, history: History, now: Conditions) -> Decision:
    """What follows from a person's call."""
    attempt = history.attempt
    known = Decision(
        Verdict.refuse,
        "",
        "",
        rollout=playbook.rollout,
        action=asked.verb,
        by=asked.by,
        attempt=attempt.id if attempt else 0,
    )
    match asked.verb:
        case "start":
            return _start(known, asked, playbook, history, now)
        case "rollback":
            return _rollback(known, asked, playbook, history, now)
        case "check" | "approve":
            return _vouched(known, asked, playbook, history, now)
    if attempt is None or attempt.state != AttemptState.active:
        state = f"attempt {attempt.number} is {attempt.state}" if attempt else "no attempt was started"
        return _no(known, "no-attempt", f"{state}; `handrail rollout start {known.rollout}` begins one")
    match asked.verb:
        case "promote":
            return _promote(known, asked, playbook, history, attempt, now)
        case "hold":
            why = f"{asked.by}: {asked.why}" if asked.why else f"held by {asked.by}"
            return replace(known, verdict=Verdict.hold, reason="asked-for", text=why, changes=(SetHold(why),))
        case _:
            text = f"promotions may go on; it was held: {attempt.held}" if attempt.held else "it was not held"
            return replace(known, verdict=Verdict.act, reason="asked-for", text=text, changes=(SetHold(""),))


def _start(known: Decision, asked: Asked, playbook: Playbook, history: History, now: Conditions) -> Decision:
    attempt, first = history.attempt, playbook.stages[0] if playbook.stages else None
    name = first.name if first else ""
    if attempt and attempt.live:
        return _start_again(known, playbook, history, attempt, now)
    gate = _gate(asked, playbook, history, now)
    known = replace(known, known=_kept(gate))
    refused, past = _through(known, asked, (*asked.no_way_back, *asked.not_ready, *_guard_is_off(now)), gate)
    if refused:
        return refused
    begin = Begin(playbook.service, name, asked.pinned, "; ".join(asked.no_way_back), asked.captured)
    changes: tuple[Change, ...] = (begin, _entering("start", first, 0, now.now)) if first else (begin,)
    where = f"in stage {name}" if name else "guarding from now on"
    where += _said(asked, past)
    return replace(
        known, verdict=Verdict.act, reason="asked-for", text=f"a new attempt, {where}", changes=changes
    )


def _start_again(
    known: Decision, playbook: Playbook, history: History, attempt: Attempt, now: Conditions
) -> Decision:
    first = playbook.stages[0] if playbook.stages else None
    last = history.last_run("start", first.name) if first else None
    if first and last and last.state == "failed" and attempt.stage == first.name:
        again = _entering("start", first, last.round + 1, now.now)
        text = f"attempt {attempt.number}: entering {first.name} once more"
        return replace(
            known, verdict=Verdict.act, reason="tried-again", text=text, changes=(SetHold(""), again)
        )
    if playbook.stages and attempt.stage == playbook.stages[-1].name and attempt.state == AttemptState.active:
        text = f"attempt {attempt.number} is in its last stage; complete it first: promote"
        return _no(known, "already-running", text)
    where = f" in stage {attempt.stage}" if attempt.stage else ""
    return _no(
        known,
        "already-running",
        f"attempt {attempt.number} is {attempt.state}{where}; promote it or roll it back",
    )


def _promote(
    known: Decision, asked: Asked, playbook: Playbook, history: History, attempt: Attempt, now: Conditions
) -> Decision:
    current = next((stage for stage in playbook.stages if stage.name == attempt.stage), None)
    following = playbook.stage_after(attempt.stage)
    if any(run.state in OPEN for run in history.runs):
        return _no(known, "under-way", "something is still being carried out; wait for it or roll back")
    gate = _gate(asked, playbook, history, now)
    known = replace(known, known=_kept(gate))
    over = attempt.stage_entered_at + timedelta(seconds=current.hold if current and current.hold else 0)
    reasons = [*(asked.no_way_back if following else ()), *asked.not_ready]
    reasons += [f"held: {attempt.held}"] if attempt.held else []
    reasons += _guard_is_off(now)
    reasons += [f"stage {attempt.stage} holds until {over:%Y-%m-%d %H:%M:%S} UTC"] if now.now < over else []
    refused, past = _through(known, asked, tuple(reasons), gate)
    if refused:
        return refused
    if following is None:
        done = SetState(AttemptState.complete)
        return replace(
            known, verdict=Verdict.act, reason="asked-for", text="the rollout is complete", changes=(done,)
        )
    last = history.last_run("promote", following.name)
    text = f"into stage {following.name}{_said(asked, past)}"
    changes = (
        SetHold(""),
        SetReady("; ".join(asked.no_way_back)),
        Enter(following.name, asked.captured),
        _entering("promote", following, last.round + 1 if last else 0, now.now),
    )
    return replace(known, verdict=Verdict.act, reason="asked-for", text=text, changes=changes)


def _rollback(
    known: Decision, asked: Asked, playbook: Playbook, history: History, now: Conditions
) -> Decision:
    action, attempt, last = playbook.action("rollback"), history.attempt, history.last_run("rollback")
    if action is None or not action.steps:
        return _no(known, "no-steps", "the playbook has no steps for rollback; declare them and generate")
    if last and last.state in OPEN:
        return _no(known, "under-way", "a rollback is under way")
    if last and last.state in WORKED:
        return replace(
            known, verdict=Verdict.repeat, reason="already-done", text="it was rolled back in this attempt"
        )
    changes: list[Change] = []
    if attempt is None or attempt.state == AttemptState.complete:
        if not (asked.anyway and asked.why):
            state = "no attempt is active"
            return _no(known, "no-attempt", f"{state}; to roll back all the same, say --anyway and --why")
        # Never pinned anew: what stands there now is what is to be rolled back.
        first = playbook.stages[0].name if playbook.stages else ""
        changes.append(Begin(playbook.service, first, attempt.pinned if attempt else {}, ""))
    steps = attempt.pinned.get("rollback", action.steps) if attempt else action.steps
    run = Open("rollback", "", last.round + 1 if last else 0, steps, action.proof, now.now, supersedes=True)
    changes += [SetState(AttemptState.rolling_back), run]
    text = f"{asked.by} asked for a rollback" + (f": {asked.why}" if asked.why else "")
    return replace(known, verdict=Verdict.act, reason="asked-for", text=text, changes=tuple(changes))


def _vouched(
    known: Decision, asked: Asked, playbook: Playbook, history: History, now: Conditions
) -> Decision:
    at = approach(playbook, history, asked.found, now.now)
    if at is None:
        return no_gate(known, playbook, history)
    return (check if asked.verb == "check" else approve)(known, asked.word, asked.why, at)


def _gate(asked: Asked, playbook: Playbook, history: History, now: Conditions) -> GateStanding | None:
    """How the gate ahead stands for whoever asks."""
    at = approach(playbook, history, asked.found, now.now)
    return judge(at, asked.by) if at else None


def _kept(gate: GateStanding | None) -> dict[str, object]:
    return {"gate": gate.facts()} if gate and gate.asks else {}


def _through(
    known: Decision, asked: Asked, reasons: tuple[str, ...], gate: GateStanding | None
) -> tuple[Decision | None, tuple[str, ...]]:
    """The refusal, None when it may go on; and all that stands against it. Nothing goes past an approval."""
    missing = gate.missing if gate else ()
    reasons = (*reasons, *map(_with_cure, missing))
    approvals = [_with_cure(ask) for ask in missing if ask.kind == "approval"]
    if approvals and asked.anyway:
        text = f"{'; '.join(approvals)}; --anyway does not go past an approval"
        return _no(known, "not-approved", text), reasons
    if approvals:
        return _no(known, "not-ready", f"{'; '.join(reasons)}; mend it"), reasons
    return _not_ready(known, asked, reasons), reasons


def _with_cure(ask: Ask) -> str:
    return f"{ask.text} (`{ask.cure}`)" if ask.cure else ask.text


def _not_ready(known: Decision, asked: Asked, reasons: tuple[str, ...]) -> Decision | None:
    if not reasons or (asked.anyway and asked.why):
        return None
    cure = "say why with --why to go on anyway" if asked.anyway else "mend it, or say --anyway and --why"
    return _no(known, "not-ready", f"{'; '.join(reasons)}; {cure}")


def _said(asked: Asked, reasons: Sequence[str]) -> str:
    """What was gone past, and what the person said, for the evidence."""
    past = f", although {'; '.join(reasons)}" if reasons else ""
    past += f" (says {asked.by}: {asked.why})" if asked.why else ""
    return past + (f"; beware of a rollback: {'; '.join(asked.warnings)}" if asked.warnings else "")


def _no(known: Decision, reason: str, text: str) -> Decision:
    return replace(known, verdict=Verdict.refuse, reason=reason, text=text)


def _guard_is_off(now: Conditions) -> list[str]:
    reasons = [f"the guard is blind: {now.blind}"] if now.blind else []
    return (
        [*reasons, "the kill switch is set: nothing would be rolled back by itself"]
        if now.stopped
        else reasons
    )


def _entering(verb: str, stage: StageFacts, number: int, now: datetime) -> Open:
    return Open(verb, stage.name, number, stage.enter, None, now)
