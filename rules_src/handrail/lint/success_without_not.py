"""success-without-not: a success criterion reads as if the rise were wanted.

`success=Rise("10%")` is met while the value has *not* risen by 10 %. `success=Not(Rise("10%"))` says so, and means the
same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handrail.declare import Drop, DropPoints, Rise, RisePoints, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "success-without-not"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every criterion of every guardrail."""
    for guardrail in rollout.guardrails:
        written = guardrail.success if isinstance(guardrail.success, Sequence) else (guardrail.success,)
        for one in written:
            if isinstance(one, Rise | RisePoints | Drop | DropPoints):
                word = type(one).__name__
                what = f"has success={word}(…), which reads as if that were wanted"
                cure = f"write success=Not({word}(…)), which means the same"
                yield finding(NAME, one, what, cure, about=guardrail, severity=Severity.warning)
