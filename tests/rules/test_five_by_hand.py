"""What the five teams' documents ask for and no generated test shows: nodes that are down, who is told, who is told next."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from handrail.plan import Rollout
from own_rollouts import own_rollout
from servers import program

from .judged import Asked, complaints

TOP = Path(__file__).parents[2]
ROUTES = TOP / "generated/alertmanager/alertmanager.yml"


def aurigraph(*guardrails: str) -> Rollout:
    """The rollout with these of its guardrails."""
    own = own_rollout("aurigraph-v12")
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


def escalated(at: str, *levels: str, urgent: bool = True) -> Asked:
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


def test_p1_and_p2_escalate_after_5_15_and_30_minutes(promtool: str) -> None:
    asked = (
        escalated("5m"),
        escalated("8m", "manager"),
        escalated("18m", "manager", "director"),
        escalated("33m", "manager", "director", "vp"),
    )
    assert complaints(promtool, aurigraph(*SICK), DOWN, *asked, step="1m") == ""


def test_p3_and_p4_escalate_only_once_their_time_is_over_and_p1_and_p2_no_further(promtool: str) -> None:
    asked = (
        escalated("55m", urgent=False),
        escalated("1h20m", "p3-overdue", urgent=False),
        escalated("23h50m", "p3-overdue", urgent=False),
        escalated("24h30m", "p3-overdue", "p4-overdue", urgent=False),
        escalated("24h30m", "manager", "director", "vp"),
    )
    assert complaints(promtool, aurigraph(*SICK), DOWN, *asked, step="1m", every="4m") == ""


PAGED = {
    "manager": {"pagerduty-leads"},
    "director": {"pagerduty-directors"},
    "vp": {"pagerduty-vp-engineering", "slack-war-room"},
    "p3-overdue": {"pagerduty-on-call"},
    "p4-overdue": {"slack-sre"},
}
"""Who is paged at each level; the VP also in the war room."""


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
    assert {level: hears(f"aurigraph-v12/{level}") for level in PAGED} == PAGED


@pytest.mark.parametrize(
    ("failed", "fires"), [("0x240", []), ("0x9 1x230", ["AurigraphV12BuildSuccessWarning"])]
)
def test_hours_without_a_build_are_no_blindness_and_one_of_three_that_fails_is_told(
    promtool: str, failed: str, fires: list[str]
) -> None:
    series = {
        'builds_total{job="aurigraph-ci",result="success"}': "0 1 2x238",
        'builds_total{job="aurigraph-ci",result="failure"}': failed,
        'aurigraph_v12_log_lines_total{job="aurigraph-ci"}': "0 8 16x238",
        'up{job="aurigraph-ci"}': "1x240",
        **in_stage("10%", 240),
    }
    expr = 'count by (alertname) (ALERTS{alertstate="firing",guardrail="build-success",level=""})'
    asked = Asked(expr, "3h50m", {f'{{alertname="{one}"}}': 1 for one in fires})
    assert complaints(promtool, aurigraph("build-success"), series, asked, step="1m", every="2m") == ""


@pytest.mark.parametrize(
    ("took", "fires"),
    [
        ("540x20 599x220", []),
        ("540x20 661x220", ["AurigraphV12BuildDurationWarning"]),
        ("_x240", ["AurigraphV12BuildDurationBlind"]),
    ],
    ids=["below ten minutes", "above", "no build yet"],
)
def test_a_build_that_took_longer_than_ten_minutes_is_told_until_one_is_faster(
    promtool: str, took: str, fires: list[str]
) -> None:
    series = {
        'build_duration_seconds{job="aurigraph-ci",result="success"}': took,
        'aurigraph_v12_log_lines_total{job="aurigraph-ci"}': "0 8 16x238",
        'up{job="aurigraph-ci"}': "1x240",
        **in_stage("10%", 240),
    }
    expr = 'count by (alertname) (ALERTS{alertstate="firing",guardrail="build-duration",level=""})'
    asked = Asked(expr, "3h50m", {f'{{alertname="{one}"}}': 1 for one in fires})
    assert complaints(promtool, aurigraph("build-duration"), series, asked, step="1m", every="2m") == ""


def in_stage(now: str, last: int) -> dict[str, str]:
    """What the receiver says of the stages."""
    stages = ("0%", "10%", "25%", "50%", "100%")
    return {
        f'handrail_rollout_stage{{rollout="aurigraph-v12",stage="{one}"}}': f"{int(one == now)}x{last}"
        for one in stages
    }


def counter(*parts: tuple[int, int]) -> str:
    """Of so many a second for so many minutes, one after the other; the same for ever at the end."""
    values, total = [], 0
    for rate, minutes in parts:
        values.append(f"{total}+{rate * 60}x{minutes - 1}")
        total += rate * 60 * minutes
    return " ".join(values)


ALL_DAY = counter((800_000, 260))
EVENING = counter((800_000, 85), (500_000, 60), (250_000, 115))
QUIET = counter((300_000, 260))
OVERLOADED = counter((650_000, 260))
"""Of 800 K that it is asked for."""
OVERLOADED_BY_DAY = counter((650_000, 85), (500_000, 60), (250_000, 115))
DIP = f"0+{800_000 * 60}x100 {800_000 * 6_000 + 800_000 * 50}+{800_000 * 60}x160"
"""For half a minute a third is missing."""


@pytest.mark.parametrize(
    ("asked", "served", "broken", "judged"),
    [
        (ALL_DAY, ALL_DAY, False, True),
        (ALL_DAY, DIP, False, True),
        (EVENING, EVENING, False, True),
        (QUIET, QUIET, False, False),
        (ALL_DAY, OVERLOADED, True, True),
        (EVENING, OVERLOADED_BY_DAY, True, True),
    ],
    ids=[
        "by day",
        "a dip of 30 s",
        "into the night",
        "never asked for 776 K",
        "overloaded",
        "overloaded by day",
    ],
)
def test_the_gate_of_776_k_is_met_by_a_service_that_serves_them_for_an_hour_and_whenever_they_are_asked_for(
    asked: str, served: str, broken: bool, judged: bool
) -> None:
    plan = aurigraph("throughput")
    [gate] = [one for one in plan.playbook.gates if one.into == "50%"]
    [criterion] = [one for one in gate.criteria if one.guardrail == "throughput"]
    series = {
        'http_requests_total{job="aurigraph",track="stable",status="200"}': served,
        'haproxy_frontend_http_requests_total{job="aurigraph-haproxy",proxy="rest"}': asked,
        **in_stage("25%", 300),
    }
    asks = (
        Asked(f"count({criterion.expr})", "4h15m", {"{}": 1} if broken else {}),
        Asked(f"count({criterion.seen})", "4h15m", {"{}": 1} if judged else {}),
    )
    assert complaints("promtool", plan, series, *asks, step="1m") == ""


@pytest.mark.parametrize(
    ("asked", "served", "found"),
    [
        (EVENING, EVENING, []),
        (QUIET, counter((300_000, 200), (210_000, 60)), ["AurigraphV12ThroughputWarning"]),
        (
            QUIET,
            counter((300_000, 200), (100_000, 60)),
            ["AurigraphV12ThroughputCritical", "AurigraphV12ThroughputWarning"],
        ),
    ],
    ids=["a night", "a night in which a third is not served", "a night in which most is not served"],
)
def test_a_night_is_no_drop_of_throughput_and_what_is_not_served_is_one_at_night_too(
    asked: str, served: str, found: list[str]
) -> None:
    plan = aurigraph("throughput", "rest-rps")
    series = {
        'http_requests_total{job="aurigraph",track="stable",status="200"}': served,
        'haproxy_frontend_http_requests_total{job="aurigraph-haproxy",proxy="rest"}': asked,
        **in_stage("100%", 300),
    }
    expr = 'count by (alertname) (ALERTS{alertstate="firing",guardrail=~"throughput|rest-rps",level=""})'
    asks = Asked(expr, "4h16m", {f'{{alertname="{one}"}}': 1 for one in found})
    assert complaints("promtool", plan, series, asks, step="1m") == ""


SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 5)
LIMITED = ("error-rate", "latency-p95")


def green(fails: float, slow: float) -> dict[str, str]:
    """What green serves: this share of its requests fails, and so many take 0.3 to 0.5 s."""
    series = {
        f'http_requests_total{{job="aurigraph",track="canary",status="{status}"}}': f"0+{round(100_000 * share)}x160"
        for status, share in (("200", 1 - fails), ("500", fails))
    }
    for bound in (*SECONDS, "+Inf"):
        share = 1 - slow if isinstance(bound, float | int) and bound <= 0.3 else 1
        name = f'http_request_duration_seconds_bucket{{job="aurigraph",track="canary",le="{bound}"}}'
        series[name] = f"0+{round(100_000 * share)}x160"
    series['http_request_duration_seconds_count{job="aurigraph",track="canary"}'] = "0+100000x160"
    return series


@pytest.mark.parametrize(
    ("stage", "fails", "slow", "found"),
    [
        ("50%", 0.004, 0.04, []),
        ("50%", 0.006, 0.04, ["AurigraphV12ErrorRateCritical"]),
        ("50%", 0.004, 0.06, ["AurigraphV12LatencyP95Critical"]),
        ("10%", 0.006, 0.06, []),
    ],
)
def test_at_50_percent_half_a_percent_of_errors_and_300_ms_are_the_limits_for_five_minutes(
    promtool: str, stage: str, fails: float, slow: float, found: list[str]
) -> None:
    expr = 'count by (alertname) (ALERTS{alertstate="firing",tier="critical",level=""})'
    asked = (
        Asked(expr, "4m", {}),
        Asked(expr, "30m", {f'{{alertname="{one}"}}': 1 for one in found}),
    )
    series = {**green(fails, slow), **in_stage(stage, 160)}
    assert complaints(promtool, aurigraph(*LIMITED), series, *asked) == ""
