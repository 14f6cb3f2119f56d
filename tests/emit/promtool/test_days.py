"""Cases of days: promtool's store then loses a sample now and then, and no answer may depend on one."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from handrail import declare as d
from handrail.contract import names
from handrail.emit import promtool
from handrail.emit.promtool.story import COMPACTED
from handrail.lower import lower
from handrail.output.read_yaml import read_yaml
from handrail.units import duration

LATENCY = d.Guardrail(
    "latency",
    d.Gauge("latency_seconds"),
    tiers=[d.Warning(d.Above(5), sustained="3d"), d.Critical(d.Rise("20%"), sustained="2d")],
    against=d.Ago("7d"),
)
SLOW = d.Rollout(
    "shop",
    "shop",
    arms=d.Arms("track", canary="canary", stable="stable"),
    stages=[
        d.Stage("10%", weight="10%", bake="7d", advance="when-met"),
        d.Stage("100%", weight="100%", bake="1d"),
    ],
    guardrails=[LATENCY],
)
GENERATED = Path(__file__).parents[3] / "generated/prometheus/tests"
[PLANNED] = lower([SLOW], d.Environment("test")).rollouts


def test_once_promtools_store_is_cut_only_alerts_are_asked_and_no_series_has_a_lone_sample() -> None:
    own = (file.read_text() for file in GENERATED.glob("*.yml"))
    far = [text for text in (*promtool.tests(PLANNED).values(), *own) if _every(text) > COMPACTED]
    asked, alone = [], []
    for case in (case for text in far for case in read_yaml(text)["tests"]):
        asked += case.get("promql_expr_test", [])
        if duration(case["interval"]) < COMPACTED:
            values = (one for series in case["input_series"] for one in str(series["values"]).split()[1:])
            alone += [one for one in values if re.fullmatch(r"-?[\d.]+", one)]
    assert (len(far), asked, alone) == (7, [], [])


def _every(text: str) -> timedelta:
    return duration(text.partition("evaluation_interval: ")[2].partition("\n")[0])


def test_what_must_last_for_days_is_shown_silent_and_firing() -> None:
    file = promtool.tests(PLANNED)[names.tests_file("shop", "3d")]
    [case] = read_yaml(file)["tests"]
    shown = [(one["eval_time"], len(one["exp_alerts"])) for one in case["alert_rule_test"]]
    assert shown == [("0s", 0), ("3d", 1)]


def test_a_stage_of_days_is_shown_to_ask_for_promotion_once_it_has_baked_and_not_before() -> None:
    [case] = read_yaml(promtool.tests(PLANNED)[names.tests_file("shop", "7d")])["tests"]
    asked = [(one["eval_time"], one["alertname"], len(one["exp_alerts"])) for one in case["alert_rule_test"]]
    assert asked == [
        ("0s", "ShopGatePromote", 0),
        ("7d", "ShopGatePromote", 0),
        ("14d", "ShopGatePromote", 1),
    ]


def test_a_level_of_days_is_asked_an_evaluation_after_it_was_told() -> None:
    levels = [d.Level("manager", "1d", "the manager"), d.Level("director", "3d", "the director")]
    [rollout] = lower([replace(SLOW, escalation=levels)], d.Environment("test")).rollouts
    [case] = [
        case
        for text in promtool.tests(rollout).values()
        for case in read_yaml(text)["tests"]
        if case["name"].startswith("An unresolved alert escalates")
    ]
    asked = [one for one in case["promql_expr_test"] if one["expr"].startswith("group")]
    firing = {
        one["eval_time"]: re.findall(r"Escalation(\w+)\",alertstate=\"firing", str(one["exp_samples"]))
        for one in asked
    }
    both = ["Director", "Manager"]
    assert firing == {"0s": [], "1d": ["Manager"], "2d": ["Manager"], "4d": both, "5d": []}


def test_what_tells_a_time_takes_no_test_from_what_else_is_compared_with_some_time_ago() -> None:
    tiers = [d.Critical(d.RisePoints(3), sustained="1m")]
    declared = d.Rollout(
        "shop",
        "shop",
        guardrails=[
            d.Guardrail("queue", d.Gauge("depth"), against=d.Ago("1d"), tiers=tiers),
            d.Guardrail(
                "backup", d.Age("backup_at"), against=d.Ago("1d"), tiers=[d.Critical(d.RisePoints("1h"))]
            ),
        ],
    )
    [rollout] = lower([declared], d.Environment("test")).rollouts
    head = promtool.tests(rollout)[names.tests_file("shop")]
    assert re.findall(r"ShopQueueCritical: .* \((.*)\)", head) == ["1d12m"]
