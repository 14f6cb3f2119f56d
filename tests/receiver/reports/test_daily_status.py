"""The status of a day: whatever was broken in it is said, also where it began the evening before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from handrail.contract import Gate, StageFacts
from handrail_receiver.reports.daily_status import planned_days, status, subject
from handrail_receiver.reports.dora import figures_of
from handrail_receiver.reports.guardrail_values import GuardrailLine
from handrail_receiver.reports.outcomes import Failure, Outcome
from handrail_receiver.reports.period import Period
from handrail_receiver.reports.report_input import ReportInput

from .remembered import book

DAY = Period("daily", "UTC", date(2026, 3, 3), date(2026, 3, 3))
EVENING = DAY.start - timedelta(hours=1)


SEEN = (GuardrailLine("error-rate", "Failed requests", "0.3 % on average", "below 1 %"),)


def of_a_day(restored: datetime | None, guardrails: tuple[GuardrailLine, ...] | str = SEEN) -> str:
    """The status of the day of an attempt that broke on the evening before, and of which nobody was told in the day."""
    failure = Failure(1, "rollback", "error-rate/critical", "10%", EVENING, restored)
    one = Outcome(1, "", EVENING, restored, "rolled back" if restored else "under way", (), failure)
    known = known_of(one, guardrails)
    return status(known, one).text


def known_of(one: Outcome, guardrails: tuple[GuardrailLine, ...] | str = SEEN) -> ReportInput:
    return ReportInput(
        playbook=book(),
        period=DAY,
        until=DAY.end,
        now=DAY.end,
        waits_for="",
        outcomes=(one,),
        counted=figures_of([one], DAY.start, DAY.end),
        weeks=(),
        told=(),
        figures={},
        budgets={},
        guardrails=guardrails,
    )


@pytest.mark.parametrize(
    ("restored", "said"),
    [
        (None, "🚨 Rollback Required: it is not over"),
        (DAY.start + timedelta(hours=2), "🚨 Rollback Required: done in 3 h"),
        (EVENING + timedelta(minutes=5), "✅ On Track"),
    ],
)
def test_a_day_is_not_on_track_while_the_failure_of_the_evening_before_lasts(
    restored: datetime | None, said: str
) -> None:
    assert of_a_day(restored) == said


@pytest.mark.parametrize(
    ("guardrails", "said"),
    [
        (SEEN, "✅ On Track"),
        ((replace(SEEN[0], text=""),), "⚠️ Issues Detected: not every guardrail could be seen"),
        ((), "✅ On Track: nothing fired; no success criterion is declared"),
        ("no Prometheus is set", "unknown: nothing fired; no Prometheus is set"),
    ],
    ids=["seen", "not seen", "no criterion", "not asked"],
)
def test_a_day_is_on_track_only_by_what_could_be_seen(
    guardrails: tuple[GuardrailLine, ...] | str, said: str
) -> None:
    assert of_a_day(EVENING + timedelta(minutes=5), guardrails) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [(1, "Day 2/3"), (2, "Day 3/3"), (3, "Day 4 (planned: 3)")],
)
def test_a_day_beyond_the_plan_is_no_part_of_it(days: int, said: str) -> None:
    began = DAY.end - timedelta(days=days, hours=1)
    one = Outcome(1, "", began, None, "under way", ())
    assert subject(known_of(one)) == f"[CANARY] {said} - shop Status"


def test_a_stage_lasts_as_long_as_the_gate_ahead_asks_for_rest() -> None:
    day = timedelta(days=1).total_seconds()
    stages = tuple(StageFacts(name=name, weight=None, bake=bake) for name, bake in (("a", day), ("b", None)))
    short = book().model_copy(update={"stages": stages, "gates": ()})
    assert planned_days(short) == 1
    rest = (Gate(into="b", stable_for=2 * day), Gate(into="complete", stable_for=day / 2))
    assert planned_days(short.model_copy(update={"gates": rest})) == 3
    assert planned_days(short.model_copy(update={"stages": stages[1:]})) is None
