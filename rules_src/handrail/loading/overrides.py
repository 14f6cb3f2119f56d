"""Rollouts and an environment → the rollouts as they are in that environment.

Overridden values are checked like all others, and a problem points at the override's own line.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from handrail.declare import Environment, ForGuardrail, ForRollout, Guardrail, Rollout
from handrail.declare.override import Override

T = TypeVar("T")

_NAMES = frozenset({"rollout", "guardrail"})


def overridden(rollouts: Sequence[Rollout], environment: Environment) -> tuple[Rollout, ...]:
    """`rollouts` with the overrides of `environment`; of two overrides of one field the later counts."""
    return tuple(_rollout(rollout, environment.overrides) for rollout in rollouts)


def _rollout(rollout: Rollout, overrides: Sequence[Override]) -> Rollout:
    changes: dict[str, Any] = {}
    for override in overrides:
        if isinstance(override, ForRollout) and override.rollout == rollout.name:
            changes |= _changes(override)
    guardrails = [_guardrail(rollout, guardrail, overrides) for guardrail in rollout.guardrails]
    if any(new is not old for new, old in zip(guardrails, rollout.guardrails, strict=True)):
        changes["guardrails"] = guardrails
    return changed(rollout, changes)


def _guardrail(rollout: Rollout, guardrail: Guardrail, overrides: Sequence[Override]) -> Guardrail:
    changes: dict[str, Any] = {}
    for override in overrides:
        if isinstance(override, ForGuardrail) and (override.rollout, override.guardrail) == (
            rollout.name,
            guardrail.name,
        ):
            changes |= _changes(override)
    return changed(guardrail, changes)


def _changes(override: Override) -> dict[str, Any]:
    values = {field.name: getattr(override, field.name) for field in fields(override)}
    return {name: value for name, value in values.items() if name not in _NAMES and value is not None}


def changed(declaration: T, changes: Mapping[str, Any]) -> T:
    """`declaration` with other values in these fields, at the place where it was written."""
    # The values are of the fields' own types and were validated where they were written; a copy keeps the place.
    if not changes:
        return declaration
    new = copy.copy(declaration)
    for name, value in changes.items():
        object.__setattr__(new, name, value)
    return new
