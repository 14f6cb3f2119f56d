"""promql-comparison: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.promql_comparison import NAME


def said(expr: str) -> list[str]:
    facts = guardrail("tiers=[Warning(Above(0))]", measure=f"PromQL('{expr}')")
    return [what for _, what in found(NAME, facts)]


def test_a_comparison_belongs_into_the_limit() -> None:
    what = "'errors' has no sample while `lag_seconds > 5` does not hold, and is blind then"
    cure = "compare in the limit, by `bool`, or add `or vector(0)`"
    assert said("lag_seconds > 5") == [f"error: {what}; {cure}"]


@pytest.mark.parametrize(
    ("expr", "silent"),
    [
        ("count(lag > 5)", "lag > 5"),
        ("max by (pod) (lag != 0)", "lag != 0"),
        ("max_over_time((lag > 5)[5m:1m])", "lag > 5"),
        ("a and b > 5", "b > 5"),
        ("(a == 1) unless b", "a == 1"),
        ("a > 5 or b > 6", "a > 5"),
        ("-(a > 5) * 2", "a > 5"),
        ("scalar(a > 5)", "a > 5"),
    ],
)
def test_wherever_it_leaves_no_sample(expr: str, silent: str) -> None:
    [what] = said(expr)
    assert f"`{silent}`" in what


def test_what_is_there_only_while_something_is_not_is_found_too() -> None:
    what = "'errors' has no sample while the series that `absent(up{job=\"shop\"})` looks for is there"
    assert said('absent(up{job="shop"})') == [f"error: {what}; use Absence, or add `or vector(0)`"]


@pytest.mark.parametrize(
    "expr",
    [
        "lag",
        "lag > bool 5",
        "count(lag > 5) or vector(0)",
        "absent(up) or vector(0)",
        "a unless b > 5",
        "sum(a) / (sum(b) > 0)",
        "sum(a) / (sum(b) != 0)",
        "vector(1 > bool 2)",
    ],
)
def test_what_always_has_a_sample_is_fine(expr: str) -> None:
    assert said(expr) == []


def test_a_panel_may_draw_what_it_wants() -> None:
    page = 'dashboards=[Dashboard("main", panels=[Panel("Late", PromQL("lag > 5"))])]'
    assert found(NAME, guardrail('tiers=[Warning(Above("5%"))]'), page) == []
