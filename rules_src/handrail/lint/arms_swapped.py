"""arms-swapped: the arms' values are those of each other.

With `Arms("track", canary="stable", stable="canary")` the old version is judged: nothing that the new one does fires,
and what is relative to the stable arm is turned round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.common.finding import Finding, finding

NAME = "arms-swapped"
_NEW = {"canary", "candidate", "next", "new", "preview"}
_OLD = {"stable", "baseline", "primary", "control", "current", "old", "previous"}


def check(rollout: Rollout) -> Iterator[Finding]:
    """The two values, by the words in them."""
    arms = rollout.arms
    if arms is None or not isinstance(arms.canary, str) or not isinstance(arms.stable, str):
        return
    new, old = _words(arms.canary), _words(arms.stable)
    if (new & _OLD and not new & _NEW) and not old & _OLD:
        yield finding(
            NAME, arms, f"canary is '{arms.canary}', as the old version is called", _cure(), "canary"
        )
    elif (old & _NEW and not old & _OLD) and not new & _NEW:
        yield finding(
            NAME, arms, f"stable is '{arms.stable}', as the new version is called", _cure(), "stable"
        )


def _cure() -> str:
    return "write the label's value of the new version as canary=, of the old one as stable="


def _words(value: str) -> set[str]:
    return set(re.split(r"[^a-z]+", value.lower()))
