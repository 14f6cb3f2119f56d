"""A counter → PromQL for the events since the last evaluation: every event counted once, even if scrapes fail.

An estimate over some seconds loses events: `increase()` needs two samples in its window, and one failed scrape leaves a
gap. Here each scrape's value is compared with the one before it, however long ago within `REMEMBERED`; after a reset the
counter's whole value is new. The sum over all evaluations is exactly what was counted.
"""

from __future__ import annotations

from datetime import timedelta

from handrail.plan import Selector
from handrail.promql.counting import REMEMBERED
from handrail.units import span

_SETTLED = timedelta(seconds=5)
_APART = timedelta(milliseconds=1)


def increments(counter: Selector, every: timedelta, scrape: timedelta, from_zero: Selector) -> str:
    """Events of all series of `counter` since the evaluation before, `every` ago.

    `from_zero` selects the targets whose new series count from zero, see counting.py.
    """
    step = min(every, scrape)
    now = f"last_over_time({counter}[{span(every + scrape)}])"
    before = f"last_over_time({counter}[{span(REMEMBERED)}] offset {span(step)})"
    # What is not a number, or endless, would stay in every window's sum. The steps are multiples of `step` in the day's
    # time, and a window of Prometheus before 3.0 has both its ends: a millisecond keeps two evaluations apart. A scrape has the
    # time at which it began, and is there once it is read: one that came between two rules would count for one of them
    # alone, and good events would be more than all. So what is counted is some seconds old.
    return "\n".join(
        [
            "sum(",
            "  sum_over_time(",
            f"    sum({now}",
            f"      - ({before} <= {now}",
            f"        or {before} * 0)",
            "      < Inf",
            f"    )[{span(every)}:{span(step)}] offset {span(_settled(step))}",
            "  )",
            f"  or label_replace({_first_values(counter, every, from_zero)},",
            '    "born", "yes", "", "")',
            ")",
        ]
    )


def _settled(step: timedelta) -> timedelta:
    """How old a scrape is before it counts: less than a step, so that none is skipped."""
    return min(_SETTLED, timedelta(milliseconds=2 * step // timedelta(milliseconds=3))) + _APART


def _first_values(counter: Selector, every: timedelta, from_zero: Selector) -> str:
    """The first values of series that are new since the evaluation before."""
    return "\n    ".join(
        [
            f"min_over_time({counter}[{span(every)}]) < Inf",
            f"unless last_over_time({counter}[{span(REMEMBERED)}] offset {span(every)})",
            f"and on (instance) {from_zero}",
        ]
    )
