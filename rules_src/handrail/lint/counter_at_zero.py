"""counter-at-zero: a counter that must not rise should exist before its first event.

Client libraries create a labelled counter with its first event. Handrail counts such a new series from zero, but a
series that exists at 0 also distinguishes "no error" from "not measured": initialise it when the program starts.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Increase, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import written

NAME = "counter-at-zero"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every guardrail that counts single events."""
    for guardrail in rollout.guardrails:
        measure = guardrail.measure.inner
        if isinstance(measure, Increase) and measure.slower_than is None:
            what = f"counts {' and '.join(written(measure.counter))}, which must exist before its first event"
            cure = "initialise it at 0 when the program starts"
            yield finding(NAME, measure, what, cure, "counter", about=guardrail, severity=Severity.info)
