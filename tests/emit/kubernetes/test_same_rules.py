"""The rules of a PrometheusRule → what was tested for Prometheus holds for them, and every namespace has its own alert."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import promql_parser as promql
import pytest
from handrail.declare import (
    Above,
    Age,
    AtLeast,
    Below,
    Changes,
    Count,
    Critical,
    Difference,
    Environment,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Is,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rollout,
    SlowerThan,
    State,
    TimeUntil,
    Usage,
    Warning,
)
from handrail.declare.measures import Measure
from handrail.emit import emit
from handrail.emit.kubernetes.prometheus_rule import prometheus_rule
from handrail.lower import lower
from handrail.output.read_yaml import read_yaml
from own_rollouts import own_plan
from rules.walk import nodes
from servers import program
from servers.newer import newer

ROOT = Path(__file__).parents[3]
NAMESPACE = "monitoring"
BOTH = pytest.mark.parametrize(
    "promtool",
    [
        pytest.param(program("promtool"), marks=pytest.mark.long, id="2.42"),
        pytest.param(newer("promtool"), id="newer"),
    ],
)
"""`make test` asks the newer one alone: what is changed here are labels, which both read alike, and no window."""
Data = dict[str, Any]


def said(promtool: Path, folder: Path, rules: Data, tests: Data) -> str:
    """What promtool finds wrong."""
    (folder / "rules.yml").write_text(json.dumps(rules))
    (folder / "test.yml").write_text(json.dumps({**tests, "rule_files": ["rules.yml"]}))
    argv = [str(promtool), "test", "rules", "test.yml"]
    done = subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def as_applied(_: Data, tests: Data) -> None:
    """Every alert carries the namespace of its objects, and that of its series as another label."""
    for case in tests["tests"]:
        for told in (told for test in case.get("alert_rule_test", []) for told in test["exp_alerts"]):
            labels = told["exp_labels"]
            if "namespace" in labels:
                labels["series_namespace"] = labels["namespace"]
            labels["namespace"] = NAMESPACE


def as_enforced(rules: Data, tests: Data) -> None:
    """What the operator does where `enforcedNamespaceLabel` is set: every selector, record and alert is of the namespace."""
    as_applied(rules, tests)
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule.setdefault("labels", {})["namespace"] = NAMESPACE
        rule["expr"] = _of_the_namespace(rule["expr"])
    for case in tests["tests"]:
        for one in case.get("input_series", []):
            one["series"] = _of_the_namespace(one["series"])


def _of_the_namespace(expr: str) -> str:
    """The expression with a matcher more in each of its selectors."""
    read = {str(node.name) for node, _ in nodes(expr) if isinstance(node, promql.VectorSelector)}
    for name in sorted(read):
        expr = re.sub(rf'(?<![\w:"]){re.escape(name)}(?![\w:"(])({{)?', _matched, expr)
    return expr.replace(",}", "}")


def _matched(found: re.Match[str]) -> str:
    name = found[0].rstrip("{")
    return f'{name}{{namespace="{NAMESPACE}",' + ("" if found[1] else "}")


@BOTH
@pytest.mark.parametrize("changed", [pytest.param(as_applied, marks=pytest.mark.long), as_enforced])
@pytest.mark.parametrize("which", ["checkout", pytest.param("all", marks=pytest.mark.long)])
def test_the_generated_tests_hold_for_the_rules_as_kubernetes_gets_them(
    promtool: Path, tmp_path: Path, changed: Callable[[Data, Data], None], which: str
) -> None:
    """What is enforced comes on top of what is applied."""
    plan = own_plan()
    wrong = {}
    for rollout in plan.rollouts:
        if which not in {"all", rollout.name}:
            continue
        made = emit(rollout, plan.environment)
        objects = _read(made[f"kubernetes/{rollout.name}.yaml"])
        tests = {path: _read(text) for path, text in made.items() if "/tests/" in path}
        assert tests
        for path, test in tests.items():
            [rules] = [one["spec"] for one in objects["items"] if one["kind"] == "PrometheusRule"]
            copied = copy.deepcopy(rules)
            changed(copied, test)
            if found := said(promtool, tmp_path, copied, test):
                wrong[path] = found[:2000]
    assert wrong == {}


def _read(text: str) -> Data:
    read: Data = read_yaml(text)
    return read


LIMITS: list[Warning | Critical] = [Warning(Above(1)), Critical(Above(2))]
MEASURES: Mapping[str, Guardrail] = {
    "gauge": Guardrail("g", Gauge("level", by=["namespace", "pod"]), tiers=LIMITS),
    "usage": Guardrail("g", Usage("level", "size", by=["namespace"]), tiers=[Critical(Above("90%"))]),
    "growth": Guardrail("g", Growth("rising", by=["namespace"]), tiers=[Critical(Above(1))]),
    "ratio": Guardrail(
        "g", Ratio("all_total", bad="bad_total", by=["namespace"]), tiers=[Critical(Above("90%"))]
    ),
    "latency": Guardrail(
        "g", Latency("seconds", p=95, buckets=[1, 5], by=["namespace"]), tiers=[Critical(Above("1s"))]
    ),
    "slower": Guardrail(
        "g", SlowerThan("seconds", "1s", buckets=[1, 5], by=["namespace"]), tiers=[Critical(Above("1%"))]
    ),
    "increase": Guardrail("g", Increase("all_total", by=["namespace"]), tiers=[Critical(Above(1))]),
    "rate": Guardrail("g", Rate("all_total", by=["namespace"]), tiers=[Critical(Above("1/s"))]),
    "difference": Guardrail(
        "g", Difference("level", minus="size", by=["namespace"]), tiers=[Critical(Below(0))]
    ),
    "age": Guardrail("g", Age("state", by=["namespace"]), tiers=[Critical(Above("1m"))]),
    "until": Guardrail("g", TimeUntil("state", by=["namespace"]), tiers=[Critical(Below("1m"))]),
    "count": Guardrail("g", Count("level", by=["namespace"]), tiers=[Critical(AtLeast(1))]),
    "forecast": Guardrail("g", Forecast("rising", by=["namespace"]), tiers=[Critical(Above(1))]),
    "changes": Guardrail("g", Changes("rising", by=["namespace"]), tiers=[Critical(Above(1))]),
    "state": Guardrail("g", State("state", "namespace"), tiers=[Critical(Is("a"))]),
    "aggregated": Guardrail("g", PromQL("max by (namespace) (level)"), tiers=LIMITS),
    "series": Guardrail("g", PromQL("level"), tiers=LIMITS),
}


def by_namespace(guardrail: Guardrail) -> Data:
    """The spec of a rollout with this guardrail."""
    declared = Rollout("shop", "shop", guardrails=[guardrail])
    plan = lower([declared], Environment("here"))
    return prometheus_rule(plan.rollouts[0], plan.environment.cluster)


def test_every_measure_that_may_be_judged_by_namespace_is_here() -> None:
    may = {one for one in get_args(Measure) if "by" in one.__dataclass_fields__}
    assert may - {type(guardrail.measure) for guardrail in MEASURES.values()} == set()


@BOTH
@pytest.mark.parametrize("measure", MEASURES)
def test_two_namespaces_in_breach_are_two_alerts(promtool: Path, tmp_path: Path, measure: str) -> None:
    spaces: Sequence[str] = ["a"] if measure == "state" else ["a", "b"]
    series = {
        f'{metric}{{namespace="{space}",pod="p"}}': values
        for space in spaces
        for metric, values in (
            ("level", "95x80"),
            ("size", "100x80"),
            ("rising", "0+5x80"),
            ("all_total", "0+100x80"),
            ("bad_total", "0+95x80"),
            ("state", "1x80"),
            ("seconds_count", "0+100x80"),
        )
    }
    series |= {
        f'seconds_bucket{{namespace="{space}",pod="p",le="{le}"}}': values
        for space in spaces
        for le, values in (("1", "0+5x80"), ("5", "0+100x80"), ("+Inf", "0+100x80"))
    }
    told = {
        "expr": 'count by (namespace, series_namespace) (ALERTS{alertname="ShopGCritical",alertstate="firing"})',
        "eval_time": "15m",
        "exp_samples": [
            {"labels": f'{{namespace="{NAMESPACE}",series_namespace="{space}"}}', "value": 1}
            for space in spaces
        ],
    }
    case = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [told],
    }
    rules = by_namespace(MEASURES[measure])
    assert said(promtool, tmp_path, rules, {"evaluation_interval": "30s", "tests": [case]}) == ""


def test_only_alerts_whose_series_may_have_a_namespace_of_their_own_are_changed() -> None:
    plain = by_namespace(Guardrail("g", Gauge("level", by=["pod"]), tiers=LIMITS))
    exprs = [rule["expr"] for group in plain["groups"] for rule in group["rules"] if "alert" in rule]
    assert [expr for expr in exprs if "series_namespace" in expr] == []
