"""ago-within-window: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.ago_within_window import NAME


def test_a_figure_that_holds_most_of_the_other_is_found() -> None:
    facts = guardrail('against=Ago("4m")', 'tiers=[Warning(RisePoints("5%"))]')
    what = "'errors' is compared with 4m ago, and looks back over 5m itself"
    assert found(NAME, facts) == [
        ('against=Ago("4m"),', f"error: {what}; write Ago of at least 5m, or shorten window=")
    ]


def test_so_is_that_of_a_further_measure_and_of_a_criterion() -> None:
    other = 'On("more", Increase("x_total", window="1h"), RisePoints(5), against=Ago("30m"))'
    facts = guardrail(f'tiers=[Warning(Above("5%"), or_=[{other}])]')
    assert len(found(NAME, facts)) == 1
    assert len(found(NAME, guardrail('against=Ago("1m")', 'success=RisePoints("5%")'))) == 1


def test_one_sample_is_not_compared_with_itself() -> None:
    facts = guardrail('against=Ago("10s")', "tiers=[Warning(RisePoints(5))]", measure='Gauge("x")')
    what = "'errors' is compared with 10s ago, and is scraped every 15s"
    assert found(NAME, facts) == [('against=Ago("10s"),', f"error: {what}; write Ago of at least 15s")]


@pytest.mark.parametrize(
    ("measure", "limit", "ago"),
    [
        ("ERRORS", 'RisePoints("5%")', "5m"),
        ("ERRORS", 'RisePoints("5%")', "7d"),
        ("ERRORS", 'Above("5%")', "1m"),
        ('Gauge("x")', "RisePoints(5)", "15s"),
    ],
)
def test_what_lies_a_window_back_or_has_none_is_fine(measure: str, limit: str, ago: str) -> None:
    facts = guardrail(f'against=Ago("{ago}")', f"tiers=[Warning({limit})]", measure=measure)
    assert found(NAME, facts) == []
