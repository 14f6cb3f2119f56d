"""A share that is softer than a rollback, in words: how much it is, and what a person may do from there."""

from __future__ import annotations

from handrail.contract import Playbook, names


def share_of(playbook: Playbook) -> str:
    """The smaller share."""
    action = playbook.action(names.REDUCE)
    weight = action.weight if action is not None else None
    return "a smaller share" if weight is None else f"{weight * 100:g} %"


def ways_on(rollout: str, stage: str) -> str:
    """What ends it: the stage once more, or the whole way back."""
    again = f"`handrail rollout retry {rollout}` enters stage {stage} again"
    return f"{again}, `handrail rollout rollback {rollout}` goes back"
