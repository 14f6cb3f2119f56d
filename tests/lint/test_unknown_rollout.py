"""unknown-rollout: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.unknown_rollout import NAME

TIERS = guardrail('tiers=[Warning(Above("1%"))]')


def test_matchers_for_a_rollout_that_nobody_declares_are_refused() -> None:
    environments = """
        eu = Environment(
            "eu",
            match={
                "shpo": {"region": "eu"},
            },
        )
    """
    assert found(NAME, TIERS, environments=environments) == [
        (
            '"shpo": {"region": "eu"},',
            "fatal: environment 'eu' has matchers for rollout 'shpo', which does not exist; did you mean 'shop'?",
        )
    ]


def test_matchers_for_a_rollout_that_exists_are_fine() -> None:
    environments = 'eu = Environment("eu", match={"shop": {"region": "eu"}})\n'
    assert found(NAME, TIERS, environments=environments) == []
