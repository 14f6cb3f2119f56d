"""limit-never-fires: no value of the measure can be beyond the limit, so the alert never fires.

A share above 100 %, a latency above the highest bucket of its histogram, a count below 0, a tier that counts in the
first hour of a stage (`during="1h"`) where there are no stages. At 3 a.m. such a tier looks like a guard and is none:
`Critical(Above("150%"), action="rollback")` on a `Ratio`. A criterion of success that every value meets is as
useless: the gate asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import always, figures, never, settled, shown, uses

NAME = "limit-never-fires"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every figure of every limit, and every tier that counts for a time only."""
    for guardrail in rollout.guardrails:
        for tier in (tier for tier in guardrail.tiers if tier.during is not None and not rollout.stages):
            what = (
                f"has a tier that counts only in the first {tier.during} of a stage, and there are no stages"
            )
            yield finding(NAME, tier, what, "add stages=, or remove during=", "during", about=guardrail)
        for use in uses(guardrail):
            impossible = always if use.wanted else never
            for figure in figures(use.limit):
                if impossible(*settled(use.limit, figure.value, use.against), use.measure):
                    sleeps = "asks for nothing" if use.tier is None else "can never fire"
                    what = f"has a limit that {sleeps}: {shown(use.limit, figure)} on {type(use.measure).__name__}"
                    cure = "write a figure that the measure can reach"
                    yield finding(NAME, use.limit, what, cure, *figure.path, about=guardrail)
