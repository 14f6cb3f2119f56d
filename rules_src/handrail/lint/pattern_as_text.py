"""pattern-as-text: a matcher compares for equality with a value that looks like a pattern.

`code="5.."` asks for the text `5..`, which no series has: the share of errors is always 0, and looks healthy.
Patterns need `=~`. The label values of the arms are compared for equality too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured, series
from handrail.promql.syntax import selector

NAME = "pattern-as-text"

_PATTERN = re.compile(r"\d\.\.|\[\d+(-\d+)?\]\.|\.[*+]|\\d|\.\{\d|^\^|[^$]\$$")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every matcher, and the two arms."""
    for entry in measured(rollout):
        for field, text in series(entry.measure):
            for label, op, value in selector(text).matchers:
                if op in ("=", "!=") and _PATTERN.search(value):
                    what = f"matches '{label}' with the text {value}, which looks like a pattern"
                    cure = f'write {label}{op[:-1]}{"=~" if op == "=" else "~"}"{value}"'
                    yield finding(NAME, entry.measure, what, cure, field, about=entry.of)
    arms = rollout.arms
    for field in ("canary", "stable") if arms is not None else ():
        value = getattr(arms, field)
        if isinstance(value, str) and _PATTERN.search(value):
            what = f"arm {field} is the text {value}, which looks like a pattern"
            yield finding(NAME, arms, what, "write the value that the label has", field)
