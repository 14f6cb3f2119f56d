"""A counter and a window → PromQL that counts its events exactly, as far as the samples tell.

Prometheus' own `increase()` estimates: it extrapolates to the ends of the window and ignores the first value of a new
series. With a limit of "more than 3", an estimate of 3.2 for 3 events is a false alarm, and the first sixty errors of a
process are an outage that it misses. So events in a window are its last value minus the last value before the window. If
the counter was reset in between, `increase()` is used, without its extrapolation, which never counts too much.

A new series counts from zero only if its target is known to be new, or to have answered scrapes before. The values of an
exporter that comes back, that moves, or that is scraped for the first time or under other labels were counted long ago.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from handrail.plan import Selector
from handrail.promql.together import Expression, any_of, together
from handrail.units import span

REMEMBERED = timedelta(hours=1)
"""A series or target seen within this time before the window is not new."""


def counted(counter: Selector, window: timedelta, from_zero: Selector | None) -> str:
    """For each series of `counter` the events in `window`.

    `from_zero` selects the targets whose new series count from zero, see `targets_from_zero`; None: no target's.
    """
    width, last = span(window), f"last_over_time({counter}[{span(window)}])"
    before = [f"last_over_time({counter}[{span(REMEMBERED)}] offset {width})"]
    if from_zero is not None:
        before.append(f"{last} * 0 and on (instance) {from_zero}")
    before.append(f"min_over_time({counter}[{width}])")
    return _lines(
        "",
        f"  ({last} - ({_or(before)}) >= 0",
        f"    unless resets({counter}[{span(2 * window)}]) > 0)",
        f"  or increase({counter}[{width}]) * (1 - 1 / count_over_time({counter}[{width}]))",
        f"  or {last}",
        "",
    )


def _or(parts: list[str]) -> str:
    return "\n      or ".join(parts)


def _lines(*lines: str) -> str:
    return "\n".join(lines)


def targets_from_zero(counters: Sequence[Selector], window: timedelta) -> str:
    """One sample by `instance` for every target of the counters whose series, if new in `window`, count from zero.

    Either the target answered a window ago under the labels it has now, and none of its series has only moved to other
    labels since. Or the target is new, its job was scraped before, and it shows less than every target before it: one
    that shows as much continues what another one counted.
    """
    width, hour = span(window), span(REMEMBERED)
    ups = [_up(counter) for counter in counters]
    up, up_then = any_of(ups), any_of(ups, lambda one: f"{one} offset {width}")
    was = any_of(counters, lambda one: f"{one} offset {width}")
    total = _sum(counters, lambda one: f"min_over_time({one}[{width}])")
    # Of a target that is still there: one that died of what it counted takes nothing away.
    gone = f"{_sum(counters, lambda one: f'{one} offset {width} unless {one} and on (instance) {one}')} > 0"
    come = _sum(counters, lambda one: f"min_over_time({one}[{width}]) unless {one} offset {width}")
    least = f"min({_sum(counters, lambda one: f'last_over_time({one}[{hour}] offset {width})')} > 0)"
    seen = any_of(ups, lambda one: f"last_over_time({one}[{hour}] offset {width})")
    return _lines(
        f"({total}",
        f"  and on (instance) ({up_then} == 1 or {was})",
        f"  unless on (instance) ({up} unless {up_then})",
        f"  unless on (instance) ({gone} <= on (instance) {come}))",
        f"or ({total} < on () group_left () ({least} or vector(Inf))",
        f"  unless on (instance) {seen}",
        f"  unless on (instance) ({up} unless on (job) ({up_then}))",
        f"  and on () count({up_then}))",
    )


def _up(counter: Selector) -> Selector:
    """The series `up` of the counter's targets."""
    return Selector("up", tuple(m for m in counter.matchers if m[0] in {"job", "instance"}))


def _sum(counters: Sequence[Selector], expr: Expression) -> str:
    return f"sum by (instance) ({together(counters, expr)})"
