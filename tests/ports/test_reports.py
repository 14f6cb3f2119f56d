"""A life that is kept in either database → the daily and the weekly report, word by word."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from guarded.kept import Still
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.model import (
    IncidentEvent,
    Note,
    Verdict,
)
from handrail_receiver.reports.markdown import markdown
from handrail_receiver.reports.reporter import Reporter
from handrail_receiver.store import Store
from handrail_receiver.store.past_attempts import BEGAN
from ports.kept_week import BOOK, decided, lived
from ports.store_cases import LEASE
from receiver.reports.remembered import MONDAY, Remembered

GOLDEN = Path(__file__).parent / "golden"
SUNDAY = date(2026, 3, 8)
NOW = MONDAY + timedelta(days=7, hours=9)


@pytest.mark.anyio
async def test_a_week_is_reported_as_its_team_does(store: Store) -> None:
    await lived(store)
    report = await Reporter(store, Remembered(), Still(NOW)).report(BOOK, "weekly", None)
    assert markdown(report) == (GOLDEN / "weekly.md").read_text()


@pytest.mark.anyio
async def test_the_day_of_a_rollback_is_reported_as_its_team_does(store: Store) -> None:
    await lived(store)
    report = await Reporter(store, Remembered(), Still(NOW)).report(BOOK, "daily", date(2026, 3, 3))
    assert markdown(report) == (GOLDEN / "daily.md").read_text()


@pytest.mark.anyio
async def test_a_figure_of_a_part_of_the_time_says_so_and_one_without_data_is_unknown(store: Store) -> None:
    prometheus = Remembered(since=MONDAY + timedelta(days=5))
    report = await Reporter(store, prometheus, Still(NOW)).report(BOOK, "weekly", SUNDAY)
    (rps,) = _fields(report.sections, "Average RPS")
    assert rps.startswith("776,123 (guardrail error-rate; of 29 %")
    assert rps.endswith(" of the time only, data begin 2026-03-07 00:07:12 UTC)")
    older = await Reporter(store, prometheus, Still(NOW)).report(BOOK, "weekly", date(2026, 2, 20))
    assert _fields(older.sections, "Average RPS") == ["unknown: Prometheus has no data for this time"]


@pytest.mark.anyio
async def test_what_is_computed_of_partial_figures_says_so_as_well(store: Store) -> None:
    prometheus = Remembered(since=MONDAY + timedelta(days=5))
    report = await Reporter(store, prometheus, Still(NOW)).report(BOOK, "weekly", SUNDAY)
    since = "of the time only, data begin 2026-03-07 0"
    (failed, left) = _fields(report.sections, "Failed builds", "availability")
    assert failed == f"1 (triggered less successful; of 29 % {since}0:07:12 UTC)"
    assert left == f"40 % (of 99.9 % over 30d; of 7 % {since}1:12:00 UTC)"
    (builds,) = (table for one in report.sections for table in one.tables if "build" in table.title)
    assert [row[1] for row in builds.rows][-3:] == ["unknown", "1 failed", "1 failed"]


@pytest.mark.anyio
async def test_what_prometheus_does_not_answer_is_unknown_with_the_reason_and_what_the_store_knows_stays(
    store: Store,
) -> None:
    await lived(store)
    away = Retryable(Cause.unreachable, "Prometheus cannot be reached")
    report = await Reporter(store, Remembered(trouble=away), Still(NOW)).report(BOOK, "weekly", SUNDAY)
    assert (
        _fields(report.sections, "P95 latency", "Uptime", "Builds triggered")
        == ["unknown: Prometheus cannot be reached"] * 3
    )
    assert _fields(report.sections, "Deployments to production", "Rollbacks") == [
        "1 (2 attempts with users' traffic ended)",
        "1",
    ]


@pytest.mark.anyio
async def test_a_false_rollback_counts_and_stands_beside(store: Store) -> None:
    await lived(store)
    note = Note(1, IncidentEvent.noted, "the limit was wrong", {"false_rollback": True})
    await decided(store, NOW, note, attempt=1, verdict=Verdict.note)
    report = await Reporter(store, Remembered(), Still(NOW)).report(BOOK, "weekly", SUNDAY)
    assert _fields(report.sections, "Rollbacks", "Change fail rate", "False rollbacks") == [
        "1 (1 of them marked as false)",
        "50 % (1 of 2; without the 1 marked as false: 0 %)",
        "1 (as people marked them)",
    ]


@pytest.mark.anyio
async def test_a_week_that_is_not_over_says_how_far_it_is(store: Store) -> None:
    await store.memory.remember(BEGAN, MONDAY)
    report = await Reporter(store, Remembered(), Still(NOW)).report(BOOK, "weekly", date(2026, 3, 9))
    assert report.remarks == ("this time is not over: this is as of 2026-03-09 09:00 UTC",)


@pytest.mark.anyio
async def test_nothing_is_0_in_a_time_before_the_store_began_or_that_has_not_begun(store: Store) -> None:
    reporter = Reporter(store, Remembered(), Still(NOW))
    await store.memory.remember(BEGAN, NOW)
    for day, why, remark in (
        (SUNDAY, "the receiver's store begins later, 2026-03-09 09:00 UTC", "the receiver's store begins"),
        (date(2027, 1, 1), "this time has not begun", "this time has not begun"),
    ):
        report = await reporter.report(BOOK, "weekly", day)
        names = ("Deployments to production", "Rollbacks", "Deployment frequency", "False rollbacks")
        assert _fields(report.sections, *names) == [f"unknown: {why}"] * 4
        assert [one[: len(remark)] for one in report.remarks] == [remark]
        (incidents,) = (one for one in report.sections if one.title == "Incidents")
        assert incidents.lines == (f"unknown: {why}",)
        (releases,) = (one for each in report.sections for one in each.tables if "Releases" in one.title)
        assert releases.rows[-1][1] == "unknown"
    daily = await reporter.report(BOOK, "daily", SUNDAY)
    assert daily.title == "[CANARY] shop: status unknown"


@pytest.mark.anyio
async def test_attempts_of_a_time_are_those_that_were_under_way_in_it(store: Store) -> None:
    await lived(store)
    tuesday, friday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)
    found = [
        await store.past.within("shop", start, end)
        for start, end in ((tuesday, friday), (friday, NOW), (MONDAY, tuesday), (MONDAY - LEASE, MONDAY))
    ]
    assert [[one.attempt.number for one in some] for some in found] == [[1, 2], [2], [1], []]
    assert [(one.before, len(one.runs)) for one in found[0]] == [(0, 3), (found[0][0].attempt.id, 3)]


def _fields(sections: tuple[object, ...], *names: str) -> list[str]:
    known = {field.name: field.text for section in sections for field in section.fields}  # type: ignore[attr-defined]
    return [known[name] for name in names]
