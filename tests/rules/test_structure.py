"""The rules of all rollouts as syntax trees: what no rule may contain, whatever was declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import promql_parser as promql
import pytest
from handrail.compiler import planned
from handrail.contract import names
from handrail.declare import (
    Above,
    Critical,
    Emergency,
    Guardrail,
    Latency,
    Ratio,
    Rise,
    Slo,
    StableArm,
    Warning,
)
from handrail.emit.document import Data
from handrail.emit.groups import rules

from .judged import shop
from .walk import Node, nodes

Tier = Warning | Critical | Emergency

ROOT = Path(__file__).parents[2]
CONTRACT = {"rollout", "service", "guardrail", "tier", "severity", "action", "environment"}
ANNOTATIONS = {"summary", "description", "runbook_url", "dashboard_url"}
OVER_TIME = {
    "rate",
    "increase",
    "delta",
    "changes",
    "resets",
    *(f"{what}_over_time" for what in ("last", "min", "count")),
}


@cache
def groups() -> dict[str, list[Data]]:
    """Every group of every rollout by its name: its rules."""
    plan, _ = planned(ROOT / "rules_src", None)
    assert plan is not None
    return {group["name"]: group["rules"] for rollout in plan.rollouts for group in rules(rollout)["groups"]}


def every_rule() -> Iterator[tuple[str, Data]]:
    """Every rule with its name."""
    for rules_of in groups().values():
        yield from ((rule.get("alert") or rule["record"], rule) for rule in rules_of)


def every_node() -> Iterator[tuple[str, Node, tuple[Node, ...]]]:
    """Every node of every expression, with the name of its rule and the nodes around it."""
    for name, rule in every_rule():
        yield from ((name, node, around) for node, around in nodes(rule["expr"]))


def test_a_quantile_is_taken_of_counted_events_by_le() -> None:
    for name, node, _ in every_node():
        if isinstance(node, promql.Call) and node.func.name == "histogram_quantile":
            inside = node.args[1]
            if isinstance(inside, promql.BinaryExpr) and isinstance(inside.lhs, promql.BinaryExpr):
                inside = inside.lhs.lhs  # with quick events added to the few that there are
            assert "le" in _by(inside), name
            assert _counted(inside) or names.BUCKETS in [getattr(n, "name", None) for n, _ in nodes(inside)]


def test_what_is_recorded_of_buckets_is_counted_over_time_by_le() -> None:
    recorded = [rule["expr"] for name, rule in every_rule() if name == names.BUCKETS]
    assert len(recorded) > 10
    for expr in recorded:
        sums = [n for n, _ in nodes(expr) if isinstance(n, promql.AggregateExpr)]
        assert "le" in _by(sums[0]), expr
        assert _counted(sums[0]), expr


def test_only_targets_of_a_guardrails_own_jobs_are_asked_whether_they_answer() -> None:
    read = [
        node
        for name, node, _ in every_node()
        if name == names.FROM_ZERO and isinstance(node, promql.VectorSelector) and node.name == "up"
    ]
    assert len(read) > 100
    assert [str(up) for up in read if "job" not in [one.name for one in up.matchers.matchers]] == []


def _counted(node: Node) -> bool:
    """Whether it reads counters, each over time."""
    counters = [around for n, around in nodes(node) if _counts(getattr(n, "name", None) or "")]
    over_time = [
        any(isinstance(n, promql.Call) and n.func.name in OVER_TIME for n in one) for one in counters
    ]
    return bool(counters) and all(over_time)


def _by(node: Node) -> list[str]:
    """The labels that an aggregation keeps."""
    assert isinstance(node, promql.AggregateExpr)
    assert node.modifier is not None
    return list(node.modifier.labels)


def test_a_counter_is_never_divided_raw() -> None:
    """A selector of a counter (…_total, …_count, …_bucket) in a division lies inside a function over time."""
    for name, node, around in every_node():
        if not isinstance(node, promql.VectorSelector) or not _counts(node.name or ""):
            continue
        divided = [n for n in around if isinstance(n, promql.BinaryExpr) and str(n.op) == "/"]
        over_time = [n for n in around if isinstance(n, promql.Call) and n.func.name in OVER_TIME]
        assert over_time or not divided, f"{name}: {node}"


def _counts(metric: str) -> bool:
    return metric.endswith(("_total", "_count", "_bucket")) and ":" not in metric


def test_an_alert_carries_all_labels_and_annotations() -> None:
    alerts = [(name, rule) for name, rule in every_rule() if "alert" in rule]
    assert len(alerts) > 100
    for name, rule in alerts:
        wanted = CONTRACT - (
            {"guardrail", "service", "rollout", "tier", "severity"} if "level" in rule["labels"] else set()
        )
        assert wanted <= set(rule["labels"]), name
        assert set(rule["annotations"]) == ANNOTATIONS, name
        assert all(str(text) for text in (*rule["labels"].values(), *rule["annotations"].values())), name


def test_no_two_alerts_of_all_rollouts_have_one_name() -> None:
    counted = Counter(name for name, rule in every_rule() if "alert" in rule)
    del counted["HandrailHeartbeat"]  # one per rollout, told apart by its label
    assert [name for name, count in counted.items() if count > 1] == []


def test_a_chain_records_first_then_warns_and_says_last_that_it_cannot_judge() -> None:
    order = ["record", "warning", "critical", "emergency", "blind", "thin"]
    chains = {name: group for name, group in groups().items() if not name.endswith("/rollout")}
    assert chains  # escalation and heartbeat are none
    for name, group in chains.items():
        kinds = ["record" if "record" in rule else rule["labels"].get("tier") for rule in group]
        assert kinds == sorted(kinds, key=order.index), name
        assert kinds[-1] in {"blind", "thin"}, name
        assert "blind" in kinds, name


def test_metadata_stands_on_the_info_series_only() -> None:
    recorded = [
        rule["labels"]
        for _, rule in every_rule()
        if "record" in rule and not rule["record"].endswith(":info")
    ]
    allowed = {"rollout", "guardrail", "signal", "slo", "window", "side", "odds"}
    assert [labels for labels in recorded if not set(labels) <= allowed] == []


TIERS: list[Tier] = [Warning(Above("1%")), Critical(Above("2%"), action="rollback"), Emergency(Above("5%"))]
RISES: list[Tier] = [Warning(Rise("10%")), Critical(Rise("20%"), action="rollback"), Emergency(Rise("50%"))]
RATIO = Ratio(bad='requests_total{code="500"}', of="requests_total")


@pytest.mark.parametrize(
    ("guardrail", "most"),
    [
        (Guardrail("errors", RATIO, tiers=TIERS), 11),
        (Guardrail("errors", RATIO, against=StableArm(), tiers=RISES), 11),
        (Guardrail("time", Latency("request_seconds", p=95), against=StableArm(), tiers=RISES), 12),
    ],
)
def test_a_canary_guardrail_with_three_tiers_its_blind_and_its_thin_have_at_most_eleven_rules_or_twelve(
    guardrail: Guardrail, most: int
) -> None:
    group, _ = rules(shop(guardrail, arms=True))["groups"]
    assert len(group["rules"]) <= most


def test_an_slo_has_at_most_eleven_recordings() -> None:
    guardrail = Guardrail("errors", RATIO, tiers=TIERS)
    _, slo, _ = rules(shop(guardrail, slos=[Slo("availability", RATIO, objective="99.9%")]))["groups"]
    assert sum("record" in rule for rule in slo["rules"]) <= 11
