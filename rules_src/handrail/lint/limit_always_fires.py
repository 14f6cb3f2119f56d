"""limit-always-fires: every value of the measure is beyond the limit, so the alert fires from the first sample.

`Emergency(AtLeast("0%"), action="emergency-rollback")` on a share rolls every healthy release back, and so does
`Below(1)` on an `Absence`, which is 0 while the series exist. With a success criterion that no value meets, no stage is
ever passed.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Absence, AtMost, Below, Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, always, figures, never, settled, shown, uses

NAME = "limit-always-fires"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every figure of every limit."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            certain = never if use.wanted else always
            for figure in figures(use.limit):
                if certain(*settled(use.limit, figure.value, use.against), use.measure) or _turned(use):
                    wakes = "can never be met" if use.tier is None else "fires always"
                    what = f"has a limit that {wakes}: {shown(use.limit, figure)} on {type(use.measure).__name__}"
                    cure = "write a figure that a healthy service keeps"
                    yield finding(NAME, use.limit, what, cure, *figure.path, about=guardrail)


def _turned(use: Use) -> bool:
    """What is there has an absence of 0: a tier asks for it to be more, a criterion for it to be less."""
    low = isinstance(use.limit, Below | AtMost)
    return isinstance(use.measure.inner, Absence) and low != use.wanted
