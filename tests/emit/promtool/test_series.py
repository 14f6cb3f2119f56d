"""What a series does from phase to phase → values as promtool reads them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from handrail.emit.promtool.series import Key, Rise, Timeline
from hypothesis import given
from hypothesis import strategies as st

KEY = Key.of("requests_total", {})
SCRAPE = timedelta(seconds=15)
STEPS = st.builds(
    lambda events, scrapes: Decimal(events) / scrapes, st.integers(0, 100_000), st.integers(1, 241)
)


def _read(text: str) -> list[float]:
    """The sum of the steps in floats, as promtool adds them."""
    values: list[float] = []
    for first, step, times in re.findall(r"([\d.]+)(?:\+([\d.]+))?(?:x(\d+))?(?: |$)", text):
        value = float(first)
        for _ in range(int(times or 0) + 1):
            values.append(value)
            value += float(step or 0)
    return values


@given(st.lists(st.tuples(STEPS, st.integers(1, 500)), min_size=1, max_size=6))
def test_a_counter_never_falls_however_its_steps_are_added_up(phases: list[tuple[Decimal, int]]) -> None:
    timeline = Timeline(SCRAPE)
    for step, count in phases:
        timeline.play({KEY: Rise(step)}, timeline.now + (count - 1) * SCRAPE)
    values = _read(timeline.series()[KEY])
    assert len(values) == sum(count for _, count in phases)
    assert [pair for pair in pairwise(values) if pair[1] < pair[0]] == []
