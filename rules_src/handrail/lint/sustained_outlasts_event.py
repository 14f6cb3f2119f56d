"""sustained-outlasts-event: a tier waits longer than a single event stays visible, so one event never fires it.

`Increase(errors, window="1m")` is above 0 for one minute after an error. With `sustained="5m"` the rule "there must be
no error" becomes "there must not be errors for five minutes without a break". `AtLeast(1)` says the same as `Above(0)`, and
so does a rate that one event reaches, or a share above 0 %. The same goes for a change of state, and for a jump that is
compared with some time ago: `Ago("5m")` shows it for five minutes, and then it is in both figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.declare import (
    Absence,
    Age,
    Ago,
    AtLeast,
    Changed,
    Changes,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rollout,
    SlowerThan,
    State,
    TimeUntil,
    Usage,
)
from handrail.declare.measures import PlainMeasure
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, figures, uses
from handrail.units import duration, seconds

NAME = "sustained-outlasts-event"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every tier that a single event breaches."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            if use.tier is None:
                continue
            for event, window, field in _visible(use):
                if duration(use.tier.sustained) >= duration(window):
                    what = f"must be sustained for {use.tier.sustained}, and one {event} shows for {window}, so one {event} never fires it"
                    cure = f"shorten sustained= or {field}"
                    yield finding(NAME, use.tier, what, cure, "sustained", about=guardrail)


def _visible(use: Use) -> Iterator[tuple[str, str, str]]:
    """What breaches the limit by itself, for how long, and how that can be longer."""
    if isinstance(use.limit, Changed):
        yield "event", use.limit.window, "widen window="
    if use.limit.relative and isinstance(use.against, Ago):
        yield "jump", use.against.time, "compare with a longer time ago"
    measure = use.measure.inner
    one = _one_event(measure)
    reached = (
        use.limit.is_upper
        and not use.limit.relative
        and any(
            figure.value < one or (figure.value == one and isinstance(use.limit, AtLeast))
            for figure in figures(use.limit)
        )
    )
    if reached and (window := getattr(measure, "window", None)):
        yield "event", str(window), "widen window="


_NONE = Decimal("-Infinity")
"""What breaches no upper limit."""


def _one_event(measure: PlainMeasure) -> Decimal:
    """What one event makes of the measure where nothing else happens: of a share at least something."""
    match measure:
        case Increase() | Changes():
            return Decimal(1)
        case Rate(window=window):
            return 1 / seconds(duration(window))
        case Ratio(bad=str()) | SlowerThan():
            return Decimal("1e-9")
        case Ratio() | Latency():
            return _NONE
        case Gauge() | Usage() | Growth() | Difference() | Age() | TimeUntil() | Count() | Forecast():
            return _NONE
        case State() | Absence() | PromQL():
            return _NONE
