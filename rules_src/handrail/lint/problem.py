"""A lint's finding at a declaration → Problem."""

from __future__ import annotations

from handrail.base import where_of
from handrail.errors import Problem, Severity


def problem(
    lint: str,
    at: object,
    what: str,
    cure: str,
    *,
    field: str | None = None,
    severity: Severity = Severity.error,
) -> Problem:
    """`what` is wrong with the declaration `at` (or its argument `field`); `cure` says what to do."""
    return Problem(where_of(at, field), severity, what, cure, lint)
