"""free-promql: a measure is written in free PromQL, which Handrail cannot check.

A minimum of traffic, error series that do not exist yet, the arm: the expression must handle all of it. Use a typed
measure if one fits, and accept this if none does.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import PromQL, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import uses

NAME = "free-promql"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every free expression."""
    for guardrail in rollout.guardrails:
        for measure in {id(use.measure): use.measure for use in uses(guardrail)}.values():
            if isinstance(measure, PromQL):
                what = "is measured by free PromQL, which is not protected against idle series, new series and few events"
                cure = f'use a typed measure, or accept={{"{NAME}": "why"}}'
                yield finding(NAME, measure, what, cure, about=guardrail, severity=Severity.warning)
