"""promql-too-new: free PromQL that one of Prometheus 2.42 and Prometheus 3 does not understand.

A rule file with `limitk` or `time() - 5m` is refused as a whole by Prometheus 2.42, and guards nothing. `holt_winters` is
gone from Prometheus 3, and so is no way out. Accept it where every Prometheus that reads the file is new enough.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import PromQL, Rollout
from handrail.lint.common import expressions
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured

NAME = "promql-too-new"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every free expression, panels' too."""
    for entry in measured(rollout):
        if isinstance(entry.measure, PromQL):
            for word in expressions.too_new(entry.measure.expr):
                what = f"uses {word}, which Prometheus 2.42 or Prometheus 3 does not understand"
                cure = f'write it without, or accept={{"{NAME}": "why"}}'
                yield finding(NAME, entry.measure, what, cure, "expr", about=entry.of)
