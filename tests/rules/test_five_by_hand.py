"""What the five teams' documents ask for and no generated test shows: nodes that are down, who is told, who is told next."""

from __future__ import annotations

import re
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


def climbed(at: str, *levels: str, urgent: bool = True) -> Asked:
    """To these levels: the P1 and the P2, or the P3 and the P4."""
    which = "P1|P2" if urgent else "P3|P4"
    expr = f'group by (level, severity) (ALERTS{{alertstate="firing",level!="",severity=~"{which}"}})'
    severities = {one: ["P1", "P2"] for one in ("manager", "director", "vp")}
    severities |= {"p3-overdue": ["P3"], "p4-overdue": ["P4"]}
    told = [(level, severity) for level in levels for severity in severities[level]]
    return Asked(expr, at, {f'{{level="{level}",severity="{severity}"}}': 1 for level, severity in told})


LEFT = 'instance="green:9100",job="aurigraph-node"'
FULL = 'instance="green:9100",job="aurigraph-node",mountpoint="/",fstype="ext4"'
DOWN: Mapping[str, str] = {
    'pg_up{instance="db",job="aurigraph-db"}': "0x1500",
    GREEN: "0x1500",
    BLUE: "1x1500",
    f"node_memory_MemAvailable_bytes{{{LEFT}}}": "10x1500",
    f"node_memory_MemTotal_bytes{{{LEFT}}}": "100x1500",
    f"node_filesystem_avail_bytes{{{FULL}}}": "5x1500",
    f"node_filesystem_size_bytes{{{FULL}}}": "100x1500",
}
"""The database is away (P1), a node is down (P2), memory is short (P3) and a disk is full (P4), from the first minute on."""
SICK = ("database", "nodes", "machine-memory", "disk")


def test_p1_and_p2_climb_after_5_15_and_30_minutes_and_p3_and_p4_only_once_their_time_is_over(
    promtool: str,
) -> None:
    asked = (
        climbed("5m"),
        climbed("8m", "manager"),
        climbed("18m", "manager", "director"),
        climbed("33m", "manager", "director", "vp"),
        climbed("59m", urgent=False),
        climbed("62m", "p3-overdue", urgent=False),
        climbed("23h50m", "p3-overdue", urgent=False),
        climbed("24h5m", "p3-overdue", "p4-overdue", urgent=False),
        climbed("24h5m", "manager", "director", "vp"),
    )
    assert complaints(promtool, aurigraph(*SICK), DOWN, *asked, step="1m") == ""


CLIMBS = {
    "manager": {"pagerduty-leads"},
    "director": {"pagerduty-directors"},
    "vp": {"pagerduty-vp-engineering", "slack-war-room"},
    "p3-overdue": {"pagerduty-on-call"},
    "p4-overdue": {"slack-sre"},
}
"""Who is paged of each level: the VP by a page, in the war room."""


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
    assert hears(f"aurigraph-v12/{severity}") == TOLD[severity]


def hears(receiver: str) -> set[str]:
    """Who is behind a receiver of Alertmanager: files of keys by their names, and addresses."""
    text = ROUTES.read_text(encoding="utf-8")
    block = text.split(f"- name: {receiver}\n")[1].split("\n- name: ")[0]
    files = re.findall(r"(?:routing_key|api_url)_file: /etc/alertmanager/(\S+)", block)
    return {*files, *re.findall(r"    to: (\S+)", block)}


def test_each_level_of_aurigraph_reaches_whom_the_document_names_and_the_vp_is_paged() -> None:
    assert {level: hears(f"aurigraph-v12/{level}") for level in CLIMBS} == CLIMBS
