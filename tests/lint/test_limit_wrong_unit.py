"""limit-wrong-unit: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.limit_wrong_unit import NAME


def test_minutes_are_no_share() -> None:
    assert found(NAME, guardrail('tiers=[Warning(Above("5m"))]')) == [
        (
            'tiers=[Warning(Above("5m"))],',
            "fatal: 'errors' has a figure of 5m, and what it is compared with is a share; write it like 5%",
        )
    ]


@pytest.mark.parametrize(
    ("measure", "limit", "example"),
    [
        ("TIME", "Above(0.3)", "300ms"),
        ('Rate("x_total")', "Above(10)", "10/s"),
        ('Increase("x_total")', 'Above("10/s")', "42"),
        ('Gauge("x", unit="bytes")', "Above(1000)", "1GB"),
        ('Gauge("x", unit="percent")', "Above(80)", "5%"),
        ('Usage("x", 50)', "Above(45)", "5%"),
        ('Growth("x", unit="bytes")', 'Above("5%")', "1GB"),
        ('Difference("x", minus="y", unit="bytes")', "Above(5)", "1GB"),
        ('Forecast("x", unit="percent")', "Above(5)", "5%"),
        ('Age("x")', "Above(26)", "300ms"),
        ('TimeUntil("x")', 'Below("5%")', "300ms"),
        ('Count("x")', 'Below("5%")', "42"),
        ('Changes("x")', 'Above("5/s")', "42"),
        ('While(Rate("x_total"), condition=Rate("y_total"))', "Above(5)", "10/s"),
    ],
)
def test_a_limit_is_written_in_its_measure_s_unit(measure: str, limit: str, example: str) -> None:
    facts = guardrail(f"tiers=[Warning({limit})]", measure=measure)
    assert [what.rpartition("; ")[2] for _, what in found(NAME, facts)] == [f"write it like {example}"]


@pytest.mark.parametrize(
    ("measure", "limit", "unit"),
    [
        ('Gauge("heap_bytes")', 'Above("1GB")', 'Gauge unit="bytes"'),
        ('Growth("heap_bytes")', 'Above("1GB")', 'Growth unit="bytes"'),
        ('Forecast("free_bytes")', 'Below("1GB")', 'Forecast unit="bytes"'),
        ('Difference("x", minus="y")', 'Above("300ms")', 'Difference unit="seconds"'),
        ('PromQL("sum(x)")', 'Above("300ms")', 'PromQL unit="seconds"'),
    ],
)
def test_or_the_measure_gets_the_limit_s_unit(measure: str, limit: str, unit: str) -> None:
    facts = guardrail(f"tiers=[Warning({limit})]", measure=measure)
    assert [what.rpartition("; ")[2] for _, what in found(NAME, facts)] == [
        f"write it like 42, or give {unit}"
    ]


def test_a_fixed_reference_and_a_condition_have_units_too() -> None:
    measure = 'While(Rate("x_total"), condition=Rate("y_total"), above=3)'
    facts = guardrail('against=Fixed("776K"), tiers=[Warning(Drop("20%"))]', measure=measure)
    assert [what for _, what in found(NAME, facts)] == [
        "fatal: 'errors' has a figure of 3, and what it is compared with is a rate; write it like 10/s",
        "fatal: 'errors' has a figure of 776K, and what it is compared with is a rate; write it like 10/s",
    ]


@pytest.mark.parametrize(
    ("measure", "limit"),
    [
        ("ERRORS", 'Above("5%")'),
        ("ERRORS", "Above(0)"),
        ("TIME", 'Above("1.5s")'),
        ('Rate("x_total")', 'Above("100/min")'),
        ('Gauge("x", unit="milliseconds")', 'Above("200ms")'),
        ('State("breaker")', 'Is("open")'),
    ],
)
def test_the_right_unit_is_fine(measure: str, limit: str) -> None:
    assert found(NAME, guardrail(f"tiers=[Warning({limit})]", measure=measure)) == []


def test_a_floor_is_in_the_measure_s_own_unit() -> None:
    facts = guardrail("against=Ago('1d')", 'tiers=[Warning(Rise("50%", floor="1s"))]')
    assert [what for _, what in found(NAME, facts)] == [
        "fatal: 'errors' has a figure of 1s, and what it is compared with is a share; write it like 5%"
    ]
