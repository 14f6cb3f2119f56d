"""Which rules promtool gets: all that what is asked may read, and no others. And when it is asked at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from . import judged
from .judged import needed, verdict


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


def test_what_has_passed_is_not_asked_again_and_all_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """promtool here writes down that it was asked, and is the real one."""
    asked, own = tmp_path / "asked", tmp_path / "promtool"
    own.write_text(f'#!/bin/sh\necho >>{asked}\nexec promtool "$@"\n')
    own.chmod(0o755)
    monkeypatch.setattr(judged, "PASSED", tmp_path / "passed")

    def judges(double: str, figure: float) -> tuple[bool, int]:
        """Whether it is well that twice the level of 2 is this figure, and how often promtool has been asked by then."""
        rules = {"groups": [{"name": "g", "rules": [{"record": "twice", "expr": double}]}]}
        expected = [{"labels": "twice", "value": figure}]
        test = {"expr": "twice", "eval_time": "1m", "exp_samples": expected}
        series = [{"series": "level", "values": "2x4"}]
        case = {"interval": "1m", "input_series": series, "promql_expr_test": [test]}
        well = verdict(str(own), rules, {"evaluation_interval": "1m", "tests": [case]}) == ""
        return well, len(asked.read_text().splitlines())

    assert judges("level * 2", 4) == (True, 1)
    assert judges("level * 2", 4) == (True, 1)
    assert judges("level * 3", 4) == (False, 2)
    assert judges("level * 3", 4) == (False, 3)
    assert judges("level * 2", 6) == (False, 4)
    own.write_text(f"{own.read_text()}\n")
    assert judges("level * 2", 4) == (True, 5)
