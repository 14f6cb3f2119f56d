"""Which rules promtool gets: all that what is asked may read, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from .judged import needed


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
