"""unknown-guardrail: what it finds, with line and words, and what it leaves alone."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.unknown_guardrail import NAME

TIERS = guardrail('tiers=[Warning(Above("5%"))]')


def test_a_panel_without_the_limit_it_asks_for_is_found() -> None:
    dashboards = """
        dashboards=[
            Dashboard(
                "main",
                panels=[
                    Panel("Errors", ERRORS, limits_of="erors"),
                    Panel("Errors", ERRORS, limits_of="errors"),
                ],
            )
        ]
    """
    assert found(NAME, dashboards, TIERS) == [
        (
            'Panel("Errors", ERRORS, limits_of="erors"),',
            "error: panel 'Errors' draws the limits of 'erors', which does not exist; did you mean 'errors'?",
        )
    ]
