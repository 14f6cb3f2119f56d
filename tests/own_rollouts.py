"""What this repository itself declares, read and planned once in a process: each time takes half a second."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from handrail.loading.load import Loaded, load
from handrail.lower import lower
from handrail.plan import Plan, Rollout

SOURCE = Path(__file__).parents[1] / "rules_src"


@cache
def own_declarations() -> Loaded:
    """All of its declarations."""
    return load(SOURCE)


@cache
def own_plan() -> Plan:
    """All of its rollouts, in its first environment."""
    loaded = own_declarations()
    return lower(loaded.rollouts, loaded.environment(None))


def own_rollout(name: str) -> Rollout:
    """One of them."""
    return next(one for one in own_plan().rollouts if one.name == name)
