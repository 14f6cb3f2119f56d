"""promql-too-new: free PromQL that a Prometheus which reads it does not understand.

A rule file with `histogram_avg` or `time() - 5m` is refused as a whole by Prometheus 2.42, and guards nothing. Where
all are newer, say so with `Environment(prometheus_version="3.5")`: then everything that this version has is accepted.
Experimental functions (`limitk`, `info`) are refused by every Prometheus that was not started with them, and
`holt_winters` was removed in Prometheus 3; these are always refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Environment, PromQL, Rollout
from handrail.lint.common import expressions
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured
from handrail.plan.versions import numbers

NAME = "promql-too-new"


def check(rollout: Rollout, here: Environment) -> Iterator[Finding]:
    """Every free expression, panels' too."""
    oldest = numbers(here.prometheus_version)
    for entry in measured(rollout):
        if isinstance(entry.measure, PromQL):
            for new in expressions.new(entry.measure.expr):
                if new.since is None or new.since > oldest:
                    what, cure = _said(new, here)
                    yield finding(NAME, entry.measure, what, cure, "expr", about=entry.of)


def _said(new: expressions.New, here: Environment) -> tuple[str, str]:
    without = f'write it without, or accept={{"{NAME}": "why"}}'
    if new.since is None:
        what = f"uses {new.word}, which is experimental or removed: no Prometheus understands it by default"
        return what, without
    major, minor = new.since
    what = f"uses {new.word}, which Prometheus {here.prometheus_version} does not understand"
    return what, f'{without}; or say Environment(prometheus_version="{major}.{minor}") where all are as new'
