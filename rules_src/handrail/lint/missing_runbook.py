"""missing-runbook: a guardrail wakes somebody and does not say what to do.

Every alert links to its runbook. An empty page costs more at night than three lines cost to write.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Guardrail, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import judged

NAME = "missing-runbook"

_CURE = 'add runbook=Runbook("what it means for users", look=[…], fix=[…])'


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every guardrail that has a tier, and every objective."""
    for thing in judged(rollout):
        if isinstance(thing, Guardrail) and not thing.tiers:
            continue
        if thing.runbook is None:
            yield finding(NAME, thing, "wakes people and has no runbook", _CURE, about=thing)
        elif not (thing.runbook.look or thing.runbook.fix or thing.runbook.steps):
            what = "has a runbook that neither says where to look nor how to fix"
            cure = "add look=[…] and fix=[…]"
            yield finding(NAME, thing.runbook, what, cure, about=thing, severity=Severity.warning)
