"""severity-words: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.severity_words import NAME

TIERS = guardrail('tiers=[Warning(Above("1%")), Critical(Above("5%"))]')


def test_two_tiers_with_one_word_cannot_be_told_apart() -> None:
    severities = """
        severities={
            "warning": "P2",
            "critical": "P2",
        }
    """
    assert found(NAME, severities, TIERS) == [
        (
            '"critical": "P2",',
            "error: severities calls warning and critical both 'P2'; give each its own word",
        )
    ]


@pytest.mark.parametrize("word", ["critical", "none"])
def test_a_word_that_means_something_else_is_refused(word: str) -> None:
    assert (
        f"error: severities calls warning '{word}', a word that means something else; choose another word"
        in [what for _, what in found(NAME, f'severities={{"warning": "{word}"}}', TIERS)]
    )


def test_one_guardrail_s_tiers_with_one_word_are_worth_a_warning() -> None:
    tiers = """
        tiers=[
            Warning(Above("1%")),
            Critical(Above("5%"), severity="warning"),
        ]
    """
    assert found(NAME, guardrail(tiers)) == [
        (
            'Critical(Above("5%"), severity="warning"),',
            "warning: 'errors' gives warning and critical the same severity 'warning'; give each its own word",
        )
    ]


def test_words_of_one_s_own_are_fine() -> None:
    severities = 'severities={"warning": "P3", "critical": "P2", "emergency": "P1"}'
    assert found(NAME, severities, TIERS) == []
