"""The round values beside an axis."""

from __future__ import annotations

import math

import pytest
from handrail_receiver.plots.ticks import bounds, number_ticks, time_text, time_ticks


@pytest.mark.parametrize(
    ("values", "axis"),
    [((), (0, 1)), ((0, 0), (0, 1)), ((1, 10), (0, 10.8)), ((-5, 5), (-5, 5.8)), ((math.nan, 1), (0, 1.08))],
)
def test_an_axis_begins_at_0_unless_something_is_below(
    values: tuple[float, ...], axis: tuple[float, float]
) -> None:
    assert bounds(values) == pytest.approx(axis)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (0, 0.054, (0, 0.02, 0.04)),
        (0, 43, (0, 10, 20, 30, 40)),
        (-5, 5.8, (-5, -2.5, 0, 2.5, 5)),
    ],
)
def test_numbers_are_round(low: float, high: float, shown: tuple[float, ...]) -> None:
    assert number_ticks(low, high) == shown


def test_times_are_round_and_say_no_more_than_they_must() -> None:
    start = 1772334000.0  # 2026-03-01 03:00:00 UTC
    shown = {
        span: [time_text(at, span) for at in time_ticks(start, start + span)][:2]
        for span in (60, 900, 90000, 864000)
    }
    assert shown == {
        60: ["03:00:00", "03:00:15"],
        900: ["03:00", "03:05"],
        90000: ["01 Mar 06:00", "01 Mar 12:00"],
        864000: ["02 Mar", "04 Mar"],
    }
