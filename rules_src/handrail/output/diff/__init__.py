"""Two states of generated/ → what changes for production, the most dangerous first."""

from __future__ import annotations

from dataclasses import replace

from handrail.output.diff.common import exporters_and_cluster, shared
from handrail.output.diff.facts import Files, RolloutState, facts
from handrail.output.diff.folders import by_environment
from handrail.output.diff.model import DiffLine, Effect, sort
from handrail.output.diff.procedure import procedure
from handrail.output.diff.tiers import tiers

__all__ = ["DiffLine", "Effect", "differences"]


def differences(old: Files, new: Files) -> list[DiffLine]:
    """What happens in production when `old` is replaced by `new`, in each environment."""
    before, after = by_environment(old), by_environment(new)
    if len(before) <= 1 and len(after) <= 1:
        return sort(_of_one(*before.values() or [{}], *after.values() or [{}]))
    return sort(
        [
            replace(one, rollout=f"{name}: {one.rollout}" if one.rollout else name)
            for name in sorted({*before, *after})
            for one in _of_one(before.get(name, {}), after.get(name, {}))
        ]
    )


def _of_one(old: Files, new: Files) -> list[DiffLine]:
    before, after = facts(old), facts(new)
    changes: list[DiffLine] = []
    for name in dict.fromkeys([*before.rollouts, *after.rollouts]):
        changes += _rollout(name, before.rollouts.get(name), after.rollouts.get(name))
    if before.common is not None and after.common is not None:
        changes += shared(before.common, after.common)
    if before.rollouts:
        changes += exporters_and_cluster(before, after)
    return changes


def _rollout(name: str, old: RolloutState | None, new: RolloutState | None) -> list[DiffLine]:
    if old is not None and new is not None:
        changes = [*tiers(name, old, new), *procedure(name, old, new)]
        if not changes and old.whole != new.whole:
            changes = [
                DiffLine(Effect.unclear, name, "", "changed in what has no words here; read the patch")
            ]
        return changes
    if old is not None:
        what = f"rollout removed with its guardrails: {', '.join(old.guardrails)}"
        return [DiffLine(Effect.looser, name, "", what)]
    what = f"new rollout with guardrails: {', '.join(new.guardrails if new else ())}"
    return [DiffLine(Effect.tighter, name, "", what)]
