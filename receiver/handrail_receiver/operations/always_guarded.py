"""A rollout without stages, rehearsed → its one attempt; or what people are told, once for each reason. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handrail.contract import Playbook

from handrail_receiver.model import Conditions, Decision, EvidenceRecord, History, SetHold, Verdict
from handrail_receiver.operations.call import Asked
from handrail_receiver.operations.call_decision import answer

HANDRAIL = "handrail"
LOOKED_BACK = 50
FOLLOWS = Asked("adopt", "handrail", "it has no stages and is always guarded")
BY_ITSELF = Asked("start", HANDRAIL, "it has no stages and is always guarded")


@dataclass(frozen=True)
class Said:
    """Why a rollout was not guarded when that was last said: the words, and the causes, which are compared."""

    at: datetime
    text: str
    causes: tuple[str, ...]


def last_said(records: Sequence[EvidenceRecord]) -> Said | None:
    """What people were told last, of the newest `records` of a rollout."""
    for record in reversed(records):
        body = json.loads(record.body) if record.kind == "decision" else {}
        if body.get("by") == HANDRAIL and "causes" in body:
            return Said(record.at, body["text"], tuple(body["causes"]))
    return None


def stand_guard(
    asked: Asked, playbook: Playbook, history: History, now: Conditions, said: Said | None
) -> Decision:
    """Begin, or say why not; nothing new where `said` says it already."""
    made = answer(asked, playbook, history, now)
    if made.verdict != Verdict.refuse:
        return made
    if history.attempt is not None or (said is not None and set(said.causes) == set(asked.causes)):
        return replace(made, verdict=Verdict.repeat)
    reasons = "; ".join((*asked.no_way_back, *asked.not_ready))
    cure = f'mend it, or say `handrail rollout start {playbook.rollout} --anyway --why "…"`'
    action = playbook.action("rollback")
    return replace(
        made,
        verdict=Verdict.tell,
        text=f"it is not guarded: {reasons}; {cure}",
        tell=action.tell if action else (),
        known={"causes": sorted(set(asked.causes))},
    )


def follow_newest(
    asked: Asked, newest: Playbook, history: History, now: Conditions, said: Said | None
) -> Decision:
    """Let the one attempt go by the newest playbook, or say once for each reason why it goes by the one before."""
    made = answer(asked, newest, history, now)
    if made.verdict != Verdict.refuse:
        return made
    if said is not None and set(said.causes) == set(asked.causes):
        return replace(made, verdict=Verdict.repeat)
    reasons = "; ".join(asked.no_way_back) or made.text
    cure = f'mend it, or say `handrail rollout adopt {newest.rollout} --anyway --why "…"`'
    action = newest.action("rollback")
    return replace(
        made,
        verdict=Verdict.tell,
        text=f"it goes by the playbook of its start, not by the newest: {reasons}; {cure}",
        tell=action.tell if action else (),
        known={"causes": sorted(set(asked.causes))},
    )


def playbook_gone(playbook: Playbook, history: History) -> Decision:
    """An attempt goes on without a file: people are told, and nothing is promoted until they have looked."""
    attempt = history.attempt
    cure = f"generate it again, or `handrail rollout abandon {playbook.rollout}`"
    text = f"its playbook is gone from the folder; the attempt goes on by its own copy: {cure}"
    action = playbook.action("hold")
    known = Decision(
        Verdict.repeat,
        "playbook-gone",
        text,
        rollout=playbook.rollout,
        action="hold",
        by=HANDRAIL,
        attempt=attempt.id if attempt else 0,
    )
    if attempt is None or not attempt.live or attempt.held == text:
        return known
    return replace(known, verdict=Verdict.tell, changes=(SetHold(text),), tell=action.tell if action else ())
