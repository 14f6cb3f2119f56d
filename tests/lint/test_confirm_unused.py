"""confirm-unused: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.confirm_unused import NAME


def test_a_question_that_is_never_asked_again() -> None:
    facts = guardrail('tiers=[Critical(Above("1%"), action="hold", confirm=Confirm("15s"))]')
    assert found(NAME, facts) == [
        (
            'tiers=[Critical(Above("1%"), action="hold", confirm=Confirm("15s"))],',
            (
                "warning: 'errors' asks again before 'hold', which is done at once; "
                "remove confirm=, or let the tier roll back"
            ),
        )
    ]


def test_a_rollback_may_be_confirmed() -> None:
    facts = guardrail('tiers=[Critical(Above("1%"), action="rollback", confirm=Confirm("15s"))]')
    assert found(NAME, "rollback=UNDO", facts) == []
