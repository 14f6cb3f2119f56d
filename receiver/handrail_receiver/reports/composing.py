"""What is known of a day or a week → the Report: the sections in the order of the teams' own forms. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from handrail_receiver.reports import daily_status, report_tables, weekly_form
from handrail_receiver.reports.report_input import ReportInput
from handrail_receiver.reports.reported import Report, Section
from handrail_receiver.reports.wording import local


def report_of(known: ReportInput, late: timedelta | None = None) -> Report:
    """The report; `late` is how much later than declared it is made, None where it is not late."""
    weekly = known.period.kind == "weekly"
    last = f"{known.period.first} - {known.period.last}"
    return Report(
        kind=known.period.kind,
        rollout=known.playbook.rollout,
        service=known.playbook.service,
        title=f"Weekly metrics report: {known.playbook.rollout}, week {last}"
        if weekly
        else daily_status.subject(known),
        zone=known.period.zone,
        start=known.period.start,
        end=known.period.end,
        until=known.until,
        made_at=known.now,
        remarks=tuple(_remarks(known, late)),
        sections=tuple(_weekly(known) if weekly else _daily(known)),
    )


def _remarks(known: ReportInput, late: timedelta | None) -> list[str]:
    remarks = [f"late: it was due {local(known.now - late, known.period.zone)}"] if late else []
    if known.now < known.period.start:
        return [*remarks, "this time has not begun"]
    if known.until < known.period.end:
        remarks.append(f"this time is not over: this is as of {local(known.until, known.period.zone)}")
    if known.kept_since is not None and known.kept_since > known.period.start:
        begins = local(known.kept_since, known.period.zone)
        remarks.append(
            f"the receiver's store begins {begins}: what happened before is unknown, and not counted"
        )
    return remarks


def _weekly(known: ReportInput) -> list[Section]:
    return _shown(
        known,
        known.playbook.report.weekly_sections,
        {
            "Build metrics": weekly_form.build_section,
            "Test metrics": weekly_form.test_section,
            "Deployment metrics": weekly_form.deployment_section,
            "Performance metrics": weekly_form.performance_section,
            "Reliability metrics": weekly_form.reliability_section,
            "Incidents": weekly_form.incident_section,
            "Upcoming": weekly_form.upcoming_section,
            "DORA": weekly_form.dora_section,
            "Error budget left": weekly_form.budget_section,
            "Other figures": weekly_form.other_section,
            "Tables": _weekly_tables,
        },
    )


def _daily(known: ReportInput) -> list[Section]:
    return _shown(
        known,
        known.playbook.report.daily_sections,
        {
            "Status": daily_status.status_section,
            "Metrics": daily_status.metrics_section,
            "Issues": daily_status.issues_section,
            "Next steps": daily_status.next_section,
            "Dashboard": daily_status.dashboard_section,
            "Deployment metrics": weekly_form.deployment_section,
            "Performance metrics": weekly_form.performance_section,
            "Reliability metrics": weekly_form.reliability_section,
            "Incidents": weekly_form.incident_section,
            "DORA": weekly_form.dora_section,
            "Error budget left": weekly_form.budget_section,
            "Other figures": weekly_form.other_section,
            "Tables": _daily_tables,
        },
    )


S = TypeVar("S", bound=str)


def _shown(
    known: ReportInput, declared: Sequence[S], sections: Mapping[S, Callable[[ReportInput], Section | None]]
) -> list[Section]:
    """The declared sections in their order, else all; one that has nothing to say is left out."""
    made = (sections[name](known) for name in declared or sections)
    return [one for one in made if one is not None]


def _weekly_tables(known: ReportInput) -> Section:
    tables = (
        report_tables.build_table(known),
        report_tables.performance_table(known),
        report_tables.rollback_table(known),
        report_tables.release_table(known),
    )
    return Section("Tables", tables=tables)


def _daily_tables(known: ReportInput) -> Section:
    return Section(
        "Tables", tables=(report_tables.performance_table(known), report_tables.rollback_table(known))
    )
