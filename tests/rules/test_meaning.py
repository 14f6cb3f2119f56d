"""Which changes of a rule are none: what one side of a join says, the other need not."""

from __future__ import annotations

import pytest
from mutation.expressions import changes
from mutation.meaning import meaning, pinned
from promql_parser import parse


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('a{r="x"} / b{r="x"}', 'a / b{r="x"}'),
        ('a{r="x"} / b{r="x"}', 'a{r="x"} / b'),
        ('a{r="x"} unless b{r="x"}', 'a{r="x"} unless b'),
        ('a{r="x"} > 1 and on (r) b{r="x"} > 2', 'a > 1 and on (r) b{r="x"} > 2'),
        (
            'a{r="x"} and on (r) sum by (r) (rate(b{r="x"}[5m]))',
            'a{r="x"} and on (r) sum by (r) (rate(b[5m]))',
        ),
        ('a{r="x"} * on (r) group_left (s) b{r="x"}', 'a{r="x"} * on (r) group_left (s) b'),
        ('a{r=~"x|y"} / b{r=~"x|y"}', 'a{r=~"x|y"} / b'),
    ],
)
def test_a_matcher_that_a_join_repeats_says_nothing(one: str, other: str) -> None:
    assert meaning(parse(one)) == meaning(parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('a{r="x"} unless b{r="x"}', 'a unless b{r="x"}'),
        ('a{r="x"} or b{r="x"}', 'a{r="x"} or b'),
        ('a{r="x"} and on () b{r="x"}', 'a{r="x"} and on () b'),
        ('a{r="x"} and on (r) sum(b{r="x"})', 'a{r="x"} and on (r) sum(b)'),
        ('a{r="x"} and on (r) absent(b{r="x"})', 'a{r="x"} and on (r) absent(b)'),
        ('a{r=~"x|y"} / b{r=~"x|y"}', "a / b"),
        ('a{r="x"} / b{r="x"} offset 5m', 'a{r="x"} / b{r="x"}'),
    ],
)
def test_any_other_matcher_does(one: str, other: str) -> None:
    assert meaning(parse(one)) != meaning(parse(other))


def test_a_change_that_changes_nothing_is_no_mutant() -> None:
    dropped = [change.what for change in changes('a{r="x"} unless b{r="x"}') if "dropped" in change.what]
    assert dropped == ['matcher r="x" of a (1) dropped']


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ('sum_over_time(a{r="x"}[1h]) / (sum_over_time(b{r="x"}[1h]) > 0)', {("r", "x")}),
        ('(a{r="x",w="1"} > 1 and on (r) a{r="x",w="2"} > 1) or (a{r="x",w="3"} > 2)', {("r", "x")}),
        ('sum by (s) (a{r="x",s="y"})', {("s", "y")}),
        ('sum(a{r="x"})', set()),
        ('absent(a{r="x"})', set()),
    ],
)
def test_a_label_that_comes_out_by_itself(expr: str, labels: set[tuple[str, str]]) -> None:
    assert pinned(expr) == labels
