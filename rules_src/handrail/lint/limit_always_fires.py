"""limit-always-fires: every value of the measure is beyond the limit, so the alert fires from the first sample.

`Emergency(AtLeast("0%"), action="emergency-rollback")` on a share takes every healthy release back. A
criterion of success that no value meets is the same on the way up: no stage is ever passed.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import always, figures, never, settled, shown, uses

NAME = "limit-always-fires"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every figure of every limit."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            certain = never if use.wanted else always
            for figure in figures(use.limit):
                if certain(*settled(use.limit, figure.value, use.against), use.measure):
                    wakes = "can never be met" if use.tier is None else "fires always"
                    what = f"has a limit that {wakes}: {shown(use.limit, figure)} on {type(use.measure).__name__}"
                    cure = "write a figure that a healthy service keeps"
                    yield finding(NAME, use.limit, what, cure, *figure.path, about=guardrail)
