"""A person's answer to a question, or their approval + the gate ahead → Decision with its reason; pure.

An approval that could not count is refused at once: who gives one should learn it then, not at the promotion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from handrail.contract import Approval, Playbook

from handrail_receiver.gates.gate import NO_TOKEN, SEEN, Approver, GateCase, asked_at, judge, not_yet
from handrail_receiver.model import LATE, Approved, AttemptState, Checked, Decision, History, Verdict
from handrail_receiver.words.times import when

SHORTEST_SEEN = 8


@dataclass(frozen=True)
class GateAnswer:
    """A person's answer at a gate.

    `item` is the question, or its place in the list from 1 on, or the role to approve as; empty where there is only
    one. `seen` is the beginning of the digest that they looked at, empty when they do not say; `token` is theirs.
    """

    item: str = ""
    passed: bool = True
    seen: str = ""
    token: Approver = NO_TOKEN


def check(known: Decision, word: GateAnswer, why: str, at: GateCase) -> Decision:
    """An answer to a question of the gate."""
    question = _one_of(at.gate.questions, word.item)
    if question is None:
        return _no(known, "unknown-check", _choose("question", at.gate.questions, "--item NUMBER", at))
    if waits := not_yet(question, at):
        return _no(known, "not-yet", f"{question!r}: {waits}")
    said = Checked(at.history.speaks_of, at.gate.into, question, word.passed, known.by, at.now, why)
    answer = "yes" if word.passed else "no"
    due_at = asked_at(question, at)
    late = due_at is not None and at.now - due_at >= LATE
    text = f"{known.by} says {answer} to {question!r}, of the gate into {said.into}"
    text += f", late: it was due {when(due_at)}" if late and due_at else ""
    text += _noted(why)
    facts = {"into": said.into, "question": question, "passed": word.passed, "note": why, "late": late}
    return replace(
        known, verdict=Verdict.note, reason="checked", text=text, changes=(said,), known={"check": facts}
    )


def approve(known: Decision, word: GateAnswer, why: str, at: GateCase) -> Decision:
    """An approval of the gate as it stands now."""
    roles = tuple(one.role for one in at.gate.approvals)
    role = _one_of(roles, word.item)
    if role is None:
        return _no(known, "unknown-role", _choose("approval", roles, "--role ROLE", at))
    approval = next(one for one in at.gate.approvals if one.role == role)
    refused = _refused(approval, word, known.by, at)
    return _no(known, *refused) if refused else _approved(known, approval, word, why, at)


def no_gate(known: Decision, playbook: Playbook, history: History) -> Decision:
    """There is no gate ahead."""
    attempt = history.attempt
    if not playbook.stages:
        return _no(known, "no-gate", "this rollout has no stages, and so no gates")
    if attempt is not None and attempt.state == AttemptState.rolling_back:
        return _no(known, "no-gate", f"attempt {attempt.number} is being rolled back; no stage comes next")
    return _no(known, "no-gate", "it has passed its last gate; none comes after it")


def _refused(approval: Approval, word: GateAnswer, by: str, at: GateCase) -> tuple[str, str] | None:
    """Why nobody, or not this person, may approve now: a word and a sentence."""
    name = at.playbook.rollout
    if not word.token.may(approval.role):
        return (
            "wrong-role",
            f"{by}'s token may approve as {word.token.only!r} only; use one of {approval.role!r}",
        )
    if approval.four_eyes and by in at.own:
        text = f"{by} started the attempt or answered a question; somebody else must approve as {approval.role!r}"
        return "own-change", text
    answered = {said.question for said in at.answers if said.passed}
    left = [repr(question) for question in at.gate.questions if question not in answered]
    if left:
        text = f"an approval covers the answers, and these have no yes yet: {', '.join(left)}; answer first"
        return "not-ready", f"{text}: `handrail rollout check {name} --item NUMBER`"
    if word.seen and (len(word.seen) < SHORTEST_SEEN or not at.digest.startswith(word.seen)):
        text = f"the gate's digest is now {at.digest[:SEEN]}, not {word.seen}; look at the gate again"
        return "changed", f"{text}: `handrail rollout status {name}`"
    return None


def _approved(known: Decision, approval: Approval, word: GateAnswer, why: str, at: GateCase) -> Decision:
    until, gate = at.now + timedelta(seconds=approval.valid_for), at.gate
    said = Approved(
        number=at.history.speaks_of,
        into=gate.into,
        role=approval.role,
        by=known.by,
        at=at.now,
        until=until,
        digest=at.digest,
        token=word.token.token,
        note=why,
    )
    others = tuple(one for one in at.history.approved if (one.into, one.role) != (gate.into, approval.role))
    status = judge(replace(at, history=replace(at.history, approved=(*others, said))))
    missing = "; ".join(ask.text for ask in status.missing)
    text = f"{known.by} approved stage {gate.into} as {approval.role!r}, until {when(until)}{_noted(why)}"
    facts = {"role": approval.role, "until": until.isoformat(), "digest": at.digest, "note": why}
    return replace(
        known,
        verdict=Verdict.note,
        reason="approved",
        text=f"{text}; still missing: {missing}" if missing else text,
        changes=(said,),
        known={"approval": facts, "gate": status.facts()},
    )


def _one_of(known: Sequence[str], item: str) -> str | None:
    """The item that is meant: by its text, by its number, or because it is the only one."""
    if not item:
        return known[0] if len(known) == 1 else None
    if item in known:
        return item
    place = int(item) if item.isascii() and item.isdigit() and len(item) < 4 else 0
    return known[place - 1] if 0 < place <= len(known) else None


def _choose(what: str, known: Sequence[str], how: str, at: GateCase) -> str:
    if not known:
        return f"the gate into {at.gate.into} asks for no {what}"
    listed = "; ".join(f"{place}: {one}" for place, one in enumerate(known, 1))
    return f"say which {what} of the gate into {at.gate.into} you mean with {how}: {listed}"


def _noted(why: str) -> str:
    return f": {why}" if why else ""


def _no(known: Decision, reason: str, text: str) -> Decision:
    return replace(known, verdict=Verdict.refuse, reason=reason, text=text)
