"""A playbook → with which others a rollout goes, and who has its incidents: a line each."""

from __future__ import annotations

from typing import Any


def others_of(playbook: Any) -> tuple[str, ...]:
    """With which other rollouts one goes forward and back, and who acknowledges its incidents by when."""
    pairs = (("waits_for", "waits for"), ("goes_back_with", "goes back with"))
    rollouts = [f"{words} {name}" for word, words in pairs for name in playbook.get(word, ())]
    deadlines = playbook.get("acknowledge", ())
    return (*rollouts, *(f"acknowledged by {one['who']} within {one['within']:g} s" for one in deadlines))
