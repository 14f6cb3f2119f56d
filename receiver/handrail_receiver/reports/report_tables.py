"""What is known of a rollout's time → the tables that teams keep: builds, performance, rollbacks, releases. Pure."""

from __future__ import annotations

from handrail_receiver.reports.dora import Figures
from handrail_receiver.reports.outcomes import Failure, Outcome
from handrail_receiver.reports.period import Period, day_of
from handrail_receiver.reports.report_input import DayFigures, ReportInput, StayFigures
from handrail_receiver.reports.reported import Table
from handrail_receiver.reports.weekly_form import (
    BUILD_TIME,
    COVERAGE,
    FAILED,
    IMAGE_SIZE,
    NO_STAGES,
    SUCCEEDED,
    TRIGGERED,
    facts_of,
    impact,
)
from handrail_receiver.reports.wording import cell, counted, lasted, local, percent

OF_A_DAY = (TRIGGERED, SUCCEEDED, FAILED, BUILD_TIME, "Unit tests passed", COVERAGE, IMAGE_SIZE)
OF_A_STAY = ("Average RPS", "P95 latency", "Error rate")
"""The figures that tables have for each day, and for each stage that an attempt was in."""


def build_table(known: ReportInput) -> Table:
    """A row for each day."""
    columns = ("Date", "Build status", "Duration", "Tests", "Coverage", "Docker size", "Notes")
    return Table("Daily build tracking", columns, tuple(_build_row(known, day) for day in known.days))


def _build_row(known: ReportInput, day: DayFigures) -> tuple[str, ...]:
    facts = facts_of(known)
    measured = (
        cell(name, facts, day.figures) for name in (BUILD_TIME, "Unit tests passed", COVERAGE, IMAGE_SIZE)
    )
    return str(day.period.first), _build_status(day), *measured, _day_note(known, day)


def _build_status(day: DayFigures) -> str:
    """How the builds of a day ended, as far as it is declared and known."""
    status = _ended(day)
    counts = [day.figures[name] for name in (TRIGGERED, SUCCEEDED, FAILED) if name in day.figures]
    least = min((one.part for one in counts if one.partial), default=None)
    return status if least is None or status == "unknown" else f"{status} (of {percent(least)} of the time)"


def _ended(day: DayFigures) -> str:
    values = {name: day.figures[name].value for name in (TRIGGERED, SUCCEEDED, FAILED) if name in day.figures}
    total, good, bad = values.get(TRIGGERED), values.get(SUCCEEDED), values.get(FAILED)
    if bad is None and total is not None and good is not None:
        bad = max(0.0, total - good)
    if bad is None:
        return "unknown"
    if not bad and not (good or total):
        return "no build"
    return f"{bad:.6g} failed" if round(bad) else "all succeeded"


def _day_note(known: ReportInput, day: DayFigures) -> str:
    """The stages that were entered on that day."""
    entered = [
        f"attempt {outcome.number} entered {stay.stage}"
        for outcome in known.outcomes
        for stay in outcome.stays
        if day.period.start <= stay.start < day.period.end
    ]
    return ", ".join(entered)


def performance_table(known: ReportInput) -> Table:
    """A row for each stage of an attempt on each day."""
    columns = ("Date", "Phase", "RPS", "P95 latency", "Error rate", "Notes")
    rows = tuple(_performance_row(known, one) for one in known.stays)
    return Table("Performance baseline", columns, rows, known.not_kept or "no attempt was under way")


def _performance_row(known: ReportInput, one: StayFigures) -> tuple[str, ...]:
    facts = facts_of(known)
    begins = local(one.stay.start, known.period.zone)[11:16]
    note = f"attempt {one.outcome.number}, from {begins} for {lasted(one.stay.end - one.stay.start)}"
    phase = "Staging" if one.stay.weight == 0 else one.stay.stage
    day = str(day_of(one.stay.start, known.period.zone))
    return day, phase, *(cell(name, facts, one.figures) for name in OF_A_STAY), note


def rollback_table(known: ReportInput) -> Table:
    """A row for each rollback."""
    columns = ("Date", "Trigger", "Duration", "Impact", "Cause", "Marked")
    rows = tuple(_rollback_row(known, one) for one in known.counted.failures)
    return Table("Rollback tracking", columns, rows, known.not_kept or "none")


def _rollback_row(known: ReportInput, one: Failure) -> tuple[str, ...]:
    cause = one.cause or "unknown: nobody has written it into the incident"
    marked = {None: "", True: "false rollback", False: "right"}[one.false]
    proved = "" if one.proved or one.restored is None else " (not proved)"
    at = local(one.began, known.period.zone)
    return at, one.trigger, f"{lasted(one.lasted)}{proved}", impact(one), cause, marked


def release_table(known: ReportInput) -> Table:
    """How many rollouts were completed in each week, this one last."""
    rows = [] if not known.playbook.stages else known.weeks
    return Table(
        "Releases per week",
        ("Week of", "Releases", "Which"),
        tuple(
            (str(week.first), _releases(known, week, made), ", ".join(map(_release, made.deployed)))
            for week, made in rows
        ),
        NO_STAGES,
    )


def _releases(known: ReportInput, week: Period, made: Figures) -> str:
    """How many; unknown of a week before the store began, or after now."""
    before = known.kept_since is not None and known.kept_since >= week.end
    return "unknown" if before or known.now < week.start else counted(len(made.deployed), "release")


def _release(one: Outcome) -> str:
    return f"attempt {one.number}" + (f" ({one.artifact})" if one.artifact else "")
