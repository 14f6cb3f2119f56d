"""unknown-rollout: what it reports, with line and message, and what it does not report."""

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


def test_so_are_overrides_of_what_does_not_exist() -> None:
    environments = """
        eu = Environment(
            "eu",
            overrides=[
                ForRollout("shpo", scrape="30s"),
                ForGuardrail("shop", "erors", mode="shadow"),
                ForGuardrail("shop", "errors", mode="shadow"),
            ],
        )
    """
    assert found(NAME, TIERS, environments=environments) == [
        (
            'ForRollout("shpo", scrape="30s"),',
            "fatal: environment 'eu' has an override for rollout 'shpo', which does not exist; did you mean 'shop'?",
        ),
        (
            'ForGuardrail("shop", "erors", mode="shadow"),',
            (
                "fatal: environment 'eu' has an override for guardrail 'erors' of 'shop', which does not exist; "
                "did you mean 'errors'?"
            ),
        ),
    ]
