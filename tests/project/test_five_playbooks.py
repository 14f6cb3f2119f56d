"""What the five teams' documents say of stages, gates, checks, steps and people → what the receiver gets, whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from handrail.contract import Playbook, Step
from handrail.output.read_yaml import read_yaml

TOP = Path(__file__).parents[2]
FIVE = ("aidin-hardening", "mem0-redis", "aurigraph-v12", "relay-r1", "ruleiq")
HOUR = 3600.0
WAYS = ("rollback", "emergency-rollback", "security-rollback")
FLY = "fly secrets set CANARY_SAMPLE_RATE={} --app healthcare-clinic-backend"
RAILWAY = "railway service update relay --traffic-split main:{},r0.5-hotfix:{}"


@cache
def playbook(rollout: str) -> Playbook:
    return Playbook.model_validate_json((TOP / f"generated/playbook/{rollout}.json").read_text())


def said(step: Step) -> str:
    """A step in the words of those who did it by hand."""
    match step.kind:
        case "command":
            return " ".join(step.argv)
        case "unleash-share":
            return f"{step.feature} for {step.percent} %"
        case "unleash-off":
            return f"{step.feature} off"
        case "haproxy-weight":
            return f"{step.server} {step.weight}"
    raise AssertionError(step.kind)


STAGES = {
    "aidin-hardening": [(f"{n}%", 24, [f"aidin-hardening for {n} %"]) for n in (10, 50, 100)],
    "mem0-redis": [
        ("10%", 24, [FLY.format("0.1")]),
        ("50%", 24, [FLY.format("0.5")]),
        ("100%", 48, [FLY.format("1.0")]),
    ],
    "aurigraph-v12": [
        (f"{green}%", hours, [f"aurigraph/blue {100 - green}", f"aurigraph/green {green}"])
        for green, hours in ((0, 24), (10, 24), (25, 4), (50, 4), (100, None))
    ],
    "relay-r1": [("5%", 1, [RAILWAY.format(5, 95)]), ("100%", None, [RAILWAY.format(100, 0)])],
    "ruleiq": [],
}


@pytest.mark.parametrize("rollout", FIVE)
def test_stages_last_as_long_and_set_what_the_document_says(rollout: str) -> None:
    assert [
        (stage.name, stage.bake and stage.bake / HOUR, [said(step) for step in stage.enter])
        for stage in playbook(rollout).stages
    ] == STAGES[rollout]


BACK = {
    "aidin-hardening": ["aidin-hardening off"],
    "mem0-redis": [FLY.format(0)],
    "aurigraph-v12": ["aurigraph/blue 100", "aurigraph/green 0"],
    "relay-r1": [RAILWAY.format(0, 100)],
    "ruleiq": ["recommendations-v2 off", "bulk-import off"],
}


@pytest.mark.parametrize("rollout", FIVE)
def test_every_rollback_goes_the_whole_way_back(rollout: str) -> None:
    ways = {
        action.name: [said(step) for step in action.steps]
        for action in playbook(rollout).actions
        if action.name.endswith("rollback")
    }
    assert ways == dict.fromkeys(WAYS, BACK[rollout])


TOLD = {
    "aidin-hardening": {
        "rollback": ["slack"],
        "emergency-rollback": ["slack", "pagerduty", "pagerduty", "slack", "slack", "mail"],
        "security-rollback": ["slack"],
    },
    "mem0-redis": {way: ["slack"] for way in WAYS},
    "aurigraph-v12": {
        "rollback": ["slack"],
        "emergency-rollback": ["slack", "pagerduty"],
        "security-rollback": ["slack"],
    },
    "relay-r1": {
        "rollback": ["slack"],
        "emergency-rollback": ["slack"],
        "security-rollback": ["slack", "pagerduty"],
    },
    "ruleiq": {
        way: ["slack", "pagerduty", "webhook", "status-page", *(["pagerduty"] if way[:3] == "sec" else [])]
        for way in WAYS
    },
}


@pytest.mark.parametrize("rollout", FIVE)
def test_who_is_told_of_a_rollback(rollout: str) -> None:
    assert _told(rollout, lambda action: action.endswith("rollback")) == TOLD[rollout]


@pytest.mark.parametrize("rollout", FIVE)
def test_of_what_is_no_rollback_the_team_hears_and_no_pager_ticket_or_status_page(rollout: str) -> None:
    told = _told(rollout, lambda action: not action.endswith("rollback"))
    softer = {"reduce": ["slack"]} if playbook(rollout).action("reduce") else {}
    assert told == {"investigate": ["slack"], "hold": ["slack"], **softer}


def _told(rollout: str, which: Callable[[str], bool]) -> dict[str, list[str]]:
    """The kinds of channels that hear of each action."""
    return {
        action.name: [tell.channel.kind for tell in action.tell]
        for action in playbook(rollout).actions
        if which(action.name)
    }


AIDIN = [
    "db-errors at or below 0",
    "audit-trail above 0 %",
    "daily-5xx below 0.5 %",
    "daily-5xx not above the figure from before the rollout plus 0.2 percentage points",
    "daily-p95 not above 110 % of the figure from before the rollout",
    "daily-403 below 1 %",
    "daily-403 not above the figure from before the rollout plus 0.5 percentage points",
    "daily-users not below 90 % of the figure of 7d ago",
    "table-size at or below 1 GB",
]
MEM0 = [
    "latency-p50 below 500 ms, counted over the whole stage",
    "latency-p95 below 1 s, counted over the whole stage",
    "latency-p99 below 2 s, counted over the whole stage",
    "daily-errors below 1 %",
    "daily-errors not above the figure from before the rollout plus 0.5 percentage points",
    "cache-hit above 95 %, counted over the whole stage",
    "mem0-writes above 99 %, counted over the whole stage",
    "circuit-breaker in state closed",
    "breaker-changes at or below 0",
    "slow-writes below 1",
    "redis-memory below 80 %",
    "redis-evictions at or below 0",
    "redis-load below 1000/s",
    "redis-load not above 200 % of the figure of 7d ago and above 100/s",
    "redis-clients at or above 5",
    "redis-clients at or below 20",
    "redis-clients not above 200 % of the figure from before the rollout",
    "redis-commands above 0",
]
AGAINST_PHASE_1 = [
    "stage-latency not above 110 % of stage 10%",
    "stage-latency-p95 not above 110 % of stage 10%",
    "stage-errors not above stage 10% plus 0.5 percentage points",
]
AURIGRAPH = [
    "error-rate below 0.1 %, counted over the whole stage",
    "latency-p95 below 200 ms, counted over the whole stage",
    "throughput not below 737200/s",
    "success-rate above 99.9 %, counted over the whole stage",
    "latency-p99 below 500 ms, counted over the whole stage",
    "sample-ratio as asked for, allowing for chance",
]
RELAY = [
    "ttfv-p95 below 1.5 s, counted over the whole stage",
    "rls-errors at or below 0",
    "sse-success at or above 99.6 %, counted over the whole stage",
    "cross-tenant at or below 0",
    "ann-p95 below 200 ms, counted over the whole stage",
    "db-pool below 80 %",
]
CRITERIA = {
    "aidin-hardening": dict.fromkeys(("50%", "100%", "complete"), AIDIN),
    "mem0-redis": {
        "10%": [],
        "50%": MEM0,
        "100%": [*MEM0[:5], *AGAINST_PHASE_1, *MEM0[5:]],
        "complete": [*MEM0[:5], *AGAINST_PHASE_1, *MEM0[5:]],
    },
    "aurigraph-v12": {
        "10%": ["throughput not below 737200/s"],
        **dict.fromkeys(("25%", "50%", "100%"), AURIGRAPH),
    },
    "relay-r1": dict.fromkeys(("100%", "complete"), RELAY),
    "ruleiq": {},
}


@pytest.mark.parametrize("rollout", FIVE)
def test_what_each_gate_asks_of_prometheus(rollout: str) -> None:
    asked = {
        gate.into: [f"{one.guardrail} {one.text}" for one in gate.criteria]
        for gate in playbook(rollout).gates
    }
    assert {into: texts for into, texts in asked.items() if into in CRITERIA[rollout]} == CRITERIA[rollout]


FINE = ["No user complained about access", "All smoke tests passed"]
PEOPLE = {
    "aidin-hardening": dict.fromkeys(("50%", "100%", "complete"), FINE),
    "mem0-redis": {
        "10%": [
            "Implementation complete",
            "Flags deployed: FAST_PATH_ENABLED, MEM0_READS_ENABLED, MEM0_SHADOW_MODE",
            "Runbooks written, and tried in a drill",
            "Queries ready",
            "Rollback documented",
        ],
        "50%": [
            "No critical incident in this stage",
            "Post-deployment review completed",
            "Runbooks validated: at least one test invocation, a drill",
            "approved by technical-lead",
            "24 h without a critical or emergency alert",
        ],
        "100%": [
            "No critical incident in this stage",
            "Runbooks validated: at least one test invocation, a drill",
            "approved by technical-lead",
            "48 h without an alert",
        ],
        "complete": ["No critical incident in this stage", "48 h without a critical or emergency alert"],
    },
    "aurigraph-v12": {
        "10%": [
            "Staging runs this image, with the database's volumes mounted",
            "Staging: REST answers in under 100 ms, health is up, metrics are reachable",
            "Staging: gRPC answers, or is not in this release",
            "Staging: the database is connected and its schema is the release's",
            "Staging: Redis is connected",
            "Staging: logs arrive in CloudWatch",
            "Test suites: unit at least 95 %, integration at least 70 %, smoke 100 % passed",
            "Performance tests passed",
            "The security scan is clean",
            "Coverage of every service at least 95 %",
            "The build takes at most 10 min (compile 3, test 5, image 2)",
        ]
    },
    "relay-r1": {"100%": ["approved by release-owner"]},
    "ruleiq": {},
}


@pytest.mark.parametrize("rollout", FIVE)
def test_what_each_gate_asks_of_people(rollout: str) -> None:
    asked = {}
    for gate in playbook(rollout).gates:
        alert = f"a {' or '.join(gate.severities)} alert" if gate.severities else "an alert"
        stable = [f"{gate.stable_for / HOUR:g} h without {alert}"] if gate.stable_for else []
        asked[gate.into] = [*gate.manual, *(f"approved by {one.role}" for one in gate.approvals), *stable]
    assert {into: texts for into, texts in asked.items() if texts} == PEOPLE[rollout]


HOURS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24)
TOPICS = [
    "All metrics within normal range",
    "No latency spikes or errors",
    "Cache performance stable",
    "mem0 integration healthy",
    "Sustained performance",
    "No circuit breaker trips",
    "Cache hit rate > 95 %",
    "Error rate < 1 %",
    "All metrics stable",
    "Long-term performance confirmed",
    "Phase 1 success criteria met",
]


def test_the_clinic_s_checks_are_those_of_its_hours_each_with_its_topic_in_phase_1() -> None:
    mem0 = playbook("mem0-redis")
    made = {
        stage.name: [(one.at / HOUR, list(one.questions)) for one in mem0.checks if one.stage == stage.name]
        for stage in mem0.stages
    }
    assert made["10%"] == [(hour, [topic]) for hour, topic in zip(HOURS, TOPICS, strict=True)]
    assert made["50%"] == [(hour, []) for hour in HOURS]
    assert made["100%"] == [(hour, []) for hour in (*HOURS, 28, 32, 36, 40, 44, 48)]
    assert [gate.checks for gate in mem0.gates] == [None, "made", "made", "made"]
    asked = [one.text for one in mem0.gates[1].checklist]
    assert asked == [f"Hour {hour}: {topic}" for hour, topic in zip(HOURS, TOPICS, strict=True)]
    assert mem0.checks_while_firing == HOUR / 2


def test_aurigraph_is_looked_at_four_times_in_a_day_and_twice_in_four_hours() -> None:
    aurigraph = playbook("aurigraph-v12")
    owed = {stage.name: [one.label for one in aurigraph.owed_by(stage.name)] for stage in aurigraph.stages}
    day, hours = ["T+1h", "T+4h", "T+12h", "T+1d"], ["T+1h", "T+4h"]
    assert owed == {"0%": day, "10%": day, "25%": hours, "50%": hours, "100%": []}


def test_relay_s_hour_has_twelve_checks_three_that_are_told_and_one_load_burst() -> None:
    relay = playbook("relay-r1")
    assert [(one.name, one.at / 60) for one in relay.checks] == [(f"T+{at}", at) for at in range(5, 65, 5)]
    assert [one.name for one in relay.checks if one.tell] == ["T+15", "T+30", "T+60"]
    [burst] = relay.bursts
    assert (burst.at / 60, burst.requests, burst.users, burst.pause, burst.method, burst.url) == (
        5,
        100,
        5,
        0.1,
        "POST",
        "https://relay.production.com/api/v1/memory/query",
    )
    assert relay.gates[0].checks == "made"


def test_ruleiq_s_lead_has_five_minutes_to_acknowledge() -> None:
    [late] = playbook("ruleiq").acknowledge
    assert (
        late.within / 60,
        late.who,
        [tell.channel.channel for tell in late.tell if tell.channel.kind == "slack"],
    ) == (
        5,
        "the engineering lead",
        ["#engineering-management"],
    )


def test_both_of_ruleiq_s_attacks_page_security() -> None:
    [attack] = [one for one in playbook("ruleiq").guardrails if one.name == "auth-attack"]
    assert {tier.tier: tier.action for tier in attack.tiers if tier.action != "hold"} == dict.fromkeys(
        ("critical", "emergency"), "security-rollback"
    )
    action = playbook("ruleiq").action("security-rollback")
    assert action is not None
    assert [tell.channel.routing_key.name for tell in action.tell if tell.channel.kind == "pagerduty"] == [
        "PAGERDUTY_RULEIQ_KEY",
        "PAGERDUTY_SECURITY_KEY",
    ]


def test_ruleiq_s_flags_are_drawn_by_their_state_and_not_by_who_asked() -> None:
    page = json.loads((TOP / "generated/grafana/dashboards/ruleiq-flags.json").read_text())
    asked = {
        panel["title"]: " ".join(target["expr"] for target in panel.get("targets", []))
        for panel in page["panels"]
    }
    for title in ("State of each flag", "Recent changes", "Impact"):
        assert ("ruleiq_ff_enabled" in asked[title], "ruleiq_ff_evaluations" in asked[title]) == (True, False)


SCRAPED = {
    "aidin-log": "/metrics",
    "aidin-sql": "/metrics",
    "aurigraph": "/q/metrics",
    "aurigraph-ci": "/metrics",
    "aurigraph-db": "/metrics",
    "aurigraph-haproxy": "/metrics",
    "aurigraph-node": "/metrics",
    "healthcare-clinic-backend-log": "/metrics",
    "healthcare-clinic-backend-sql": "/metrics",
    "healthcare-clinic-backend-redis": "/metrics",
    "relay-memory": "/metrics/memory",
    "relay-system": "/metrics/system",
    "relay-sse": "/metrics/sse",
    "ruleiq": "/metrics",
    "ruleiq-node": "/metrics",
}


def test_prometheus_scrapes_what_the_documents_name_where_it_answers() -> None:
    made = read_yaml((TOP / "generated/prometheus/prometheus.yml").read_text())
    jobs = {
        job["job_name"]: job["metrics_path"] for job in made["scrape_configs"] if job["job_name"] in SCRAPED
    }
    assert jobs == SCRAPED
    assert (made["global"]["scrape_interval"], made["global"]["evaluation_interval"]) == ("15s", "15s")
    assert made["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] != []
    healthy = [(one.name, one.url, dict(one.values)) for one in playbook("aurigraph-v12").probes]
    assert healthy == [
        ("health", "http://green.internal:9003/q/health", {"/status": "UP"}),
        ("metrics", "http://green.internal:9003/q/metrics", {}),
        ("health-blue", "http://blue.internal:9003/q/health", {"/status": "UP"}),
        ("metrics-blue", "http://blue.internal:9003/q/metrics", {}),
    ]
