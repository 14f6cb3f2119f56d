"""Rules that Prometheus has loaded → a digest that is the same while they do the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from handrail.contract import GroupFacts, RuleFacts, names, rules_digest

RULE = RuleFacts(
    "Slow", 'x{b="1",a="2"} > 0.5', alert=True, sustained=60, keep=300, labels={"tier": "critical"}
)
GROUPS = (GroupFacts("shop/latency", 30, (RULE, RuleFacts(names.RULES_INFO, "vector(1)"))),)


@pytest.mark.parametrize(
    "query", ['x{a="2", b="1"} > .5', "x{a='2',b='1'}>0.50", 'x{b="1",a="2"}\n  > 0.5  # why']
)
def test_the_same_expression_in_another_hand_has_the_same_digest(query: str) -> None:
    assert rules_digest([GroupFacts("shop/latency", 30.0, (replace(RULE, query=query),))]) == rules_digest(
        GROUPS
    )


@pytest.mark.parametrize(
    "changed",
    [
        replace(RULE, query='x{b="1",a="2"} > 0.6'),
        replace(RULE, query='x{b="1"} > 0.5'),
        replace(RULE, name="Slower"),
        replace(RULE, alert=False),
        replace(RULE, sustained=120),
        replace(RULE, keep=0),
        replace(RULE, labels={"tier": "warning"}),
    ],
)
def test_whatever_changes_what_a_rule_does_changes_the_digest(changed: RuleFacts) -> None:
    assert rules_digest([GroupFacts("shop/latency", 30, (changed,))]) != rules_digest(GROUPS)


def test_a_group_that_is_missing_or_evaluated_more_seldom_changes_the_digest() -> None:
    seldom, none = (replace(GROUPS[0], interval=60),), ()
    assert len({rules_digest(GROUPS), rules_digest(seldom), rules_digest(none)}) == 3
