"""free-promql: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.free_promql import NAME

FREE = 'PromQL("sum(queue_length)")'


def test_what_handrail_cannot_check_is_worth_a_warning() -> None:
    assert found(NAME, guardrail("tiers=[Warning(Above(5))]", measure=FREE)) == [
        (
            f"{FREE},",
            (
                "warning: 'errors' is measured by free PromQL, "
                "which is not protected against idle series, new series and few events; "
                'use a typed measure, or accept={"free-promql": "why"}'
            ),
        )
    ]


def test_it_can_be_accepted_with_a_reason() -> None:
    facts = guardrail(
        'accept={"free-promql": "a queue has no typed measure"}, tiers=[Warning(Above(5))]', measure=FREE
    )
    assert found(NAME, facts) == []


def test_a_typed_measure_is_fine() -> None:
    assert found(NAME, guardrail('tiers=[Warning(Above("5%"))]')) == []
