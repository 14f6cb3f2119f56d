"""All that was looked up for one report: what the forms of its sections are filled from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from handrail.contract import Playbook

from handrail_receiver.model import EvidenceRecord
from handrail_receiver.reports.dora import Figures
from handrail_receiver.reports.guardrail_values import GuardrailLine
from handrail_receiver.reports.measuring import Measured
from handrail_receiver.reports.outcomes import Outcome, Stay
from handrail_receiver.reports.period import Period
from handrail_receiver.reports.wording import local


@dataclass(frozen=True)
class DayFigures:
    """The figures of one day."""

    period: Period
    figures: Mapping[str, Measured]


@dataclass(frozen=True)
class StayFigures:
    """The figures of that part of one day in which an attempt was in one stage."""

    outcome: Outcome
    stay: Stay
    figures: Mapping[str, Measured]


@dataclass(frozen=True)
class ReportInput:
    """`until` is the end of the period, or now where that is earlier; `waits_for` is what it waits for now.

    `outcomes` are those of the period and of the weeks before; `told` are the decisions of the period that people heard
    of. `kept_since` is when the store began (None: long before). `guardrails` is why they could not be asked for, where it is a text.
    """

    playbook: Playbook
    period: Period
    until: datetime
    now: datetime
    waits_for: str
    outcomes: tuple[Outcome, ...]
    counted: Figures
    weeks: tuple[tuple[Period, Figures], ...]
    told: Sequence[EvidenceRecord]
    figures: Mapping[str, Measured]
    budgets: Mapping[str, Measured]
    guardrails: tuple[GuardrailLine, ...] | str
    days: Sequence[DayFigures] = ()
    stays: Sequence[StayFigures] = field(default=())
    kept_since: datetime | None = None

    @property
    def not_kept(self) -> str:
        """Why nobody can count what happened in this time; empty where the store kept some of it."""
        if self.now < self.period.start:
            return "this time has not begun"
        if self.kept_since is not None and self.kept_since >= self.until:
            return f"the receiver's store begins later, {local(self.kept_since, self.period.zone)}"
        return ""
