"""A report is sent once at its declared time, also after a restart or by two receivers, and is marked when it is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from guarded.playbook import write_playbook
from handrail.contract import Playbook, ReportFacts, Secret, Slack, Tell, WeeklyTime
from handrail_receiver.errors import Permanent
from handrail_receiver.model import Telling
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.reports.period import newest_whole
from handrail_receiver.reports.report_schedule import ReportSchedule, missed
from handrail_receiver.reports.reporter import Reporter
from handrail_receiver.store import Store
from handrail_receiver.store.past_attempts import BEGAN
from hypothesis import given
from hypothesis import strategies as st
from receiver.reports.remembered import MONDAY, Remembered, book

TO = Tell(Slack("#shop", token=Secret("SLACK_TOKEN")))
DAILY = ReportFacts(zone="Europe/Berlin", daily="08:30", tell=(TO,))
EIGHT = MONDAY + timedelta(hours=7, minutes=30)
"""Half past eight on Monday in Berlin."""


@dataclass
class Time:
    """A clock that is set by hand."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def schedule(store: Store, folder: Path, clock: Time, made: Playbook) -> ReportSchedule:
    playbooks = Playbooks(write_playbook(folder, made), lambda _: None)
    playbooks.refresh()
    return ReportSchedule(Reporter(store, Remembered(), clock), playbooks, "https://handrail.test")


async def wanted(store: Store, at: datetime) -> list[Telling]:
    return await store.tellings.due(at, at + timedelta(days=999))


def keys(tellings: Sequence[Telling]) -> list[str]:
    return sorted(one.incident for one in tellings)


@pytest.mark.anyio
async def test_it_is_wanted_once_at_its_time_whoever_looks_how_often(store: Store, tmp_path: Path) -> None:
    clock = Time(EIGHT - timedelta(hours=1))
    receivers = [schedule(store, tmp_path, clock, book(report=DAILY)) for _ in range(2)]
    for minutes in (0, 59, 60, 61, 300):
        clock.at = EIGHT - timedelta(hours=1) + timedelta(minutes=minutes)
        for receiver in receivers:
            await receiver.step()
    assert keys(await wanted(store, clock.at)) == ["shop/report/daily/2026-03-01"]


@pytest.mark.anyio
async def test_those_that_were_missed_are_made_up_for_and_are_late(store: Store, tmp_path: Path) -> None:
    clock = Time(EIGHT)
    await schedule(store, tmp_path, clock, book(report=DAILY)).step()
    clock.at += timedelta(days=3, hours=2)
    again = schedule(store, tmp_path, clock, book(report=DAILY))
    await again.step()
    await again.step()
    found = await wanted(store, clock.at)
    assert len(found) == 1  # one lane: the others wait for it
    message = await again.message(found[0])
    assert message.lines[0].text == "late: it was due 2026-03-03 08:30 CET"
    rows = await store.engine.read(lambda tx: tx.rows("SELECT incident FROM telling ORDER BY id"))
    assert [row["incident"][-10:] for row in rows] == ["2026-03-02", "2026-03-03", "2026-03-04"]


@pytest.mark.anyio
async def test_a_new_rollout_sends_nothing_about_the_time_before(store: Store, tmp_path: Path) -> None:
    clock = Time(EIGHT + timedelta(hours=5))
    await schedule(store, tmp_path, clock, book(report=DAILY)).step()
    assert await wanted(store, clock.at) == []


@pytest.mark.anyio
async def test_the_message_says_what_is_known_names_what_is_not_and_links_to_the_whole(
    store: Store, tmp_path: Path
) -> None:
    weekly = ReportFacts(weekly=WeeklyTime(day=0, at="09:00"), tell=(TO,))
    await store.memory.remember(BEGAN, MONDAY - timedelta(days=60))
    clock = Time(MONDAY)
    sender = schedule(store, tmp_path, clock, book(report=weekly))
    await sender.step()
    clock.at += timedelta(hours=9)
    await sender.step()
    (found,) = await wanted(store, clock.at)
    message = await sender.message(found)
    assert message.title == "Weekly metrics report: shop, week 2026-02-23 - 2026-03-01"
    assert [line.text for line in message.lines[:6]] == [
        "Build metrics:",
        "• Builds triggered: 21",
        "• Successful builds: 20 (95.2 %)",
        "• Failed builds: 1 (triggered less successful)",
        "• unknown: Average build time, Code coverage",
        "Test metrics:",
    ]
    assert message.links[0].url == "https://handrail.test/reports/weekly?rollout=shop&date=2026-03-01"
    assert message.html.startswith("<!doctype html>")
    assert "<h2>Build metrics</h2>" in message.html


@pytest.mark.anyio
async def test_a_rollout_that_is_declared_no_more_is_said(store: Store, tmp_path: Path) -> None:
    clock = Time(MONDAY)
    sender = schedule(store, tmp_path, clock, book())
    key = f"gone/report/daily/{date(2026, 3, 1)}"
    await store.tellings.want(key, "gone", [TO], MONDAY, once=True)
    (found,) = await wanted(store, MONDAY)
    with pytest.raises(Permanent, match="no playbook declares 'gone'"):
        await sender.message(found)


@pytest.mark.anyio
async def test_a_time_zone_that_nobody_knows_keeps_no_other_rollout_back(
    store: Store, tmp_path: Path
) -> None:
    clock = Time(EIGHT - timedelta(hours=1))
    unknown = book(rollout="a-shop", report=DAILY.model_copy(update={"zone": "Mars/Olympus"}))
    write_playbook(tmp_path, unknown)
    sender = schedule(store, tmp_path, clock, book(report=DAILY))
    await sender.step()
    clock.at = EIGHT
    await sender.step()
    assert keys(await wanted(store, EIGHT)) == ["shop/report/daily/2026-03-01"]


@given(
    since=st.floats(0, 16).map(lambda days: datetime(2026, 3, 20, tzinfo=UTC) + timedelta(days=days)),
    hours=st.floats(0, 150),
)
def test_whatever_the_clocks_do_each_day_that_was_missed_is_there_once(since: datetime, hours: float) -> None:
    now = since + timedelta(hours=hours)
    found = list(missed("daily", since, now, DAILY))
    assert all(since < at <= now for _, at in found)
    days = [period.first for period, _ in found]
    assert days == [days[0] - timedelta(days=place) for place in range(len(days))] if days else True
    assert len(found) in {int(hours // 24), int(hours // 24) + 1}
    assert not days or days[0] <= newest_whole("daily", now, DAILY).first
