"""reference-unused: a guardrail has a reference, and no limit of it is relative.

`against=StableArm()` beside `Above("5%")` compares nothing: only `Rise`, `RisePoints`, `Drop` and `DropPoints` do. A further
measure in `or_=` has an `against=` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import On, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import uses

NAME = "reference-unused"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every guardrail, and every further measure of a tier."""
    for guardrail in rollout.guardrails:
        own = [use for use in uses(guardrail) if not isinstance(use.at, On)]
        places: list[tuple[object, object, bool]] = [
            (guardrail, guardrail.against, any(use.limit.relative for use in own))
        ]
        places += [
            (use.at, use.at.against, use.limit.relative) for use in uses(guardrail) if isinstance(use.at, On)
        ]
        for at, against, relative in places:
            if against is not None and not relative:
                what = f"has {type(against).__name__} in against=, and no limit that is relative to it"
                cure = "write Rise(…), RisePoints(…), Drop(…) or DropPoints(…), or remove against="
                yield finding(NAME, at, what, cure, "against", about=guardrail, severity=Severity.warning)
