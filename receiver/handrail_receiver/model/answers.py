"""What people said of a gate: their answers to its questions, and their approvals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Checked:
    """A person's answer to a question of the gate into a stage, in attempt `number`; the last one counts."""

    number: int
    into: str
    question: str
    passed: bool
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True)
class Approved:
    """A person's approval as `role` of what `digest` stands for, in attempt `number`, until an instant.

    `token` is the fingerprint of the token that was used: if that token is revoked, the approval no longer counts.
    """

    number: int
    into: str
    role: str
    by: str
    at: datetime
    until: datetime
    digest: str
    token: str
    note: str = ""
