"""What the evidence consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
