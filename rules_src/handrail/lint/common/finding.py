"""What a lint has to say about a declaration → Finding, which becomes a Problem unless it was accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from handrail.base import where_of
from handrail.base.places import PathStep
from handrail.errors import Problem, Severity, Where


class Named(Protocol):
    """A guardrail or an objective."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Finding:
    """A problem, and the name of the guardrail or objective it is about (None: about the rollout)."""

    problem: Problem
    about: str | None


def finding(
    lint: str,
    at: object,
    what: str,
    cure: str,
    *path: PathStep,
    about: Named | None = None,
    severity: Severity = Severity.error,
) -> Finding:
    """`what` is wrong at the declaration `at`, or at what `path` leads to in it; `cure` says what to do."""
    where = at if isinstance(at, Where) else where_of(at, *path)
    name = about.name if about is not None else None
    said = f"'{name}' {what}" if name is not None else what
    return Finding(Problem(where, severity, said, cure, lint), name)
