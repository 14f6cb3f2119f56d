"""nothing-to-judge: a rollout without guardrails, or a guardrail without a tier and without success.

It would compile to nothing and look like a guard.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "nothing-to-judge"


def check(rollout: Rollout) -> Iterator[Finding]:
    """The rollout, and each of its guardrails."""
    if not rollout.guardrails and not rollout.slos:
        what = f"rollout '{rollout.name}' guards nothing"
        yield finding(NAME, rollout, what, "add a guardrail", "guardrails", severity=Severity.fatal)
    for guardrail in rollout.guardrails:
        if not guardrail.tiers and not guardrail.successes:
            cure = "add tiers= or success="
            yield finding(NAME, guardrail, "judges nothing", cure, about=guardrail, severity=Severity.fatal)
