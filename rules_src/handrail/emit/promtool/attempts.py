"""What the receiver says of an attempt: its versions, where they are told when it starts, and the figures it captured."""

from __future__ import annotations

from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import OTHER, At, Key
from handrail.plan import Arms, Rollout

STABLE, CANARY = "v1", "v2"
"""Versions as they come, one after the other: it is CANARY's turn."""


def canary_of(arms: Arms) -> str:
    """The canary's value of the label that tells raw series apart."""
    return CANARY if arms.told else arms.canary


def stable_of(arms: Arms) -> str:
    """The same of the stable arm."""
    return STABLE if arms.told else arms.stable


def attempt(rollout: Rollout, number: int) -> dict[Key, At]:
    """The versions of attempt `number`, 0 where none is active; nothing where they are declared."""
    if rollout.arms is None or not rollout.arms.told:
        return {}
    return {
        Key.of(names.ARM_METRIC, {names.ROLLOUT: rollout.name, names.ARM: arm, names.ARM_VALUE: version}): At(
            Decimal(number)
        )
        for arm, version in ((names.CANARY, CANARY), (names.STABLE, STABLE))
    }


def captured_twice(labels: dict[str, str], base: Decimal) -> dict[Key, At]:
    """A captured figure; a lower one that a second receiver tells still; and much higher ones of others."""
    found = {Key.of(names.REFERENCE_METRIC, labels): At(base)}
    found[Key.of(names.REFERENCE_METRIC, {**labels, "instance": OTHER})] = At(base - abs(base) / 2 - 1)
    for label in (names.ROLLOUT, names.GUARDRAIL, names.REFERENCE):
        found[Key.of(names.REFERENCE_METRIC, {**labels, label: OTHER})] = At(10 * abs(base) + 10)
    return found
