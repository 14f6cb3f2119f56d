"""A share of events that should not happen → PromQL for how many of them there were over a span that comes later."""

from __future__ import annotations

from handrail.contract import SPAN
from handrail.plan import Measure, Ratio, Selector
from handrail.promql.together import together


def failed_events(measure: Measure) -> str | None:
    """How many events failed over SPAN, as Prometheus estimates it; None where the measure counts none that fail.

    No failure is 0 while there is traffic; without traffic there is no sample.
    """
    counted = measure.inner
    if not isinstance(counted, Ratio) or not counted.bad:
        return None
    return f"sum({together(counted.part, _grown)})\nor 0 * sum({together(counted.whole, _grown)})"


def _grown(counter: Selector) -> str:
    return f"increase({counter}[{SPAN}])"
