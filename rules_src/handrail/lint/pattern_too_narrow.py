"""pattern-too-narrow: a pattern is written as if a part of the value were enough, and it must match the whole of it.

Prometheus anchors patterns at both ends: `code=~"^5"` and `code=~"5*"` match no HTTP status, so the share of errors is always 0
and looks healthy; `path=~"/api/*"` matches `/api/` and `/api//`, and nothing below them. Write `5..` and `/api/.*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import measured, series
from handrail.promql.syntax import selector

NAME = "pattern-too-narrow"

_GLOB = re.compile(r"(?<![\\\])}.*+?|(])[\w/ -]\*(?![?+*])")
"""A star after a plain character, as a shell has it."""
_STATUS = re.compile(r"(http_?)?(status|code|status_?code|response_?code)", re.IGNORECASE)
_FIGURES = re.compile(r"(?=.*\d)(?=.*\D)[\d\[\]().*+?|^$\\d-]*")
"""Digits, and what makes a pattern of them."""


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every pattern of every measure."""
    for entry in measured(rollout):
        for field, text in series(entry.measure):
            for label, op, value in selector(text).matchers:
                wrong = _wrong(label, value) if op in ("=~", "!~") else None
                if wrong is not None:
                    why, cure = wrong
                    what = f"matches '{label}' with the pattern {value}, {why}"
                    yield finding(NAME, entry.measure, what, cure, field, about=entry.of)


def _wrong(label: str, value: str) -> tuple[str, str] | None:
    if _STATUS.fullmatch(label) and _FIGURES.fullmatch(value) and not _a_status(value):
        first = next(iter(re.findall(r"\[\d+(?:-\d+)?\]|\d", value)), "5")
        return "which matches no HTTP status as a whole", f'write "{first}.."'
    if (glob := _GLOB.search(value)) is not None:
        return "in which * repeats the character before it", f'write "{glob[0][:-1]}.*" for what begins so'
    return None


def _a_status(value: str) -> bool:
    bare = value[1:-1] if value.startswith("^") and value.endswith("$") else value
    if all(number.isdigit() for number in bare.strip("()").split("|")):
        return True  # gRPC's are numbers too
    try:
        pattern = re.compile(value)
    except re.error:
        return True
    return any(pattern.fullmatch(str(status)) for status in range(100, 600) if status % 111)  # 5* matches 555
