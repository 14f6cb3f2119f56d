"""rollback-never-asked: the rollout has steps for a rollback, and no alert asks for one.

A tier asks people to investigate unless it says otherwise: `Critical(Above("5%"))` rolls nothing back without
`action="rollback"`, however bad the canary is. A rollout that only holds says so with `action="hold"`; one that people alone
roll back is accepted with that reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import names
from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "rollback-never-asked"


def check(rollout: Rollout) -> Iterator[Finding]:
    """A rollout with stages and steps, of which no tier asks for more than a look."""
    steps = "split" if rollout.split is not None else "rollback"
    asked = {tier.action for guardrail in rollout.guardrails for tier in guardrail.tiers}
    if rollout.stages and getattr(rollout, steps) and asked and not asked & {"hold", *names.ACTING}:
        what = "has steps for a rollback, and no alert asks for one"
        cure = 'write action="rollback" on the tiers that shall, or accept that people alone roll back'
        yield finding(NAME, rollout, what, cure, steps, severity=Severity.warning)
