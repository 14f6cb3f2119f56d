"""same-name-twice: two rollouts, two guardrails of one rollout, or two stages of one rollout share a name.

Their alerts, files and metrics would be one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from handrail import names
from handrail.declare import Rollout
from handrail.errors import Problem
from handrail.lint.problem import problem

NAME = "same-name-twice"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def check(rollout: Rollout) -> Iterator[Problem]:
    """Within one rollout."""
    yield from _twice("guardrail", rollout.guardrails, f"rollout '{rollout.name}'")
    yield from _twice("stage", rollout.stages, f"rollout '{rollout.name}'")
    alerts: dict[str, str] = {}
    for guardrail in rollout.guardrails:
        camel = names.camel(guardrail.name)
        if alerts.setdefault(camel, guardrail.name) != guardrail.name:
            what = f"guardrails '{alerts[camel]}' and '{guardrail.name}' give the same alert names"
            yield problem(NAME, guardrail, what, "rename one of them")


def across(rollouts: Sequence[Rollout]) -> Iterator[Problem]:
    """Across all rollouts of a source folder."""
    yield from _twice("rollout", rollouts, "the source folder")


def _twice(kind: str, things: Sequence[_Named], inside: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for thing in things:
        if thing.name in seen:
            yield problem(
                NAME, thing, f"{inside} has two {kind}s called '{thing.name}'", "rename one of them"
            )
        seen.add(thing.name)
