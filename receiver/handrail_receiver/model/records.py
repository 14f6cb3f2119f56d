"""A record of the evidence, and what the newest of them say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

HANDRAIL = "handrail"
"""Who asks for what Handrail does by itself."""

LOOKED_BACK = 50
"""How many of the newest records are read for what people were told last."""


RECORDS_METRIC, HEAD_METRIC = "handrail_evidence_records", "handrail_evidence_head"
"""The end of a rollout's chain as a metric: the number of its newest record, and the figure of that one's hash."""


def head_figure(hashed: str) -> float:
    """The first 52 bits of a hash: so many a metric's value holds exactly."""
    return float(int(hashed[:13], 16)) if hashed else 0.0


@dataclass(frozen=True)
class EvidenceRecord:
    """One link of a rollout's chain: `hash` covers all other fields, `previous` included."""

    number: int
    at: datetime
    rollout: str
    kind: str
    body: str
    previous: str
    hash: str


@dataclass(frozen=True)
class LastTold:
    """What people were told last of a rollout without stages: the words, and the causes, which are compared."""

    at: datetime
    text: str
    causes: tuple[str, ...]


def last_told(records: Sequence[EvidenceRecord]) -> LastTold | None:
    """What people were told last, of the newest `records` of a rollout without stages."""
    for record in reversed(records):
        body = json.loads(record.body) if record.kind == "decision" else {}
        if body.get("by") == HANDRAIL and "causes" in body:
            return LastTold(record.at, body["text"], tuple(body["causes"]))
    return None
