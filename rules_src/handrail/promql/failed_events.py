"""A share of events that should not happen → PromQL for how many of them there were over a span that comes later."""

from __future__ import annotations

from handrail.contract import SPAN
from handrail.plan import Measure, Ratio, Selector, While
from handrail.promql.together import together


def failed_events(measure: Measure) -> str | None:
    """How many events failed over SPAN, as Prometheus estimates it; None where the measure counts none that fail.

    No failure is 0 while there is traffic; without traffic there is no sample.
    """
    match measure:
        case Ratio(part=part, whole=whole, bad=True):
            return f"sum({together(part, _grown)})\nor 0 * sum({together(whole, _grown)})"
        case While():
            return failed_events(measure.measure)
        case _:
            return None


def _grown(counter: Selector) -> str:
    return f"increase({counter}[{SPAN}])"
