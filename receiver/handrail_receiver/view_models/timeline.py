"""The evidence → a timeline that people read. The records themselves stay at /api/rollouts/{name}/evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail_receiver.model import EvidenceRecord, Run
from handrail_receiver.view_models.summary import TONES, Tone
from handrail_receiver.words.steps import told, what
from handrail_receiver.words.whose import asked_by, whose

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


def timeline(records: Sequence[EvidenceRecord], runs: Sequence[Run]) -> list[Entry]:
    """Newest first. `runs` are those whose steps can be called by what they do; others go by their kind."""
    steps = {
        (run.attempt, run.action, run.key, run.round, effect.position): what(effect.step)
        for run in runs
        for effect in run.effects
    }
    return [_entry(record, steps) for record in reversed(records)]


def _entry(record: EvidenceRecord, steps: Mapping[tuple[int, str, str, int, int], str]) -> Entry:
    said: dict[str, Any] = json.loads(record.body)
    match record.kind:
        case "decision":
            word, tone = VERDICTS.get(said["verdict"], (str(said["verdict"]), "soft"))
            text = str(said["text"])
            return _line(record, word, tone, _about(said), f"{text}{asked_by(str(said['by']), text)}")
        case "step":
            place = (said["attempt"], said["action"], said["key"], said["round"], said["step"])
            named = said.get("what") or steps.get(place, said["kind"])  # records from before have no `what`
            tone = TONES.get(said["state"], "soft")
            return _line(record, said["state"], tone, _run(said), told(named, said["found"]))
        case "outcome":
            return _line(
                record, said["outcome"], TONES.get(said["outcome"], "soft"), _run(said), said["text"]
            )
        case "incident":
            text = whose(str(said["by"]), str(said["text"]))
            return _line(record, "incident", "calm", said["event"], text)
        case "snapshot" | "check":
            about = f"record{'s' if len(said['of']) > 1 else ''} {_listed(said['of'])}" if said["of"] else ""
            text = ": ".join(filter(None, [said.get("why", ""), said["text"]]))
            return _line(record, record.kind, "soft", about, text)
        case "burst":
            return _line(record, "load burst", "soft" if said["ok"] else "bad", said["stage"], said["text"])
        case _:
            text = ", ".join(f"{name}: {value}" for name, value in said.items())
            return _line(record, record.kind, "soft", "", text)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


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
