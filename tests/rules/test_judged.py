"""Which rules promtool gets: all that what is asked may read, and no others; and which of the two is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
from handrail.emit.document import Data
from handrail.emit.groups import rules
from handrail.output.read_yaml import read_yaml

from .conftest import WINDOWS
from .judged import needed
from .test_no_rule_fails import guardrails, planned
from .walk import nodes

GENERATED = Path(__file__).parents[2] / "generated/prometheus/rules"


def recorded(name: str, expr: str, **labels: str) -> dict[str, Any]:
    return {"record": name, "expr": expr, "labels": labels}


RULES: list[dict[str, Any]] = [
    recorded("share", "failed / asked", signal="a"),
    recorded("share", "slow / asked", signal="b"),
    recorded("asked", "sum(requests_total)"),
    recorded("slow", "sum(slow_total)", signal="{{ $labels.signal }}"),
    {"alert": "TooMany", "expr": 'share{signal="a"} > 1', "labels": {"tier": "critical"}},
    {
        "alert": "TooSlow",
        "expr": 'share{signal=~"b|c"} > 1 and slow{signal="b"}',
        "labels": {"tier": "warning"},
    },
]


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ('ALERTS{alertname="TooMany"}', [0, 2, 4]),
        ('count(ALERTS{tier!~"crit.*"})', [1, 2, 3, 5]),
        ('ALERTS{alertstate="firing"}', [0, 1, 2, 3, 4, 5]),
        ('ALERTS{tier="blind"}', []),
        ('share{signal!="a"}', [1, 2, 3]),
        ('{signal="a"}', [0, 1, 2, 3, 4, 5]),
        ("requests_total", []),
    ],
)
def test_the_rules_that_an_expression_may_read_by_their_own_labels(asked: str, read: list[int]) -> None:
    found = needed([{"name": "g", "rules": RULES}], [asked])
    assert [rule for group in found["groups"] for rule in group["rules"]] == [RULES[one] for one in read]


BY_HAND = {
    ("count_over_time", "recorded"): "promises",
    ("last_over_time", "subquery"): "compared",
    ("predict_linear", "raw"): "series_measures",
}
"""What reads a window in no rule of this repository → the module in which the older promtool is asked about it."""


def test_the_older_promtool_is_asked_about_every_function_of_a_window() -> None:
    """About this repository's rules `make check` asks it; any other rule reads its windows as these do, or by hand."""
    of_ours = [read_yaml(file.read_text()) for file in GENERATED.glob("*.yml")]
    ours = {read for rules_of_one in of_ours for read in windows(rules_of_one)}
    every = set(windows(rules(planned(list(guardrails()), arms=True))))
    assert every - ours == set(BY_HAND)
    assert set(BY_HAND.values()) <= set(WINDOWS)


def windows(read: Data) -> Iterator[tuple[str, str]]:
    """Every function that reads a window in these rules, and of what."""
    for expr in (rule["expr"] for group in read["groups"] for rule in group["rules"]):
        for node, around in nodes(expr):
            if isinstance(node, promql.MatrixSelector | promql.SubqueryExpr):
                function = next(one.func.name for one in reversed(around) if isinstance(one, promql.Call))
                yield function, _kind(node)


def _kind(node: promql.MatrixSelector | promql.SubqueryExpr) -> str:
    if isinstance(node, promql.SubqueryExpr):
        return "subquery"
    recorded = str(node.vector_selector.name).startswith(("handrail:", "ALERTS"))
    return "recorded" if recorded else "raw"
