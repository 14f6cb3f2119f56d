"""Who is to be told of an incident, and the result: what the messenger and the store exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from handrail.contract import Tell

EVERYBODY = "emergency-rollback"
"""The action whose people hear what everybody must hear."""


_CHECK = "/check/"
"""Stands in no name of a rollout."""


def check_key(rollout: str, number: int) -> str:
    """What a message about a check or a load burst is known by: the number of its record."""
    return f"{rollout}{_CHECK}{number}"


def check_of(key: str) -> int | None:
    """The record of the check or load burst that a message is about; None where it is about something else."""
    _, mark, number = key.rpartition(_CHECK)
    return int(number) if mark else None


_REPORT = "/report/"


def report_key(rollout: str, kind: str, last: date) -> str:
    """What a report is known by: daily or weekly, and its last day."""
    return f"{rollout}{_REPORT}{kind}/{last}"


def report_of(key: str) -> tuple[str, date] | None:
    """The kind and the last day of the report that a message is; None where it is about something else."""
    _, mark, rest = key.rpartition(_REPORT)
    kind, _, day = rest.partition("/")
    return (kind, date.fromisoformat(day)) if mark else None


@dataclass(frozen=True)
class Untold:
    """Others who should know of the same incident and cannot be told: who, why, and since when."""

    tell: Tell
    problem: str
    since: datetime


@dataclass(frozen=True)
class Telling:
    """Somebody who is to be told of an incident; `version` is the state of it that they should know.

    `opens`: they do not know yet that it was opened. `elsewhere`: others are told because these cannot be.
    """

    id: int
    incident: str
    rollout: str
    attempt: int
    tell: Tell
    receipt: str
    version: int
    tries: int
    opens: bool
    elsewhere: bool
    untold: tuple[Untold, ...] = ()


@dataclass(frozen=True)
class TellResult:
    """The result of telling somebody: the receipt; or why it failed, and when to try again (None: never).

    `only_opened`: they know that it was opened, and the present state is still to be told. `elsewhere` are people who
    are told now because these cannot be (None: nobody yet).
    """

    receipt: str
    problem: str = ""
    again_at: datetime | None = None
    only_opened: bool = False
    elsewhere: tuple[Tell, ...] | None = None
