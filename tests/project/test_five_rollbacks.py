"""What the five teams' documents ask of a rollback beside its steps: what is softer, what proves it, and what it depends on."""

from __future__ import annotations

from decimal import Decimal

from emit.grafana.own_pages import own_plan
from project.test_five_playbooks import FIVE, FLY, playbook, said


def test_what_is_softer_than_a_rollback_is_a_step_of_its_own_where_a_document_names_it() -> None:
    softer = {name: playbook(name).action("reduce") for name in FIVE}
    assert {
        name: (
            action.weight,
            [said(step) for step in action.steps],
            [one.channel.kind for one in action.tell],
        )
        for name, action in softer.items()
        if action is not None
    } == {"mem0-redis": (0.05, [FLY.format("0.05")], ["slack"])}


def test_aurigraph_s_objectives_are_those_of_the_document() -> None:
    objectives = {one.name: one.objective for one in playbook("aurigraph-v12").objectives}
    assert objectives == {"availability": 0.9999, "latency-p95": 0.95, "latency-p99": 0.99}
    [aurigraph] = [one for one in own_plan().rollouts if one.name == "aurigraph-v12"]
    bounds = {slo.name: getattr(slo.measure, "bound", None) for slo in aurigraph.slos}
    assert bounds == {"availability": None, "latency-p95": Decimal("0.2"), "latency-p99": Decimal("0.5")}


def test_a_rollback_of_aurigraph_is_proved_by_blue_that_serves_and_is_well() -> None:
    action = playbook("aurigraph-v12").action("rollback")
    assert action is not None
    assert action.proof is not None
    [serves, *_] = action.proof.serves.splitlines()
    assert serves == 'sum(rate(http_requests_total{job=~"aurigraph(-.+)?",track="stable"}[1m])) > 0'
    assert [(one.name, one.url, one.values) for one in action.proof.probes] == [
        ("health-blue", "http://blue.internal:9003/q/health", {"/status": "UP"})
    ]


def test_the_clinic_s_probes_ask_the_application_and_what_it_needs_mem0_and_supabase() -> None:
    assert [(one.name, one.url, one.token and one.token.name) for one in playbook("mem0-redis").probes] == [
        ("health", "https://healthcare-clinic-backend.fly.dev/health", None),
        ("mem0", "https://api.mem0.ai/v1/ping/", "MEM0_API_KEY"),
        (
            "supabase",
            "https://clinic.supabase.co/rest/v1/observability_events?select=event_type&limit=1",
            "SUPABASE_KEY",
        ),
    ]
