"""A report: who it is about, of which time, and its sections of fields and tables, in the order in which teams report them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handrail_receiver.reports.period import Kind


@dataclass(frozen=True)
class Field:
    """A line of a report. `value` is empty where nobody can know it, and `unknown` says why then; `note` says more."""

    name: str
    value: str = ""
    unknown: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """What stands behind its name."""
        if not self.value:
            return f"unknown: {self.unknown}"
        return f"{self.value} ({self.note})" if self.note else self.value


@dataclass(frozen=True)
class Table:
    """Rows under columns; `empty` is what stands in its place where there are none."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "none"


@dataclass(frozen=True)
class Section:
    """Fields, lines of text and tables under one title."""

    title: str
    fields: tuple[Field, ...] = ()
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Report:
    """What happened to a rollout from `start` up to `end`; `until` is how far it was over when it was made.

    `remarks` are what must be known to read it: that its time is not over, that it is late.
    """

    kind: Kind
    rollout: str
    service: str
    title: str
    zone: str
    start: datetime
    end: datetime
    until: datetime
    made_at: datetime
    remarks: tuple[str, ...]
    sections: tuple[Section, ...]
