"""What is known of a rollout's week → the sections of the weekly metrics report, in the order of the teams' own form. Pure.

Every field of the form is there each time: one that nobody can know says so, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from handrail.contract import FigureFacts, names

from handrail_receiver.reports.measuring import Measured
from handrail_receiver.reports.outcomes import Failure
from handrail_receiver.reports.period import day_of
from handrail_receiver.reports.report_input import ReportInput
from handrail_receiver.reports.reported import Field, Section
from handrail_receiver.reports.wording import (
    counted,
    hours,
    lasted,
    local,
    made_of,
    measured_field,
    minutes,
    percent,
)

TRIGGERED, SUCCEEDED, FAILED = "Builds triggered", "Successful builds", "Failed builds"
BUILD_TIME, COVERAGE = "Average build time", "Code coverage"
IMAGE_SIZE = "Docker image size"
TESTS = (
    "Unit tests passed",
    "Integration tests passed",
    "Test execution time",
    "Critical tests",
)
PERFORMANCE = ("Average RPS", "P95 latency", "P99 latency", "Error rate", "Successful requests")
UPTIME = "Uptime"
UPCOMING = ("Next production release", "Next load test", "Next security scan")
BUILDS = (TRIGGERED, SUCCEEDED, FAILED, BUILD_TIME, COVERAGE)
OF_THE_FORM = frozenset({*BUILDS, *TESTS, *PERFORMANCE, UPTIME, IMAGE_SIZE})
NO_FAILURE = "nothing failed in this time"
NO_STAGES = "this rollout has no stages, so nothing says when something is deployed"


def facts_of(known: ReportInput) -> dict[str, FigureFacts]:
    """The figures that the playbook has, by name."""
    return {one.name: one for one in known.playbook.figures}


def build_section(known: ReportInput) -> Section:
    """Builds: whatever is declared of them."""
    facts, figures = facts_of(known), known.figures
    shown = (
        measured_field(TRIGGERED, facts, figures),
        _with_share(measured_field(SUCCEEDED, facts, figures), figures),
        _failed_builds(facts, figures),
        measured_field(BUILD_TIME, facts, figures),
        measured_field(COVERAGE, facts, figures),
    )
    return Section("Build metrics", shown)


def _with_share(field: Field, figures: Mapping[str, Measured]) -> Field:
    good, all_ = (figures[name].value if name in figures else None for name in (SUCCEEDED, TRIGGERED))
    if good is None or not all_:
        return field
    return Field(field.name, f"{field.value} ({percent(good / all_)})", note=field.note)


def _failed_builds(facts: Mapping[str, FigureFacts], figures: Mapping[str, Measured]) -> Field:
    """Declared, or what is left of the others where both are known."""
    good, all_ = (figures[name].value if name in figures else None for name in (SUCCEEDED, TRIGGERED))
    if FAILED in facts or good is None or all_ is None:
        return measured_field(FAILED, facts, figures)
    note = "; ".join(
        filter(None, ("triggered less successful", made_of(figures[SUCCEEDED], figures[TRIGGERED])))
    )
    return Field(FAILED, f"{max(0.0, all_ - good):.6g}", note=note)


def test_section(known: ReportInput) -> Section:
    """Tests: whatever is declared of them."""
    return Section(
        "Test metrics", tuple(measured_field(name, facts_of(known), known.figures) for name in TESTS)
    )


def deployment_section(known: ReportInput) -> Section:
    """What went out and came back."""
    made, stages = known.counted, known.playbook.stages
    staged = any(stage.weight == 0 for stage in stages)
    no_staging = "no stage is without users' traffic" if stages else NO_STAGES
    completed = f"{counted(len(made.ended), 'attempt')} with users' traffic ended"
    fields = (
        Field("Deployments to staging", str(made.to_staging) if staged else "", no_staging),
        Field("Deployments to production", str(len(made.deployed)) if stages else "", NO_STAGES, completed),
        Field("Rollbacks", str(len(made.failures)), note=_marked_false(known)),
        _recovery(known),
    )
    return Section("Deployment metrics", as_kept(known, *fields))


def as_kept(known: ReportInput, *fields: Field) -> tuple[Field, ...]:
    """What is counted of the store: unknown where that has kept nothing of this time."""
    return tuple(Field(one.name, unknown=known.not_kept) for one in fields) if known.not_kept else fields


def _marked_false(known: ReportInput) -> str:
    false = len(known.counted.false)
    return f"{false} of them marked as false" if false else ""


def _recovery(known: ReportInput) -> Field:
    made = known.counted
    why = "nothing of what failed is over" if made.failures else NO_FAILURE
    left = f"{made.unrestored} not over, and not in it" if made.unrestored else ""
    return Field("Mean time to recovery", minutes(made.mean_time_to_recovery), why, left)


def performance_section(known: ReportInput) -> Section:
    """Requests: how many, how fast, how many of them failed."""
    missing = "no guardrail measures it; declare it in Report(figures={…})"
    shown = [measured_field(name, facts_of(known), known.figures, missing=missing) for name in PERFORMANCE]
    return Section("Performance metrics", tuple(shown))


def reliability_section(known: ReportInput) -> Section:
    """Uptime, incidents, MTBF and MTTR."""
    made, no_slo = known.counted, "no objective is declared (slos=), nor a figure 'Uptime'"
    between = made.mean_time_between_failures
    uptime = measured_field(UPTIME, facts_of(known), known.figures, missing=no_slo)
    events = (
        Field("Incidents", str(len(made.incidents)), note=_marked_false(known)),
        Field("Mean time between failures", hours(between), NO_FAILURE),
        _recovery(known),
    )
    return Section("Reliability metrics", (uptime, *as_kept(known, *events)))


def budget_section(known: ReportInput) -> Section:
    """What is left of each error budget."""
    fields = []
    for one in known.playbook.objectives:
        left = known.budgets[one.name]
        text = "" if left.value is None else percent(left.value)
        note = "; ".join(filter(None, (f"of {one.objective * 100:.6g} % over {one.window}", made_of(left))))
        fields.append(Field(one.title, text, left.why, note))
    lines = () if fields else ("no objective is declared (slos=)",)
    return Section("Error budget left", tuple(fields), lines)


def dora_section(known: ReportInput) -> Section:
    """DORA's figures of what is delivered, by their definitions."""
    made, stages = known.counted, known.playbook.stages
    frequency, rate, true = made.per_day, made.change_fail_rate, made.fail_rate_without_false
    nothing = "no attempt with users' traffic ended in this time" if stages else NO_STAGES
    parts = f"{len(made.failed)} of {len(made.ended)}"
    if made.failed_falsely:
        without = "none is left" if true is None else percent(true)
        parts += f"; without the {made.failed_falsely} marked as false: {without}"
    per = "" if frequency is None or not stages else f"{float(frequency):.3g} per day"
    fields = (
        Field("Deployment frequency", per, NO_STAGES if not stages else "no time has passed"),
        Field("Change fail rate", "" if rate is None else percent(rate), nothing, parts),
        Field(
            "Failed deployment recovery time",
            minutes(made.recovery_time),
            "nothing of what failed is over" if made.failures else NO_FAILURE,
            "median",
        ),
        Field("False rollbacks", str(len(made.false)), note="as people marked them"),
    )
    return Section("DORA", as_kept(known, *fields))


def incident_section(known: ReportInput) -> Section:
    """Each incident with its impact."""
    lines = [_incident(known, one) for one in known.counted.incidents]
    none = f"unknown: {known.not_kept}" if known.not_kept else "none"
    return Section("Incidents", lines=tuple(lines) or (none,))


def _incident(known: ReportInput, one: Failure) -> str:
    name = f"{one.incident} (attempt {one.number})" if one.incident else f"attempt {one.number}"
    name += f", {one.severity}" if one.severity else ""
    took = "it is not over" if one.lasted is None else f"it took {lasted(one.lasted)}"
    false = "; marked as a false rollback" if one.false else ""
    at = local(one.began, known.period.zone)
    closed = "" if not one.incident else "; closed" if one.closed else "; open"
    return f"{name}, {at}: {one.action}: {one.trigger}; {impact(one)}; {took}{closed}{false}"


def impact(one: Failure) -> str:
    """What users had of it."""
    share = "unknown share of the traffic" if one.share is None else f"{percent(one.share)} of the traffic"
    failed = ", ".join(f"{count:,.0f} requests failed ({name})" for name, count in one.failed)
    said = [one.user_impact] if one.user_impact else []
    return "; ".join([share, failed or "failed requests unknown", *said])


def upcoming_section(known: ReportInput) -> Section:
    """What people declared of the time to come."""
    declared = dict(known.playbook.report.upcoming)
    today = day_of(known.until, known.period.zone)
    return Section(
        "Upcoming", tuple(_next(name, declared, today) for name in [*UPCOMING, *_others(declared)])
    )


def _others(declared: Mapping[str, str]) -> list[str]:
    return [name for name in declared if name not in UPCOMING]


def _next(name: str, declared: Mapping[str, str], today: date) -> Field:
    if name not in declared:
        return Field(name, unknown="not declared; write it into Report(upcoming={…})")
    if declared[name] in names.DAYS:
        ahead = (names.DAYS.index(declared[name]) - today.weekday()) % len(names.DAYS)
        return Field(name, (today + timedelta(days=ahead)).isoformat())
    if date.fromisoformat(declared[name]) < today:
        return Field(name, unknown=f"the declared day, {declared[name]}, is past")
    return Field(name, declared[name])


def other_section(known: ReportInput) -> Section | None:
    """The declared figures that the form has no field for."""
    others = [one.name for one in known.playbook.figures if one.name not in OF_THE_FORM]
    fields = [measured_field(name, facts_of(known), known.figures) for name in others]
    return Section("Other figures", tuple(fields)) if fields else None
