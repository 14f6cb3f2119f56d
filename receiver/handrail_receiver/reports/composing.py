"""What is known of a day or a week → the Report: the sections in the order of the teams' own forms. Pure."""

from __future__ import annotations

from datetime import timedelta

from handrail_receiver.reports import daily_status, report_tables, weekly_form
from handrail_receiver.reports.known import Known
from handrail_receiver.reports.reported import Report, Section
from handrail_receiver.reports.wording import local


def report_of(known: Known, late: timedelta | None = None) -> Report:
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


def _remarks(known: Known, late: timedelta | None) -> list[str]:
    remarks = [f"late: it was due {local(known.now - late, known.period.zone)}"] if late else []
    if known.until < known.period.end:
        remarks.append(
            f"its time is not over: this is how it stands at {local(known.until, known.period.zone)}"
        )
    return remarks


def _weekly(known: Known) -> list[Section]:
    other = weekly_form.other_section(known)
    return [
        weekly_form.build_section(known),
        weekly_form.test_section(known),
        weekly_form.deployment_section(known),
        weekly_form.performance_section(known),
        weekly_form.reliability_section(known),
        weekly_form.incident_section(known),
        weekly_form.upcoming_section(known),
        weekly_form.dora_section(known),
        weekly_form.budget_section(known),
        *([other] if other else []),
        Section(
            "Tables",
            tables=(
                report_tables.build_table(known),
                report_tables.performance_table(known),
                report_tables.rollback_table(known),
                report_tables.release_table(known),
            ),
        ),
    ]


def _daily(known: Known) -> list[Section]:
    other = weekly_form.other_section(known)
    return [
        daily_status.status_section(known),
        daily_status.metrics_section(known),
        daily_status.issues_section(known),
        daily_status.next_section(known),
        daily_status.dashboard_section(known),
        weekly_form.deployment_section(known),
        weekly_form.performance_section(known),
        weekly_form.reliability_section(known),
        weekly_form.incident_section(known),
        weekly_form.dora_section(known),
        weekly_form.budget_section(known),
        *([other] if other else []),
        Section(
            "Tables", tables=(report_tables.performance_table(known), report_tables.rollback_table(known))
        ),
    ]
