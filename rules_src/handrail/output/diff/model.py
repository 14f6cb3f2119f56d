"""One difference between two states of generated/, and what it does to the protection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What a difference does; the order is the order of danger."""

    looser = "LOOSER"
    unclear = "UNCLEAR"
    tighter = "tighter"
    neutral = "neutral"


ORDER = tuple(Effect)
EffectAndWords = tuple[Effect, str]
"""What a difference does, and how it is said."""


@dataclass(frozen=True)
class DiffLine:
    """`what` changes at `subject` (a guardrail and its tier, a stage, an action; empty: the rollout itself).

    `unclear` is for what only a person can judge: never taken for harmless.
    """

    effect: Effect
    rollout: str
    subject: str
    what: str

    def __str__(self) -> str:
        place = " ".join(filter(None, [self.rollout, self.subject]))
        return f"{place}: {self.what}"


def sort(differences: list[DiffLine]) -> list[DiffLine]:
    """The most dangerous first; then by place."""
    return sorted(differences, key=lambda d: (ORDER.index(d.effect), d.rollout, d.subject, d.what))


def by_size(old: object, new: object, *, more_is: Effect) -> Effect:
    """The effect of a number that grew or shrank; None means unlimited, so more than any number."""
    less_is = Effect.tighter if more_is is Effect.looser else Effect.looser
    if new is None:
        return more_is
    if old is None:
        return less_is
    return more_is if new > old else less_is  # type: ignore[operator]


def worst(effects: set[Effect]) -> Effect:
    """The most dangerous of several effects; neutral when there is none."""
    return min(effects, key=ORDER.index, default=Effect.neutral)
