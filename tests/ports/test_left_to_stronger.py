"""Two rollbacks of one attempt that set one target: the stronger one decides about it, in every store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guarded import NOW
from handrail.contract import Step
from handrail_receiver.model import EffectState
from handrail_receiver.store import Store
from one_target import ALL_DIFFERENT, OTHER_MEANS, OTHER_VALUE, WEIGHT
from ports.store_cases import LEASE, begun, opening

pytestmark = pytest.mark.anyio


async def _leased(store: Store, **steps: tuple[Step, ...]) -> dict[str, list[EffectState]]:
    """Rollbacks of one attempt, each with its steps → the states in which its receiver gets these."""
    names = {name: f"{name}-rollback".removeprefix("plain-") for name in steps}
    await begun(store, *(replace(opening(names[name]), steps=given) for name, given in steps.items()))
    runs = {run.action: run for run in await store.runs.lease("me", NOW, LEASE)}
    return {name: [effect.state for effect in runs[names[name]].effects] for name in steps}


@pytest.mark.parametrize(("strong", "weak"), OTHER_VALUE)
async def test_another_value_of_the_same_target_is_left_to_the_stronger_one(
    store: Store, strong: Step, weak: Step
) -> None:
    states = await _leased(store, plain=(weak,), emergency=(strong,))
    assert states == {"plain": [EffectState.left], "emergency": [EffectState.intended]}


@pytest.mark.parametrize(("strong", "weak"), OTHER_MEANS)
async def test_the_same_value_is_set_by_both_whatever_their_means(
    store: Store, strong: Step, weak: Step
) -> None:
    states = await _leased(store, plain=(weak,), emergency=(strong,))
    assert states == {"plain": [EffectState.intended], "emergency": [EffectState.intended]}


async def test_other_targets_are_not_left(store: Store) -> None:
    first, *others = ALL_DIFFERENT
    states = await _leased(store, plain=tuple(others), emergency=(first,))
    assert set(states["plain"]) == {EffectState.intended}


async def test_of_three_the_strongest_decides_with_its_last_step(store: Store) -> None:
    none, some, most = (replace(WEIGHT, weight=weight) for weight in (0, 10, 100))
    states = await _leased(store, security=(some, none), plain=(none, some), emergency=(most,))
    assert states == {
        "security": [EffectState.intended, EffectState.intended],
        "plain": [EffectState.intended, EffectState.left],
        "emergency": [EffectState.left],
    }
