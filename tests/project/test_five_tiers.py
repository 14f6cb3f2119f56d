"""What the five teams' documents say of limits, times and what follows → each tier of their rollouts, whole.

A generated test takes its limit from the declaration, so that it cannot see that the limit is another than the document's.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from handrail.output.read_yaml import read_yaml
from handrail.plan import Rollout
from handrail.report.explain import explain
from handrail.report.needed_traffic import needed_traffic
from own_rollouts import own_plan

GENERATED = Path(__file__).parents[2] / "generated/prometheus/rules"
TIERS: dict[str, list[str]] = {
    "aidin-hardening": [
        "http-5xx warning: above 0.5 %; at once; warning, investigate",
        "http-5xx critical: above 1 %; at once; critical, rollback",
        "http-5xx emergency: above 5 %; at once; emergency, emergency-rollback",
        "p95-latency warning: above 110 % of the figure of 7d ago; 15m; warning, investigate",
        "p95-latency critical: above 120 % of the figure of 7d ago; 15m; critical, rollback",
        "p95-latency emergency: above 150 % of the figure of 7d ago; at once; emergency, emergency-rollback",
        "db-errors warning: above 0; at once; warning, investigate",
        "db-errors critical: above 5; at once; critical, rollback",
        "db-pool emergency: at or above 100 %, or refused above 0; at once; emergency, emergency-rollback",
        "audit-writes critical: below 50 % of the figure of 1h ago, if that is at least 1 % in stage 100%, or inserts-10 below 0.01/s in stage 10%, or inserts-50 below 0.01/s in stage 50%, or inserts-100 below 0.01/s in stage 100%, or hour-10 at or below 0 in stage 10%, or hour-50 at or below 0 in stage 50%, or hour-100 at or below 0 in stage 100%; 2m; critical, investigate",
        "http-403 warning: above 1 %; at once; warning, investigate",
        "http-403 critical: above 2 %; at once; critical, hold",
        "http-403 emergency: above 5 %; at once; emergency, rollback",
        "active-users warning: below 90 % of the figure of 7d ago, if that is at least 100; 3h; warning, investigate",
        "active-users critical: below 80 % of the figure of 7d ago, if that is at least 100; 2h; critical, rollback",
        "active-users emergency: below 50 % of the figure of 7d ago, if that is at least 100, or nearly-all below 20 % of the figure of 7d ago, if that is at least 30; at once; emergency, emergency-rollback",
        "daily-users warning: below 90 % of the figure of 7d ago; at once; warning, investigate",
        "few-users warning: below 100 in stages 10% and 50% and 100%; 30m; warning, investigate",
        "table-size critical: above 1 GB, or role-growth above 8 KB, or bulk-growth above 1 MB, or audit-growth above 1 MB, or idle-growth above 16 KB, in the first 7d of an attempt; at once; critical, investigate",
    ],
    "mem0-redis": [
        "latency-p50 warning: above 400 ms; 5m; warning, investigate",
        "latency-p50 critical: above 500 ms; 10m; critical, investigate",
        "latency-p50 emergency: above 1 s; 5m; emergency, rollback",
        "latency-p95 critical: above 1.5 s; 10m; critical, investigate",
        "error-rate warning: above 1 %; 5m; warning, investigate",
        "error-rate critical: above 2 %; 5m; critical, hold",
        "error-rate emergency: above 5 %; at once; emergency, rollback",
        "stage-latency critical: above 110 % of stage 10%; 10m; critical, hold",
        "stage-latency-p95 critical: above 110 % of stage 10%; 10m; critical, hold",
        "stage-errors critical: above stage 10% plus 0.5 percentage points; 10m; critical, hold",
        "cache-hit warning: below 95 %; 10m; warning, investigate",
        "cache-hit critical: below 90 %; 5m; critical, investigate",
        "cache-stampede critical: above 20; at once; critical, investigate",
        "mem0-writes warning: below 99 %; 10m; warning, investigate",
        "mem0-writes critical: below 95 %; 5m; critical, investigate",
        "mem0-writes emergency: below 90 %; at once; emergency, investigate",
        "circuit-breaker warning: a change within 5m, or between-looks above 0; at once; warning, investigate",
        "circuit-breaker critical: in state open; at once; critical, hold",
        "slow-writes warning: above 0; at once; warning, investigate",
        "redis-memory warning: above 70 %; at once; warning, investigate",
        "redis-memory critical: above 80 %; at once; critical, investigate",
        "redis-memory emergency: above 90 %, or evictions above 0; at once; emergency, investigate",
        "redis-load warning: above 200 % of the figure of 7d ago and above 100/s, or many-clients above 20, or few-clients below 5; at once; warning, investigate",
        "redis-clients warning: above 200 % of the figure from before the rollout; at once; warning, investigate",
        "redis-commands warning: at or below 0, or down below 1; at once; warning, investigate",
        "fast-path-enabled warning: below 1; at once; warning, hold",
        "mem0-reads-enabled warning: below 1; at once; warning, hold",
        "mem0-shadow-mode warning: above 0; at once; warning, hold",
    ],
    "aurigraph-v12": [
        "error-rate warning: above 0.1 % in stage 100%, 0.5 % otherwise; at once; P3, investigate",
        "error-rate critical: above 0.5 % in stages 25% and 50%, 0.1 % in stage 100%, 1 % otherwise, not in stage 0%; 5m; P2, rollback",
        "error-rate emergency: above 5 %; at once; P1, investigate",
        "latency-p95 warning: above 200 ms in stage 100%, 300 ms otherwise; at once; P3, investigate",
        "latency-p95 critical: above 300 ms in stages 25% and 50%, 200 ms in stage 100%, 500 ms otherwise, not in stage 0%; 5m; P2, rollback",
        "latency-p95 emergency: above 2 s; at once; P1, investigate",
        "throughput warning: below 620800/s, or served below 80 %; at once; P3, investigate",
        "throughput critical: below 388000/s, or served below 50 %; at once; P2, investigate",
        "success-rate warning: below 99 %; at once; P3, investigate",
        "success-rate critical: below 95 %; at once; P2, investigate",
        "success-rate emergency: at or below 0 %; at once; P1, investigate",
        "rest-rps warning: below 600000/s; at once; P3, investigate",
        "latency-p99 warning: above 700 ms in stage 100%; at once; P3, investigate",
        "production-errors warning: above 0.5 %, or balancer above 0.5 %; at once; P3, investigate",
        "production-errors critical: above 1 %, or balancer above 1 %; at once; P2, investigate",
        "production-errors emergency: above 5 %, or balancer above 5 %; at once; P1, investigate",
        "production-success warning: below 99 %; at once; P3, investigate",
        "production-success critical: below 95 %; at once; P2, investigate",
        "production-success emergency: at or below 0 %; at once; P1, investigate",
        "production-latency warning: above 300 ms; at once; P3, investigate",
        "production-latency critical: above 500 ms; at once; P2, investigate",
        "production-latency emergency: above 2 s; at once; P1, investigate",
        "production-latency-p99 warning: above 700 ms; at once; P3, investigate",
        "cpu warning: above 85 %; at once; P4, investigate",
        "memory warning: above 600 MB; at once; P3, investigate",
        "machine-memory warning: above 80 %; at once; P3, investigate",
        "disk warning: above 80 %; at once; P4, investigate",
        "grpc-rps warning: below 800000/s; at once; P3, investigate",
        "grpc-latency-p95 warning: above 200 ms; at once; P3, investigate",
        "grpc-latency-p99 warning: above 500 ms; at once; P3, investigate",
        "grpc-errors warning: above 0.5 %; at once; P3, investigate",
        "grpc-connections warning: above 90 %; at once; P3, investigate",
        "nodes critical: below 1; 1m; P2, investigate",
        "service emergency: below 1, or balancer below 1; 1m; P1, investigate",
        "database emergency: below 1, or exporter below 1; 1m; P1, investigate",
        "build-success warning: below 95 %; at once; P3, investigate",
        "build-duration warning: above 600 s; at once; P4, investigate",
        "sample-ratio warning: above 12.196 % in stage 10%, 29.412 % in stage 25%, 55.556 % in stage 50%, or below 8.163 % in stage 10%, 21.052 % in stage 25%, 44.444 % in stage 50%; at once; P3, hold",
        "availability warning: the budget loses 10 % in 1d (burn rate 3) or 10 % in 3d (burn rate 1); at once; P3, investigate",
        "availability critical: the budget loses 2 % in 1h (burn rate 14.4) or 5 % in 6h (burn rate 6); at once; P2, investigate",
        "latency-p95 warning: the budget loses 10 % in 1d (burn rate 3) or 10 % in 3d (burn rate 1); at once; P3, investigate",
        "latency-p95 critical: the budget loses 2 % in 1h (burn rate 14.4) or 5 % in 6h (burn rate 6); at once; P2, investigate",
        "latency-p99 warning: the budget loses 10 % in 1d (burn rate 3) or 10 % in 3d (burn rate 1); at once; P3, investigate",
        "latency-p99 critical: the budget loses 2 % in 1h (burn rate 14.4) or 5 % in 6h (burn rate 6); at once; P2, investigate",
    ],
    "relay-r1": [
        "ttfv-p95 critical: above 1.5 s; 5m; critical, rollback",
        "rls-errors critical: above 0; 1m; critical, rollback",
        "sse-success critical: below 99.6 %; 5m; critical, rollback",
        "cross-tenant critical: above 0; at once; critical, security-rollback",
        "ann-p95 warning: above 200 ms; at once; warning, investigate",
        "db-pool warning: above 80 %; at once; warning, investigate",
        "rerank-skips warning: above 1 %; at once; warning, investigate",
    ],
    "ruleiq": [
        "error-rate critical: above 5 %; 2m; critical, rollback",
        "error-rate-fast critical: above 5 %; at once; critical, rollback",
        "auth-attack critical: above 100/min; at once; critical, security-rollback",
        "auth-attack emergency: above 10/s; 30s; emergency, security-rollback",
        "latency-p95 warning: above 2 s; 5m; warning, investigate",
        "latency-p95 critical: above 2 s; 5m; critical, rollback",
        "latency-fast critical: above 5 %; at once; critical, rollback",
        "db-pool warning: above 80 %; 5m; warning, investigate",
        "db-pool critical: above 90 %; at once; critical, rollback",
        "service critical: below 1; 30s; critical, investigate",
    ],
}
"""Guardrail and tier: limits; how long; severity, action."""


def own(rollout: str) -> Rollout:
    return next(one for one in own_plan().rollouts if one.name == rollout)


@pytest.mark.parametrize("rollout", TIERS)
def test_each_tier_fires_beyond_the_limit_for_the_time_and_with_the_action_of_the_document(
    rollout: str,
) -> None:
    [tiers] = [table for table in explain(own(rollout)) if table.title == "Tiers"]
    assert [
        f"{guardrail} {tier}: {limit}; {'at once' if sustained == '0s' else sustained}; {severity}, {action}"
        for guardrail, tier, limit, sustained, severity, action in tiers.rows
        if tier not in {"blind", "thin"}
    ] == TIERS[rollout]


THIN = {
    "aidin-hardening": {
        "http-5xx": "200/min (1000 in 5m), or 2/min bad (10: warning); 2.2/min bad (11: critical); 10.2/min bad (51: emergency)",
        "p95-latency": "83.4/min (5000 in 1h), or 4.2/min bad (251: warning, critical, emergency)",
        "http-403": "100/min (500 in 5m), or 2/min bad (10: warning); 2.2/min bad (11: critical); 5.2/min bad (26: emergency)",
        "daily-5xx": "7/min (10000 in 1d)",
    },
    "mem0-redis": {
        "latency-p50": "4/min (20 in 5m), or 2.2/min bad (11: warning, critical, emergency)",
        "latency-p95": "20/min (100 in 5m), or 2.2/min bad (11: critical)",
        "error-rate": "100/min (500 in 5m), or 2/min bad (10: warning); 2.2/min bad (11: critical); 5.2/min bad (26: emergency)",
        "daily-errors": "7/min (10000 in 1d)",
        "cache-hit": "20/min (100 in 5m), or 2/min bad (10: warning); 2.2/min bad (11: critical)",
        "mem0-writes": "20/min (100 in 5m), or 2/min bad (10: warning, critical); 2.2/min bad (11: emergency)",
    },
    "relay-r1": {"sse-success": "200/min (1000 in 5m), or 2/min bad (10: critical)"},
}


@pytest.mark.parametrize("rollout", THIN)
def test_from_which_traffic_on_a_share_is_judged_and_from_how_many_bad_events(rollout: str) -> None:
    said = {
        name: f"{judges}{'' if bad == '-' else f', or {bad}'}"
        for name, judges, bad, _ in needed_traffic(own(rollout)).rows
    }
    assert {name: said[name] for name in THIN[rollout]} == THIN[rollout]
    thin = {one.name for one in own(rollout).guardrails if one.thin is not None}
    assert {*THIN[rollout]} <= thin


OVER = re.compile(r"\[([^]:]+)")
CAPTURED = {
    "aidin-hardening": ["daily-5xx before 1h", "daily-p95 before 1h", "daily-403 before 1h"],
    "mem0-redis": [
        "daily-errors before 1h",
        "stage-latency stage:10% 5m",
        "stage-latency-p95 stage:10% 5m",
        "stage-errors stage:10% 5m",
        "redis-clients before 1d",
    ],
}
"""Guardrail, what is compared with, and over how long its mean is taken."""


@pytest.mark.parametrize("rollout", CAPTURED)
def test_what_is_compared_with_before_or_with_a_stage_is_a_mean_over_that_time(rollout: str) -> None:
    assert [
        f"{guardrail.name} {one.reference} {OVER.findall(one.expr)[-1]}"
        for guardrail in own(rollout).playbook.guardrails
        for one in guardrail.references
    ] == CAPTURED[rollout]
    assert all("avg_over_time(" in one.expr for g in own(rollout).playbook.guardrails for one in g.references)


EVERY = {
    "aidin-hardening": (15, 30),
    "mem0-redis": (15, 30),
    "aurigraph-v12": (15, 30),
    "relay-r1": (15, 60),
    "ruleiq": (15, 15),
}
"""Seconds from scrape to scrape, and from evaluation to evaluation."""


@pytest.mark.parametrize("rollout", EVERY)
def test_rules_are_evaluated_as_often_as_the_document_asks(rollout: str) -> None:
    of = own(rollout)
    assert (of.scrape.total_seconds(), of.evaluate.total_seconds()) == EVERY[rollout]
    groups = read_yaml((GENERATED / f"{rollout}.yml").read_text(encoding="utf-8"))["groups"]
    judged = {group["interval"] for group in groups if any("alert" in rule for rule in group["rules"])}
    assert judged == {f"{EVERY[rollout][1]}s".replace("60s", "1m")}


def test_ruleiq_asks_prometheus_again_before_it_rolls_back_for_what_is_just_over_its_limit() -> None:
    assert {
        f"{guardrail.name} {tier.tier}": tier.confirmation.after
        for guardrail in own("ruleiq").playbook.guardrails
        for tier in guardrail.tiers
        if tier.confirmation is not None
    } == {"error-rate critical": 15, "latency-p95 critical": 15, "db-pool critical": 15}
