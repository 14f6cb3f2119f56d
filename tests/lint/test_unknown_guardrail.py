"""unknown-guardrail: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.unknown_guardrail import NAME

TIERS = 'tiers=[Warning(Above("5%"))]'


def test_a_panel_with_a_typo_in_its_limits_is_named_with_the_guardrail_that_was_meant() -> None:
    page = """
        dashboards=[
            Dashboard(
                "main",
                panels=[
                    Panel(
                        "Errors",
                        ERRORS,
                        limits_of="error",
                    )
                ],
            )
        ]
    """
    assert found(NAME, guardrail(TIERS), page) == [
        (
            'limits_of="error",',
            "error: panel 'Errors' draws the limits of 'error', which does not exist; did you mean 'errors'?",
        )
    ]


def test_limits_of_a_guardrail_that_exists_are_fine() -> None:
    page = 'dashboards=[Dashboard("main", panels=[Panel("Errors", ERRORS, limits_of="errors")])]'
    assert found(NAME, guardrail(TIERS), page) == []
