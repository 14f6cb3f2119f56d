"""The evidence → a timeline that people read. The records themselves stay at /api/rollouts/{name}/evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail_receiver.model import EvidenceRecord
from handrail_receiver.status.standing import TONES, Tone

VERDICTS: dict[str, tuple[str, Tone]] = {
    "act": ("decided", "calm"),
    "confirm": ("asks again first", "wait"),
    "hold": ("held", "wait"),
    "tell": ("told people", "bad"),
    "shadow": ("shadow", "soft"),
    "note": ("noted", "soft"),
    "refuse": ("refused", "wait"),
}


@dataclass(frozen=True)
class Entry:
    """One line: what kind of thing happened, to what, in words."""

    number: int
    at: datetime
    word: str
    tone: Tone
    subject: str
    text: str


def timeline(records: Sequence[EvidenceRecord]) -> list[Entry]:
    """Newest first."""
    return [_entry(record) for record in reversed(records)]


def _entry(record: EvidenceRecord) -> Entry:
    said: dict[str, Any] = json.loads(record.body)
    match record.kind:
        case "decision":
            word, tone = VERDICTS.get(said["verdict"], (str(said["verdict"]), "soft"))
            by = "" if said["by"] == "alert" else f" (asked by {said['by']})"
            return _line(record, word, tone, _about(said), f"{said['text']}{by}")
        case "step":
            place = f"{_run(said)}, step {said['step'] + 1}"
            return _line(record, said["state"], TONES.get(said["state"], "soft"), place, said["found"])
        case "outcome":
            return _line(
                record, said["outcome"], TONES.get(said["outcome"], "soft"), _run(said), said["text"]
            )
        case _:
            text = ", ".join(f"{name}: {value}" for name, value in said.items())
            return _line(record, record.kind, "soft", "", text)


def _line(record: EvidenceRecord, word: str, tone: Tone, subject: str, text: str) -> Entry:
    return Entry(record.number, record.at, word, tone, subject, text)


def _about(said: dict[str, Any]) -> str:
    """What a decision is about: the alert it follows from, or what was asked for."""
    if said["guardrail"]:
        return f"{said['guardrail']} {said['tier']}"
    return str(said["action"])


def _run(said: dict[str, Any]) -> str:
    """`promote 50%`, `rollback, once more`."""
    again = ", once more" if said["round"] else ""
    return f"{said['action']} {said['key']}".rstrip() + again
