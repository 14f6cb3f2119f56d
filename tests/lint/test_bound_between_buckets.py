"""bound-between-buckets: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.bound_between_buckets import NAME


def test_a_share_slower_than_a_bound_needs_a_bucket_at_the_bound() -> None:
    measure = """SlowerThan(
            "request_seconds",
            "400ms",
            buckets=[0.25, 0.5],
        )"""
    assert found(NAME, guardrail('tiers=[Warning(Above("5%"))]', measure=measure)) == [
        (
            '"400ms",',
            "error: 'errors' asks for a bucket at 400ms, and there is none: 0.25, 0.5; use one of these",
        )
    ]


def test_a_histogram_in_milliseconds_has_its_buckets_in_milliseconds() -> None:
    facts = guardrail(
        'tiers=[Warning(Above("5%"))]',
        measure='SlowerThan("request_ms", "500ms", unit="ms", buckets=[250, 500])',
    )
    assert found(NAME, facts) == []


def test_slow_observations_are_counted_at_a_bucket() -> None:
    facts = guardrail(
        "tiers=[Warning(Above(0))]", measure='Increase("write_seconds", slower_than="5s", buckets=[1, 10])'
    )
    assert [what for _, what in found(NAME, facts)] == [
        "error: 'errors' asks for a bucket at 5s, and there is none: 1, 10; use one of these"
    ]


def test_a_quantile_between_two_buckets_is_guessed() -> None:
    assert found(NAME, guardrail('tiers=[Warning(Above("300ms"))]', measure="TIME")) == [
        (
            'tiers=[Warning(Above("300ms"))],',
            (
                "warning: 'errors' has a limit of 300ms between two buckets, where a quantile is guessed: "
                "0.1, 0.25, 0.5, 1; move the limit or add a bucket"
            ),
        )
    ]


def test_an_objective_s_bound_needs_its_bucket_too() -> None:
    slos = 'slos=[Slo("quick", SlowerThan("request_seconds", "2s", buckets=[1]), objective="99%", runbook=RUNBOOK)]'
    facts = guardrail('tiers=[Warning(Above("5%"))]')
    assert [what for _, what in found(NAME, slos, facts)] == [
        "error: 'quick' asks for a bucket at 2s, and there is none: 1; use one of these"
    ]


def test_buckets_that_nobody_names_are_asked_for() -> None:
    facts = guardrail('tiers=[Warning(Above("300ms"))]', measure='Latency("request_seconds", p=95)')
    assert found(NAME, facts) == [
        (
            'Latency("request_seconds", p=95),',
            (
                "info: 'errors' does not say where its histogram has buckets; "
                "add buckets=[…] in the metric's own unit, so that bounds can be checked"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ("TIME", 'Above("250ms")'),
        ("TIME", 'Rise("10%")'),
        ('Latency("request_seconds", p=95, native=True)', 'Above("300ms")'),
        ('SlowerThan("request_seconds", "500ms", buckets=[0.25, 0.5])', 'Above("5%")'),
    ],
)
def test_a_bound_at_a_bucket_is_fine(measure: str, limit: str) -> None:
    assert found(NAME, guardrail(f'against=Ago("7d"), tiers=[Warning({limit})]', measure=measure)) == []


def test_the_last_bucket_of_every_histogram_may_be_listed_as_the_libraries_do() -> None:
    measure = 'SlowerThan("request_seconds", "250ms", buckets=[0.1, 0.5, float("inf")])'
    [(_, said)] = found("bound-between-buckets", guardrail('tiers=[Critical(Above("1%"))]', measure=measure))
    assert said == (
        "error: 'errors' asks for a bucket at 250ms, and there is none: 0.1, 0.5; use one of these"
    )
