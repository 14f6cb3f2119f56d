"""confirm-unused: a tier asks its query again before an action that changes nothing.

`confirm=` delays a rollback until the breach was seen twice. A tier that asks people to look, or that holds the stage,
acts at once: the second query is never made, although the declaration relies on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import names
from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "confirm-unused"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every tier with a confirmation."""
    for guardrail in rollout.guardrails:
        for tier in guardrail.tiers:
            if tier.confirm is not None and tier.action not in names.ACTING:
                what = f"asks again before '{tier.action}', which is done at once"
                cure = "remove confirm=, or let the tier roll back"
                severity = Severity.warning
                yield finding(NAME, tier, what, cure, "confirm", about=guardrail, severity=severity)
