"""coverage-unused: a gate allows for times without traffic, and none of its criteria needs traffic.

`Gate(coverage="60%")` is for shares and times of requests, which nobody can judge at night. A gauge, a state or a count
of failures is there at night as well: it must have been seen for 90 % of the stage in any case, so a lower figure has no
effect.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import SEEN_FOR
from handrail.declare import Rollout, While
from handrail.declare.measures import EventMeasure
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.units import amount

NAME = "coverage-unused"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every gate that asks for less than usual."""
    judged = [one.measure for one in rollout.guardrails if one.success and one.mode == "active"]
    if any(isinstance(measure, EventMeasure | While) for measure in judged):
        return
    for gate in (*(stage.gate for stage in rollout.stages), rollout.complete):
        if gate is not None and float(amount(gate.coverage).value) < SEEN_FOR:
            what = f"says coverage={gate.coverage} for times without traffic, and no criterion needs any"
            cure = "remove coverage="
            yield finding(NAME, gate, what, cure, "coverage", severity=Severity.warning)
