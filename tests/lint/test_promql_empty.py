"""promql-empty: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.promql_empty import NAME


def said(expr: str) -> list[str]:
    facts = guardrail("tiers=[Warning(Above(0))]", measure=f"PromQL({expr!r})")
    return [what for _, what in found(NAME, facts)]


@pytest.mark.parametrize(
    "expr",
    [
        'x{code="500"} / x{code="200"}',
        'rate(x{code="500"}[5m]) / rate(x{code="200"}[5m])',
        'sum by (code) (x{code="500"}) / sum by (code) (x{code="200"})',
        'sum without (a) (x{code="500"}) / (x{code="200"})',
        'x{code="500"} / on (code) x{code="200"}',
        'max(x{code="500"} and y{code="200"})',
        'x{code="500"} > bool x{code="200"}',
    ],
)
def test_sides_that_never_meet_have_no_result(expr: str) -> None:
    what = "'errors' joins series whose 'code' is never the same, and has no result"
    assert said(expr) == [f"error: {what}; aggregate it away, or write ignoring(code)"]


def test_matchers_that_contradict_each_other_select_nothing() -> None:
    assert said('sum(rate(x{a="b", a="c"}[5m]))') == [
        "error: 'errors' matches 'a' twice, and no series fits both; remove one of them"
    ]


@pytest.mark.parametrize("expr", ["1", "vector(1)", "1 + 2 * vector(3)", "pi()"])
def test_what_looks_at_no_series_says_the_same_for_ever(expr: str) -> None:
    assert said(expr) == [
        "error: 'errors' looks at no series, and says the same whatever happens; write what is to be judged"
    ]


@pytest.mark.parametrize(
    ("expr", "what"),
    [
        ("x @ 1700000000", "looks at one moment for ever; write offset, or remove @"),
        ("rate(x[5m] @ 1700000000)", "looks at one moment for ever; write offset, or remove @"),
        ("x offset -5m", "looks into the future, where no samples are; write a positive offset"),
        ("rate(x[2m] offset -2m)", "looks into the future, where no samples are; write a positive offset"),
        (
            "max_over_time(x[5m:10m])",
            "has a subquery that is shorter than its step, and mostly without a sample; write a longer one",
        ),
        ("x / (0)", "divides by 0, which is no number; correct the divisor"),
        ("sum(x) % 0", "divides by 0, which is no number; correct the divisor"),
    ],
)
def test_neither_the_future_nor_one_moment_says_how_it_is_now(expr: str, what: str) -> None:
    assert said(expr) == [f"error: 'errors' {what}"]


@pytest.mark.parametrize(
    "expr",
    [
        "x offset 5m",
        "x offset -4m",
        "rate(x[5m] offset -2m)",
        "x @ end()",
        "max_over_time(x[5m:1m])",
        "max_over_time(x[5m:])",
        "x / (y != 0)",
        'sum(x{code="500"}) / sum(x{code="200"})',
        'x{code="500"} / ignoring (code) x{code="200"}',
        'x{code="500"} / on (job) x{code="200"}',
        'sum by (job) (x{code="500"}) / sum by (job) (x{code="200"})',
        'x{code="500"} or y{code="200"}',
        'x{code="500"} unless y{code="200"}',
        'x{code="500"} / y{code=~"200"}',
        'label_replace(x{code="500"}, "code", "", "", "") / label_replace(y{code="200"}, "code", "", "", "")',
        "hour()",
        "time() - max(x)",
    ],
)
def test_what_may_have_any_value_is_fine(expr: str) -> None:
    assert said(expr) == []
