"""What the five teams' documents ask for and no generated test shows: nodes that are down, who is told, who is told next."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from handrail.loading.load import load
from handrail.lower import lower
from handrail.plan import Rollout
from servers import program
from typed import typed

from .judged import Asked, complaints

TOP = Path(__file__).parents[2]
ROUTES = TOP / "generated/alertmanager/alertmanager.yml"


@cache
def aurigraph(*guardrails: str) -> Rollout:
    """The rollout with these of its guardrails."""
    loaded = load(TOP / "rules_src")
    plan = lower(loaded.rollouts, loaded.environment(None))
    own = next(one for one in plan.rollouts if one.name == "aurigraph-v12")
    return replace(own, guardrails=tuple(one for one in own.guardrails if one.name in guardrails), slos=())


def of_nodes(at: str, *alerts: str) -> Asked:
    expr = 'count by (alertname, severity) (ALERTS{alertstate="firing",guardrail=~"nodes|service",tier!="blind",level=""})'
    severity = {"AurigraphV12NodesCritical": "P2", "AurigraphV12ServiceEmergency": "P1"}
    return Asked(expr, at, {f'{{alertname="{one}",severity="{severity[one]}"}}': 1 for one in alerts})


GREEN, BLUE = 'up{instance="green",job="aurigraph"}', 'up{instance="blue",job="aurigraph"}'


@pytest.mark.parametrize(
    ("green", "blue", "found"),
    [
        ("1x80", "1x80", []),
        ("1x20 0x60", "1x80", ["AurigraphV12NodesCritical"]),
        ("1x20 0x60", "1x20 0x60", ["AurigraphV12ServiceEmergency"]),
    ],
    ids=["both answer", "one is down", "none answers"],
)
def test_a_node_that_is_down_while_another_answers_is_a_p2(
    promtool: str, green: str, blue: str, found: list[str]
) -> None:
    series = {GREEN: green, BLUE: blue}
    assert complaints(promtool, aurigraph("nodes", "service"), series, of_nodes("15m", *found)) == ""


def climbed(at: str, *levels: str) -> Asked:
    expr = 'count by (level, guardrail) (ALERTS{alertstate="firing",level!="",guardrail=~"database|disk"})'
    return Asked(expr, at, {f'{{guardrail="database",level="{level}"}}': 1 for level in levels})


FULL = 'instance="green:9100",job="aurigraph-node",mountpoint="/",fstype="ext4"'
DOWN: Mapping[str, str] = {
    'pg_up{instance="db",job="aurigraph-db"}': "0x240",
    f"node_filesystem_avail_bytes{{{FULL}}}": "5x240",
    f"node_filesystem_size_bytes{{{FULL}}}": "100x240",
}
"""The database is away (P1) and a disk is full (P4), from the first minute on."""


def test_p1_and_p2_climb_after_5_15_and_30_minutes_and_p4_never(promtool: str) -> None:
    asked = (
        climbed("5m"),
        climbed("8m", "manager"),
        climbed("18m", "manager", "director"),
        climbed("33m", "manager", "director", "vp"),
    )
    full = Asked('count(ALERTS{alertname="AurigraphV12DiskWarning",alertstate="firing"})', "33m", {"{}": 1})
    assert complaints(promtool, aurigraph("database", "disk"), DOWN, *asked, full) == ""


TOLD = {
    "P1": {"pagerduty-on-call", "vp-engineering@example.com"},
    "P2": {"pagerduty-on-call", "slack-sre", "pagerduty-tech-lead"},
    "P3": {"slack-sre"},
    "P4": {"slack-sre"},
}


@pytest.mark.parametrize("severity", TOLD)
def test_each_severity_of_aurigraph_reaches_those_whom_the_document_names(severity: str) -> None:
    labels = ["rollout=aurigraph-v12", "environment=production", f"severity={severity}", "action=investigate"]
    argv = [program("amtool"), "config", "routes", "test", f"--config.file={ROUTES}", *labels]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert f"aurigraph-v12/{severity}" in done.stdout.strip().split(",")
    text = ROUTES.read_text(encoding="utf-8")
    block = text.split(f"- name: aurigraph-v12/{severity}\n")[1].split("\n- name: ")[0]
    people = {"vp-engineering@example.com", "pagerduty-on-call", "pagerduty-tech-lead", "slack-sre"}
    assert {one for one in people if one in block} == TOLD[severity]


def test_ruleiq_decides_and_recovers_within_its_budget_when_all_fails() -> None:
    done = typed("explain", "ruleiq", "--source", "rules_src", folder=TOP)
    budgets = [line.split()[-3:] for line in done.stdout.splitlines() if line.startswith("to the ")]
    assert budgets == [["1m", "1m", "yes"], ["5m", "3m35s", "yes"]]
