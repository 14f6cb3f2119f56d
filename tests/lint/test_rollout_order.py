"""rollout-order: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.rollout_order import NAME

TIERS = guardrail('tiers=[Warning(Above("1%"))]')


def words(*facts: str) -> list[str]:
    return [what for _, what in found(NAME, "stages=STAGES", *facts, TIERS)]


def test_a_rollout_that_nobody_declares_keeps_it_waiting_for_ever() -> None:
    assert sorted(words('waits_for=["db"]', 'goes_back_with=["api"]')) == [
        "error: rollout 'shop' has 'api' in goes_back_with=, and no rollout is called that; correct the name, or declare it",
        "error: rollout 'shop' has 'db' in waits_for=, and no rollout is called that; correct the name, or declare it",
    ]


def test_a_rollout_neither_waits_for_itself_nor_goes_back_with_itself() -> None:
    assert sorted(words('waits_for=["shop"]', 'goes_back_with=["shop"]')) == [
        "error: rollout 'shop' goes back with itself; name another rollout",
        (
            "error: rollout 'shop' waits for itself, maybe through others, and would never begin; "
            "take one of them out of waits_for="
        ),
    ]


def test_without_others_there_is_nothing_to_find() -> None:
    assert words() == []
