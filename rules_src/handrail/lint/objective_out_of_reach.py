"""objective-out-of-reach: an objective has no error budget, or one so large that it cannot burn fast enough for an
alert.

An objective of 90 % leaves a budget of 10 %: even when every event fails, it burns ten times too fast, and the alert
waits for 14.4 times. An objective of 100 % leaves none, and the first error is an alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handrail import plan
from handrail.lint.common.finding import Finding, finding
from handrail.plan.timing import Times
from handrail.units import Unit, plain, show

NAME = "objective-out-of-reach"


def check(rollout: plan.Rollout, times: Mapping[str, Times]) -> Iterator[Finding]:
    """Every objective against its fastest burn rate."""
    del times
    for slo in rollout.slos:
        budget = 1 - slo.objective
        fastest = max(burn.factor for _, burns in slo.burns for burn in burns)
        what = ""
        if budget == 0:
            what = "has no error budget, so that one error is an alert"
        elif fastest * budget >= 1:
            shown = show(budget, Unit.ratio)
            what = f"has an error budget of {shown}, whose burn rate never reaches {plain(fastest)}"
        if what:
            yield finding(NAME, slo.where, what, "write an objective like 99% or 99.9%", about=slo)
