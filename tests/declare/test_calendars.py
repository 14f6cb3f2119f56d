"""A calendar file → its freezes, or what is reported where it cannot be read as intended."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from handrail.declare import Environment, Freeze
from handrail.declare.calendars import Span, events_of
from handrail.loading.load import load
from handrail.lower import lower
from pydantic import ValidationError

HOURS = "%Y-%m-%d %H:%M"


def written(at: Path, *events: str, before: str = "") -> Path:
    """A calendar with these events, in the folder that is returned."""
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{before}{body}END:VCALENDAR\n"
    (at / "freezes.ics").write_text(text.replace("\n", "\r\n"), encoding="utf-8")
    return at


def read(at: Path, *events: str, until: date | None = None, before: str = "") -> list[str]:
    """`from - to why`, in UTC; what has no zone is in Berlin."""
    spans = events_of(written(at, *events, before=before), "freezes.ics", "Europe/Berlin", until)
    return [f"{one.begins:{HOURS}} - {one.ends:{HOURS}} {one.why}".rstrip() for one in spans]


ZONE = """\
BEGIN:VTIMEZONE
TZID:Ours
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE
"""


@pytest.mark.parametrize(
    ("event", "freezes"),
    [
        ("UID:1\nSUMMARY:Sale\nDTSTART:20261127T180000Z\nDTEND:20261127T200000Z", ["2026-11-27 18:00 - 2026-11-27 20:00 Sale"]),
        ("UID:1\nDTSTART;TZID=America/New_York:20260701T090000\nDURATION:PT90M", ["2026-07-01 13:00 - 2026-07-01 14:30"]),
        ("UID:1\nDTSTART;TZID=Ours:20260701T090000\nDURATION:PT1H", ["2026-07-01 06:00 - 2026-07-01 07:00"]),
        ("UID:1\nDTSTART:20260701T090000\nDURATION:PT1H", ["2026-07-01 07:00 - 2026-07-01 08:00"]),
        ("UID:1\nDTSTART;VALUE=DATE:20261220\nDTEND;VALUE=DATE:20261222", ["2026-12-19 23:00 - 2026-12-21 23:00"]),
        ("UID:1\nDTSTART;VALUE=DATE:20261220", ["2026-12-19 23:00 - 2026-12-20 23:00"]),
        ("UID:1\nDTSTART;VALUE=DATE:20261220\nTRANSP:TRANSPARENT", ["2026-12-19 23:00 - 2026-12-20 23:00"]),
        ("UID:1\nDTSTART;VALUE=DATE:20261220\nSTATUS:CANCELLED", []),
    ],
    ids=["UTC", "zone", "zone of the file", "no zone", "days", "a day", "free", "cancelled"],
)  # fmt: skip
def test_an_event_is_a_freeze(tmp_path: Path, event: str, freezes: list[str]) -> None:
    assert read(tmp_path, event, before=ZONE) == freezes


def test_what_repeats_is_written_out_by_the_clocks_of_its_zone(tmp_path: Path) -> None:
    weekly = "UID:1\nSUMMARY:Friday\nDTSTART;TZID=Europe/Berlin:20261016T160000\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20261023T160000"
    moved = "UID:1\nSUMMARY:Moved\nRECURRENCE-ID;TZID=Europe/Berlin:20261030T160000\nDTSTART;TZID=Europe/Berlin:20261029T160000\nDURATION:PT2H"
    gone = "UID:1\nRECURRENCE-ID;TZID=Europe/Berlin:20261106T160000\nDTSTART;TZID=Europe/Berlin:20261106T160000\nDURATION:PT2H\nSTATUS:CANCELLED"
    assert read(tmp_path, weekly) == [
        "2026-10-16 14:00 - 2026-10-16 16:00 Friday",
        "2026-10-30 15:00 - 2026-10-30 17:00 Friday",
        "2026-11-06 15:00 - 2026-11-06 17:00 Friday",
    ]
    assert read(tmp_path, weekly, moved, gone) == [
        "2026-10-16 14:00 - 2026-10-16 16:00 Friday",
        "2026-10-29 15:00 - 2026-10-29 17:00 Moved",
    ]


def test_what_repeats_without_an_end_is_read_up_to_a_day(tmp_path: Path) -> None:
    yearly = "UID:1\nDTSTART;VALUE=DATE:20241224\nDTEND;VALUE=DATE:20241227\nRRULE:FREQ=YEARLY"
    assert read(tmp_path, yearly, until=date(2025, 12, 24)) == [
        "2024-12-23 23:00 - 2024-12-26 23:00",
        "2025-12-23 23:00 - 2025-12-26 23:00",
    ]


@pytest.mark.parametrize(
    ("event", "refusal"),
    [
        ("UID:a1\nDTSTART;TZID=Nowhere/City:20261220T180000\nDURATION:PT1H", "freezes.ics:5: event a1: DTSTART has the time zone 'Nowhere/City', which the file does not define and which is not known; write one like Europe/Berlin"),
        ("UID:a1\nDTSTART:soon\nDURATION:PT1H", "freezes.ics:5: event a1: DTSTART cannot be read (Expected datetime, date, or time. Got: 'soon'); correct it"),
        ("UID:a1\nDTSTART:20261220T180000Z\nDURATION:PT1H\nRRULE:FREQ=SOMETIMES", "freezes.ics:5: event a1: RRULE cannot be read (Expected frequency, got: SOMETIMES); correct it"),
        ("UID:a1\nDTSTART:20261220T180000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY", "freezes.ics:5: event a1 repeats without an end; write up to which day it is read, like until='2027-12-31'"),
        ("UID:a1\nDTSTART:20261220T180000Z\nDTEND:20261220T170000Z", "freezes.ics:5: event a1 ends (2026-12-20 17:00:00+00:00) no later than it begins (2026-12-20 18:00:00+00:00); swap the two"),
        ("UID:a1\nDTSTART;VALUE=DATE:20261220\nDTEND:20261220T170000Z", "freezes.ics:5: event a1 begins with a day and ends with a time, or the other way round; write two of a kind"),
        ("UID:a1\nDTSTART:20261220T180000Z", "freezes.ics:5: event a1 takes no time; add DTEND or DURATION"),
        ("SUMMARY:Sale", "freezes.ics: event Sale does not say when it begins; add DTSTART"),
        ("UID:a1\nDTSTART:20261220T000000Z\nDURATION:PT1M\nRRULE:FREQ=MINUTELY;COUNT=2000", "freezes.ics has more than 1000 freezes; say up to which day it is read: until="),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_read_as_meant_is_named_with_its_line(
    tmp_path: Path, event: str, refusal: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(refusal)) as refused:
        read(tmp_path, event)
    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (None, "freezes.ics cannot be read (No such file or directory); put it beside the declaration"),
        (b"hello", "freezes.ics is not a single calendar in the format of RFC 5545 (Content line could not be parsed into parts: 'hello': Invalid content line); export it again"),
        (b"", "freezes.ics is not a single calendar in the format of RFC 5545 (Found no components where exactly one is required); export it again"),
        (b"\xff\xfe", "freezes.ics is not UTF-8, as RFC 5545 wants it; export it again"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "freezes.ics has no events; add one, or leave it out"),
    ],
    ids=["missing", "no calendar", "empty", "not UTF-8", "no events"],
)  # fmt: skip
def test_a_file_that_is_no_calendar_is_refused(tmp_path: Path, content: bytes | None, refusal: str) -> None:
    if content is not None:
        (tmp_path / "freezes.ics").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(refusal)) as refused:
        events_of(tmp_path, "freezes.ics", "UTC", None)
    assert str(refused.value) == refusal


@pytest.mark.parametrize(
    ("expression", "refusal"),
    [
        ("Freeze()", "a freeze is from a start to an end, or in a calendar; write one of the two"),
        ("Freeze('2026-12-20')", "a freeze needs a start and an end; write both"),
        ("Freeze('2026-12-20', '2026-12-21', calendar='a.ics')", "write one of the two"),
        ("Freeze('2026-12-20', '2026-12-21', until='2027-01-01')", "until= says how far a calendar is read"),
        ("Freeze(calendar='../a.ics')", "a file beside the declaration, like freezes.ics"),
        ("Freeze(calendar='a.txt')", "a file beside the declaration, like freezes.ics"),
        ("Freeze(calendar='a.ics', until='2027-01-01 10:00')", "is more than a day"),
    ],
)
def test_a_freeze_is_of_one_kind(expression: str, refusal: str) -> None:
    with pytest.raises(ValidationError) as refused:
        eval(expression, {"Freeze": Freeze})  # noqa: S307  a word of this test
    assert refusal in str(refused.value)


def test_the_calendar_lies_beside_the_declaration_and_its_events_reach_the_receiver(tmp_path: Path) -> None:
    rollouts = tmp_path / "rollouts"
    rollouts.mkdir()
    written(
        rollouts, "UID:1\nDTSTART;VALUE=DATE:20261220", "UID:2\nSUMMARY:Sale\nDTSTART;VALUE=DATE:20261127"
    )
    (rollouts / "shop.py").write_text(
        "from handrail.declare import *\n"
        "shop = Rollout('shop', 'shop', stages=[Stage('all')], freezes=[Freeze(calendar='freezes.ics', why='Christmas')],\n"
        "    guardrails=[Guardrail('e', Increase('e_total'), tiers=[Warning(Above(0))])])\n"
    )
    [planned] = lower(load(tmp_path).rollouts, Environment("test")).rollouts
    assert [
        Span(datetime.fromtimestamp(one.begins, UTC), datetime.fromtimestamp(one.ends, UTC), one.why)
        for one in planned.playbook.freezes
    ] == [
        Span(datetime(2026, 11, 27, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC), "Sale"),
        Span(datetime(2026, 12, 20, tzinfo=UTC), datetime(2026, 12, 21, tzinfo=UTC), "Christmas"),
    ]


def test_who_has_no_calendar_loads_no_library_for_it() -> None:
    code = "import sys, handrail.declare as d; d.Freeze('2026-12-20', '2026-12-21'); sys.exit('icalendar' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
