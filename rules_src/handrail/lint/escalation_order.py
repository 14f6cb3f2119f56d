"""escalation-order: the levels of an escalation do not follow each other in time.

Two levels at the same time wake both at once; a level before an earlier one reverses the escalation.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.units import duration

NAME = "escalation-order"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every level against the one before."""
    for before, level in zip(rollout.escalation, rollout.escalation[1:], strict=False):
        if duration(level.after) <= duration(before.after):
            what = f"level '{level.name}' comes after {level.after}, and '{before.name}' before it after {before.after}"
            yield finding(NAME, level, what, "list the levels from the first to the last", "after")
