"""promql-empty: free PromQL that never has a sample, or always the same one.

In `x{code="500"} / x{code="200"}` the labels of the two sides never match, so there is no result and the guardrail is
always blind. `sum(x{code="500"}) / sum(x{code="200"})` has one, and so has `x{code="500"} / ignoring(code)
x{code="200"}`. The same goes for two matchers of one series that contradict each other. An expression without any
series always has the same value. A look into the future (`offset -5m`) and a division by 0 have no result either, and an
expression that looks at one moment (`@ 1700000000`) always gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import PromQL, Rollout
from handrail.lint.common import expressions
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured

NAME = "promql-empty"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every free expression that is judged."""
    for entry in measured(rollout):
        if isinstance(entry.measure, PromQL) and entry.panel is None:
            wrong = expressions.empty(entry.measure.expr)
            if wrong is not None:
                yield finding(NAME, entry.measure, *wrong, "expr", about=entry.of)
