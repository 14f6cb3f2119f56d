"""deadline-too-short: a stage's deadline comes before its bake time is over, or asks for a rollback that is not declared.

`Stage("10%", bake="24h", deadline="12h")` would be held on every rollout, before its gate can open. The bake time counts
with its warm-up and with what it may be prolonged by; so does the time without an alert that the gate ahead asks for.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.declare.rollout import Gate, Stage
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.units import duration

NAME = "deadline-too-short"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every stage that has a deadline."""
    gates_ahead = [*(stage.gate for stage in rollout.stages[1:]), rollout.complete]
    for stage, gate in zip(rollout.stages, gates_ahead, strict=False):
        if stage.deadline is None:
            continue
        yield from _time(stage, stage.deadline, gate)
        if stage.at_deadline == "rollback" and not (rollout.split or rollout.rollback):
            what = (
                f"stage '{stage.name}' is rolled back at its deadline, and the rollout has no step for that"
            )
            yield finding(NAME, stage, what, "add split= or rollback= to the rollout", "at_deadline")


def _time(stage: Stage, deadline: str, gate: Gate | None) -> Iterator[Finding]:
    takes = duration(stage.warm_up or "0s") + duration(stage.bake or "0s")
    rest = gate.stable_for if gate is not None and gate.stable_for else "0s"
    longest = takes + duration(stage.prolong or "0s")
    if duration(deadline) <= takes:
        what = f"stage '{stage.name}' has its deadline after {deadline}, before its bake time is over"
        yield finding(NAME, stage, what, "lengthen deadline=, or shorten bake= or warm_up=", "deadline")
    elif duration(deadline) <= duration(rest):
        what = (
            f"stage '{stage.name}' has its deadline after {deadline}, before {rest} without an alert are over"
        )
        yield finding(NAME, stage, what, "lengthen deadline=, or shorten stable_for=", "deadline")
    elif duration(deadline) <= longest:
        what = f"stage '{stage.name}' may be prolonged past its deadline of {deadline}"
        cure = "lengthen deadline= or shorten prolong="
        yield finding(NAME, stage, what, cure, "deadline", severity=Severity.warning)
