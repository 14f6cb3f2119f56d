"""nothing-to-judge: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.nothing_to_judge import NAME


def test_a_guardrail_without_a_limit_is_none() -> None:
    assert found(NAME, guardrail("tiers=[]")) == [
        ("Guardrail(", "fatal: 'errors' judges nothing; add tiers= or success=")
    ]


def test_a_rollout_without_guardrails_guards_nothing() -> None:
    assert found(NAME, "guardrails=[]") == [
        ("guardrails=[],", "fatal: rollout 'shop' guards nothing; add a guardrail")
    ]


def test_a_criterion_alone_is_something() -> None:
    assert found(NAME, guardrail('success=Below("1%")')) == []
