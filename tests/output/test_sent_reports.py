"""What changes for production when a report does: its time, who gets it, its figures."""

from __future__ import annotations

from handrail.contract import ReportFacts, WeeklyTime
from handrail.declare import (
    Environment,
    Guardrail,
    Increase,
    Mail,
    Ratio,
    Report,
    Rollout,
    Secret,
    Slack,
    Tell,
)
from handrail.lower import lower
from handrail.output.diff.sent_reports import reported

LINK = "link to the dashboard shop, https://grafana.example.com/d/shop"


def lines(report: Report | None) -> tuple[str, ...]:
    """A rollout's lines, as they stand in its playbook."""
    guardrail = Guardrail("errors", Ratio(bad="failed_total", of="all_total"))
    rollout = Rollout("shop", "shop", guardrails=[guardrail], report=report or Report())
    return reported(lower([rollout], Environment("test")).rollouts[0].playbook.model_dump(mode="json"))


def test_each_report_has_its_time_its_zone_and_who_gets_it() -> None:
    mail = Mail("team@example.com", sender="handrail@example.com", smarthost="mail:587")
    report = Report(
        zone="Europe/Berlin",
        daily="08:30",
        weekly="Mon 09:00",
        tell=[Tell(Slack("#shop", token=Secret("T"))), Tell(mail)],
        figures={"Builds triggered": Increase("builds_total", window="5m")},
        upcoming={"Next load test": "2026-12-10"},
    )
    assert lines(report) == (
        "daily at 08:30 (Europe/Berlin) to slack #shop",
        "weekly at Mon 09:00 (Europe/Berlin) to slack #shop",
        "daily at 08:30 (Europe/Berlin) to mail team@example.com",
        "weekly at Mon 09:00 (Europe/Berlin) to mail team@example.com",
        "Builds triggered: sum(increase(builds_total[${span}]))",
        "Next load test: 2026-12-10",
        LINK,
    )


def test_what_is_not_declared_has_no_line_but_the_dashboard_s_and_an_older_playbook_has_none() -> None:
    assert (lines(None), reported({})) == ((LINK,), ())


def test_where_nothing_is_sent_the_zone_still_counts() -> None:
    facts = ReportFacts(zone="Asia/Tokyo", weekly=WeeklyTime(day=0, at="09:00"))
    assert reported({"report": facts.model_dump(mode="json")}) == ("days begin in Asia/Tokyo",)


def test_the_form_of_a_team_has_a_line_for_each_list() -> None:
    report = Report(daily_sections=["Status", "Issues"], weekly_sections=["DORA"])
    assert lines(report) == ("daily: Status, Issues", "weekly: DORA", LINK)
