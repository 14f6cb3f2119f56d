"""A playbook, daily or weekly, and a day → the Report: looked up in the store and asked of Prometheus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from handrail.contract import Playbook

from handrail_receiver.errors import TargetError
from handrail_receiver.model import EvidenceRecord, Verdict, in_force
from handrail_receiver.outside.prometheus_history import Recorded
from handrail_receiver.ports import Clock
from handrail_receiver.reports.composing import report_of
from handrail_receiver.reports.dora import figures_of
from handrail_receiver.reports.guardrail_values import GuardrailLine, guardrail_lines
from handrail_receiver.reports.measuring import Measuring, spread
from handrail_receiver.reports.outcomes import Outcome, Stay, before_first, outcomes
from handrail_receiver.reports.period import Kind, Period, newest_whole, period_with
from handrail_receiver.reports.report_input import DayFigures, ReportInput, StayFigures
from handrail_receiver.reports.report_tables import OF_A_DAY, OF_A_STAY
from handrail_receiver.reports.reported import Report
from handrail_receiver.store import Store
from handrail_receiver.view_models.guardrail_plots import range_question
from handrail_receiver.view_models.waiting import waits_for

WEEKS = 8
"""How many weeks the table of releases has."""
MOST_STAYS = 31
TOLD = frozenset({Verdict.act, Verdict.hold, Verdict.confirm, Verdict.tell})

GOES_ON = frozenset({"start", "promote", "retry", "resume", "adopt", "drill"})
"""What people decide who see no issue."""


@dataclass(frozen=True)
class Reporter:
    """Makes reports."""

    store: Store
    recorded: Recorded
    clock: Clock

    async def report(
        self, newest: Playbook, kind: Kind, day: date | None, due: datetime | None = None
    ) -> Report:
        """The report of the day, or of the week with it; without one of the last that is over.

        `due` is when it should have been made, where it is late. Raises what UNREADABLE lists.
        """
        now = self.clock.now().replace(microsecond=0)  # Prometheus' instants are exact to the millisecond
        facts = newest.report
        period = newest_whole(kind, now, facts) if day is None else period_with(kind, day, facts)
        known = await self._known(newest, period, now)
        return report_of(known, now - due if due is not None else None)

    async def _known(self, newest: Playbook, period: Period, now: datetime) -> ReportInput:
        until = min(max(now, period.start), period.end)
        week = period if period.kind == "weekly" else period_with("weekly", period.first, newest.report)
        since = week.before(WEEKS - 1).start
        attempts = await self.store.past.within(newest.rollout, since, until)
        records = await self.store.evidence.between(newest.rollout, since, now)
        incidents = await self.store.incidents.of(newest.rollout)
        all_, before = outcomes(attempts, records, incidents, newest, now), before_first(incidents)
        history = await self.store.attempts.history(newest.rollout, now)
        measuring = Measuring(self.recorded, newest, period.start, until)
        named = [one.name for one in newest.figures]
        weeks = [week.before(back) for back in reversed(range(WEEKS))]
        return ReportInput(
            playbook=newest,
            period=period,
            until=until,
            now=now,
            waits_for=waits_for(in_force(history.attempt, newest), history, None, now).text,
            outcomes=all_,
            counted=figures_of(all_, period.start, until, before),
            weeks=tuple((one, figures_of(all_, one.start, min(one.end, until), before)) for one in weeks),
            told=_told(records, period.start, until),
            figures=await measuring.figures(named, period.start, until),
            budgets=await measuring.budgets(),
            guardrails=await self._guardrails(newest, period, until),
            days=await _days(measuring, period, until),
            stays=await _stays(measuring, period, until, all_),
            kept_since=await self.store.past.kept_since() or now,
        )

    async def _guardrails(
        self, playbook: Playbook, period: Period, end: datetime
    ) -> tuple[GuardrailLine, ...] | str:
        """What each guardrail came to on a day; the weekly report has no place for it."""
        if period.kind == "weekly":
            return ()
        try:
            series = await self.recorded.series(range_question(playbook), spread(period.start, end))
        except TargetError as error:
            return str(error)
        return await asyncio.to_thread(guardrail_lines, playbook, series)


def _told(records: Sequence[EvidenceRecord], start: datetime, end: datetime) -> list[EvidenceRecord]:
    """The decisions that something was wrong: of alerts, of times that passed, of what changed by itself."""
    told_of = []
    for record in records:
        said = json.loads(record.body) if record.kind == "decision" else {}
        wrong = said.get("verdict") in TOLD and said.get("action") not in GOES_ON
        if wrong and start <= record.at < end:
            told_of.append(record)
    return told_of


async def _days(measuring: Measuring, period: Period, until: datetime) -> list[DayFigures]:
    """The figures of the table of builds, for each day that has begun."""
    if period.kind == "daily":
        return []
    days = [day for day in period.days if day.start < until]
    figures_of_days = [await measuring.figures(OF_A_DAY, day.start, min(day.end, until)) for day in days]
    return [DayFigures(day, figures) for day, figures in zip(days, figures_of_days, strict=True)]


async def _stays(
    measuring: Measuring, period: Period, until: datetime, all_: Sequence[Outcome]
) -> list[StayFigures]:
    """The figures of each stage on each day, of the newest MOST_STAYS."""
    parts = [
        (outcome, Stay(stay.stage, stay.weight, begins, ends))
        for day in period.days
        for outcome in all_
        for stay in outcome.stays
        if (begins := max(stay.start, day.start)) < (ends := min(stay.end, day.end, until))
        and ends - begins >= timedelta(seconds=1)
    ]
    return [
        StayFigures(outcome, stay, await measuring.figures(OF_A_STAY, stay.start, stay.end))
        for outcome, stay in parts[-MOST_STAYS:]
    ]
