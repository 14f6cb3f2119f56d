"""Slices of time and calendar months → errors, totals and ratios that can be reckoned by eye; both promtools judge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from handrail.declare import (
    Above,
    AtLeast,
    AtMost,
    Below,
    Environment,
    Gauge,
    Guardrail,
    Latency,
    Ratio,
    Rollout,
    Slo,
    TimeSlices,
)
from handrail.lower import lower
from handrail.plan import Rollout as Planned
from pydantic import ValidationError

from rules.test_slo import complaints

QUEUE = TimeSlices(Gauge("queue_length"), good=Below(100))
FAILING = TimeSlices(
    Ratio(bad='requests_total{code="500"}', of="requests_total", window="1m"), good=AtMost("1%")
)
BAD = Ratio(bad='requests_total{code="500"}', of="requests_total", min_events=1)


def shop(
    measure: Ratio | TimeSlices, *, window: str = "30d", pace: tuple[str, str] = ("15s", "30s")
) -> Planned:
    scrape, evaluate = pace
    declared = Rollout(
        "shop",
        "shop",
        scrape=scrape,
        evaluate=evaluate,
        guardrails=[Guardrail("users", Gauge("users"))],
        slos=[Slo("orders", measure, objective="99.9%", window=window)],
    )
    return lower([declared], Environment("test")).rollouts[0]


def recorded(what: str) -> str:
    """All slices, or bad slices, that were ever counted."""
    return f"sum_over_time(handrail:slo:{what}[10h])"


RATIO = 'handrail:slo:error_ratio{window="%s"}'
HOUR = "59m30s"
"""The last evaluation of an hour that begins at 0."""


@pytest.mark.parametrize("pace", [("15s", "30s"), ("15s", "20s"), ("15s", "45s"), ("15s", "1m")])
def test_three_bad_minutes_of_an_hour_are_a_twentieth(
    promtool: str, tmp_path: Path, pace: tuple[str, str]
) -> None:
    """However often rules are evaluated, and where that does not divide the minute: sixty minutes are sixty slices."""
    series = {"queue_length": "10x119 200x11 10x120"}  # bad from 30:00 to 32:45
    at = {"20s": "59m40s", "45s": "59m15s", "1m": "59m"}.get(pace[1], HOUR)
    told: list[tuple[str, str, float | None]] = [
        (recorded("total"), at, 60),
        (recorded("errors"), at, 3),
        (RATIO % "1h", at, 0.05),
        (RATIO % "30d", at, 0.05),
    ]
    assert complaints(tmp_path, promtool, shop(QUEUE, pace=pace), series, *told) == ""


def test_a_minute_in_which_nobody_could_see_is_neither_good_nor_bad(promtool: str, tmp_path: Path) -> None:
    """Thirty minutes of a thousand requests a minute, one in fifty bad for the last ten; then one request a minute."""
    series = {
        'requests_total{code="500"}': "0x80 5+5x39 200x120",
        'requests_total{code="200"}': "0+250x120 30000+0.25x120",
    }
    told: list[tuple[str, str, float | None]] = [
        # From the second minute, of which the whole is known, to the thirtieth; the bad ones are the last ten.
        (recorded("total"), HOUR, 30),
        (recorded("errors"), HOUR, 10),
    ]
    assert complaints(tmp_path, promtool, shop(FAILING), series, *told) == ""


@pytest.mark.parametrize(
    ("good", "at_limit"), [(Below(100), 1), (AtMost(100), 0), (Above(100), 1), (AtLeast(100), 0)]
)
def test_the_limit_itself_is_good_only_where_it_says_so(
    promtool: str, tmp_path: Path, good: Below | AtMost | Above | AtLeast, at_limit: int
) -> None:
    rollout = shop(TimeSlices(Gauge("queue_length"), good=good))
    told = (RATIO % "1h", HOUR, at_limit)
    assert complaints(tmp_path, promtool, rollout, {"queue_length": "100x240"}, told) == ""


def test_what_is_no_number_is_no_slice(promtool: str, tmp_path: Path) -> None:
    series = {"queue_length": " ".join(["200x119", *["NaN"] * 121])}
    told: list[tuple[str, str, float | None]] = [
        (recorded("total"), HOUR, 30),
        (recorded("errors"), HOUR, 30),
    ]
    assert complaints(tmp_path, promtool, shop(QUEUE), series, *told) == ""


def test_two_bad_minutes_burn_and_a_window_with_few_slices_says_nothing(
    promtool: str, tmp_path: Path
) -> None:
    """Of 99.9 % of 30 days 43 minutes are the budget; 2 % of it, 0.86 minutes, in an hour are critical."""
    critical = 'ALERTS{alertstate="firing",alertname="ShopSloOrdersCritical"}'
    bad_later = {"queue_length": "10x215 200x20"}  # from 54:00 on
    told: list[tuple[str, str, float | None]] = [(critical, "53m30s", None), (critical, "55m", 2)]
    assert complaints(tmp_path, promtool, shop(QUEUE), bad_later, *told) == ""
    bad_at_once = {"queue_length": "200x40"}
    told = [(RATIO % "1h", "3m30s", None), (RATIO % "1h", "4m", 1), (RATIO % "5m", "30s", 1)]
    assert complaints(tmp_path, promtool, shop(QUEUE), bad_at_once, *told) == ""


MONTHS: Mapping[str, str] = {
    # Ten requests a minute; one in ten fails from the 1st to the 30th of January, and none from then on.
    'requests_total{code="500"}': "0+4x10800 43200x1000",
    'requests_total{code="200"}': "0+36x10800 388840+40x1000",
}


def test_slices_of_a_month_are_those_since_it_began(promtool: str, tmp_path: Path) -> None:
    """One evaluation, a slice, every four hours: 186 in January, of which 180 are bad; none in February."""
    rollout = shop(QUEUE, window="month", pace=("4m", "4h"))
    series = {"queue_length": "200x10799 10x1200"}
    month = f"round({RATIO % 'month'}, 0.0001)"
    told: list[tuple[str, str, float | None]] = [(month, "740h", 0.9677), (month, "756h", 0)]
    assert complaints(tmp_path, promtool, rollout, series, *told) == ""


@pytest.mark.long
def test_the_budget_of_a_month_starts_anew_with_the_month(promtool: str, tmp_path: Path) -> None:
    """January ends with 30 bad days of 31, a ratio of 0.1 * 30 / 31; noon of the 1st of February has seen no error."""
    rollout = shop(BAD, window="month", pace=("4m", "30m"))
    month = f"round({RATIO % 'month'}, 0.0001)"
    told: list[tuple[str, str, float | None]] = [
        (month, "10d", 0.1),
        (month, "743h30m", 0.0968),
        (month, "756h", 0),
    ]
    assert complaints(tmp_path, promtool, rollout, MONTHS, *told) == ""


def test_its_alerts_say_what_they_mean() -> None:
    (slo,) = shop(QUEUE, window="month").slos
    assert [alert.description for alert in slo.alerts] == [
        (
            "{{ $value | humanizePercentage }} of the slices of time are bad; 0.1 % may be bad in a calendar month. "
            "Warning means that the error budget loses 10 % in 1d (burn rate 3) or 10 % in 3d (burn rate 1)."
        ),
        (
            "{{ $value | humanizePercentage }} of the slices of time are bad; 0.1 % may be bad in a calendar month. "
            "Critical means that the error budget loses 2 % in 1h (burn rate 14.4) or 5 % in 6h (burn rate 6)."
        ),
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            lambda: TimeSlices(Gauge("x", by=["a"]), good=Below(1)),
            "a slice is of the whole service; leave out by=",
        ),
        (
            lambda: TimeSlices(Gauge("x"), good=Below({"10%": 1})),
            "a slice is good by the same limit in all stages",
        ),
        (
            lambda: TimeSlices(Latency("x", p=95, window="10m"), good=Below("1s")),
            "slices of 10m are longer than the 5 minutes that confirm an alert",
        ),
    ],
    ids=["by", "stages", "long"],
)
def test_what_cannot_be_a_slice_is_refused(made: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        made()  # type: ignore[operator]
