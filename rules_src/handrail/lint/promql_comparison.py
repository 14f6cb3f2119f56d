"""promql-comparison: free PromQL that has no sample while all is well, so that the guardrail is blind then.

`PromQL("replication_lag_seconds > 5")`, as written in an alert, has a sample only during the breach; without one the
guardrail is blind and holds every promotion. The comparison belongs in the limit: `PromQL("replication_lag_seconds")`
with `Above(5)`. Inside of an expression `> bool 5` gives 0 and 1, and `count(x > 5) or vector(0)` a 0 for none.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import PromQL, Rollout
from handrail.lint.common import expressions
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured

NAME = "promql-comparison"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every free expression that is judged."""
    for entry in measured(rollout):
        measure = entry.measure
        if isinstance(measure, PromQL) and entry.panel is None:
            silent = expressions.silent(measure.expr)
            if silent is not None:
                yield finding(NAME, measure, *_said(silent), "expr", about=entry.of)


def _said(silent: str) -> tuple[str, str]:
    if silent.startswith("absent"):
        return (
            f"has no sample while the series that `{silent}` looks for is there",
            "use Absence, or add `or vector(0)`",
        )
    cure = "compare in the limit, by `bool`, or add `or vector(0)`"
    return f"has no sample while `{silent}` does not hold, and is blind then", cure
