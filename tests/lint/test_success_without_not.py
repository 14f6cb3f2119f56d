"""success-without-not: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.success_without_not import NAME

AGAINST = 'against=Ago("7d")'


@pytest.mark.parametrize("word", ["Rise", "RisePoints", "Drop", "DropPoints"])
def test_a_change_that_must_not_happen_is_not_written_as_if_it_were_wanted(word: str) -> None:
    written = f'success={word}("10%")'
    assert found(NAME, "stages=STAGES", "arms=ARMS", guardrail(AGAINST, written)) == [
        (
            f"{written},",
            (
                f"warning: 'errors' has success={word}(…), which reads as if that were wanted; "
                f"write success=Not({word}(…)), which means the same"
            ),
        )
    ]


@pytest.mark.parametrize(
    "success", ['Not(Rise("10%"))', '[Below("1%"), Not(Rise("10%", floor="1%"))]', 'Below("1%")', "()"]
)
def test_what_reads_as_it_is_meant_is_fine(success: str) -> None:
    facts = guardrail(AGAINST, f"success={success}", 'tiers=[Critical(Rise("50%"))]')
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == []
