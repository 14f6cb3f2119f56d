"""What the teams' documents want to see → a panel of its kind on the right dashboard, with its target and its limit."""

from __future__ import annotations

from typing import Any

import pytest
from emit.grafana.own_pages import own_pages

LINES, BAND, NOW, DIAL, BARS, HEAT, TABLE, WORDS = (
    "timeseries",
    "state-timeline",
    "stat",
    "gauge",
    "bargauge",
    "heatmap",
    "table",
    "text",
)

WANTED: dict[str, dict[str, str]] = {
    "aidin-hardening.json": {
        "Share of server errors": LINES,
        "95th percentile of request time": LINES,
        "Request time": LINES,
        "Database errors": LINES,
        "Audit-log inserts and mutations": LINES,
        "Share of refused requests": LINES,
        "Requests by status": LINES,
        "Server errors by route, of 5 min": LINES,
        "Refused requests by route, of 5 min": LINES,
        "Distinct users of the last hour, two ways": LINES,
        "Connections in use": DIAL,
        "Size of the new tables now": BARS,
        "Where the lines behind the figures are": WORDS,
    },
    "mem0-redis.json": {
        "Request time": LINES,
        "Request time, all requests": HEAT,
        "Request time by endpoint, of an hour": LINES,
        "Share of failed requests": LINES,
        "Failed requests by type, of an hour": LINES,
        "Cache hit rate": LINES,
        "Cache hit rate by resource type, of an hour": LINES,
        "Time of a miss by resource type, of an hour": LINES,
        "Misses of one key in 15 min": LINES,
        "Share of mem0 writes that succeed": LINES,
        "mem0 writes: average and slowest, of an hour": LINES,
        "Failed mem0 writes by type, of an hour": LINES,
        "Circuit breaker": BAND,
        "Circuit breaker states": BAND,
        "Circuit breaker history": LINES,
        "Flags that are loaded": NOW,
        "Redis memory now": DIAL,
        "Redis operations": LINES,
        "Redis clients": LINES,
        "Keys that Redis evicted, of 5 min": LINES,
        "Where the lines behind the figures are": WORDS,
    },
    "aurigraph-v12.json": {
        "Stage": NOW,
        "Stage history": BAND,
        "Traffic split": LINES,
        "Requests of blue and green": LINES,
        "Time in this stage": NOW,
        "Bake time left": NOW,
        "Share of requests that fail": LINES,
        "availability: error budget left": NOW,
        "availability: burn rate": LINES,
    },
    "aurigraph-v12-performance.json": {
        "REST throughput": LINES,
        "REST latency": LINES,
        "REST latency now": BARS,
        "REST latency, all of green's requests": HEAT,
        "gRPC throughput": LINES,
        "gRPC latency": LINES,
        "gRPC connections in use, of 100": DIAL,
        "Memory of the service": LINES,
    },
    "aurigraph-v12-errors.json": {
        "Failed requests now": NOW,
        "Error rate": LINES,
        "Success rate": LINES,
        "Failed requests by status": LINES,
        "gRPC error rate": LINES,
        "Failed gRPC calls by code": LINES,
    },
    "aurigraph-v12-cluster.json": {
        "Nodes that answer": NOW,
        "Node up": BAND,
        "CPU in use": LINES,
        "Memory in use": LINES,
        "Disk in use": LINES,
        "Database reachable": BAND,
        "Database connections in use": DIAL,
    },
    "aurigraph-v12-business.json": {
        "Requests per second now": NOW,
        "Availability of a day, a week, a month": NOW,
        "Builds that succeed, of 7 days": NOW,
        "Build time": LINES,
        "Build time by step": LINES,
        "Tests that pass, of 24 hours": BARS,
        "Code coverage": BARS,
        "Docker image size": NOW,
    },
    "relay-r1-ttfv.json": {"Time to the first value": LINES, "Time to the first value, all answers": HEAT},
    "relay-r1-rls.json": {
        "Row-level security errors": LINES,
        "Queries filtered by user": LINES,
        "Attempts to read another tenant's data, of an hour": NOW,
    },
    "relay-r1-streaming.json": {
        "Share of streams that complete": LINES,
        "Streams that complete now": NOW,
        "Streams": LINES,
        "Time-outs, of 5 min": LINES,
        "Bytes transmitted": LINES,
    },
    "relay-r1-ann.json": {
        "Vector search": LINES,
        "Vector search now": BARS,
        "Vector search, all queries": HEAT,
    },
    "relay-r1-reranker.json": {
        "Share of reranks that are skipped": LINES,
        "Reranks that are skipped or time out": LINES,
    },
    "relay-r1-database.json": {
        "Connection pool in use": LINES,
        "Connection pool now": DIAL,
        "Query time": LINES,
        "Rows of memory chunks": LINES,
        "CPU of the service": LINES,
        "Memory of the service": LINES,
    },
    "ruleiq.json": {
        "Requests by endpoint": LINES,
        "Share of server errors": LINES,
        "Request time": LINES,
        "Active users": NOW,
        "Flag evaluations": LINES,
        "Sign-ins": LINES,
        "Connections in use, of 50": DIAL,
        "CPU": LINES,
        "Memory": LINES,
        "Disk": LINES,
    },
    "ruleiq-flags.json": {
        "State of each flag": BAND,
        "Evaluations, per minute": LINES,
        "Share of evaluations that are on": LINES,
        "Recent changes": TABLE,
        "Who switched it": WORDS,
        "Impact": LINES,
    },
}


@pytest.mark.parametrize("file", WANTED)
def test_it_is_there_and_drawn_by_its_kind(file: str) -> None:
    kinds = {panel["title"]: panel["type"] for panel in own_pages()[file]["panels"]}
    assert {title: kinds.get(title) for title in WANTED[file]} == WANTED[file]


def panel(file: str, title: str) -> dict[str, Any]:
    """The last of this title: a guardrail's own stands before."""
    found: list[dict[str, Any]] = [one for one in own_pages()[file]["panels"] if one["title"] == title]
    return found[-1]


DRAWN = {
    ("aidin-hardening.json", "Audit-log inserts and mutations"): {"audit-log inserts limit: below 0.01/s"},
    ("mem0-redis.json", "Request time"): {
        "p50 target: below 400 ms",
        "p95 target: below 1 s",
        "p99 target: below 2 s",
        "p50 limit: above 500 ms",
        "p95 limit: above 1.5 s",
    },
    ("mem0-redis.json", "Redis operations"): {"target: below 1000/s"},
    ("aurigraph-v12-performance.json", "REST throughput"): {
        "target: at or above 776000/s",
        "limit: below 600000/s",
    },
    ("aurigraph-v12-performance.json", "REST latency"): {
        "p95 target: below 200 ms",
        "p99 target: below 500 ms",
        "p95 limit: above 300 ms",
        "p99 limit: above 700 ms",
    },
    ("aurigraph-v12-performance.json", "gRPC latency"): {
        "p95 target: below 100 ms",
        "p99 target: below 300 ms",
        "p95 limit: above 200 ms",
        "p99 limit: above 500 ms",
    },
    ("aurigraph-v12-performance.json", "Memory of the service"): {
        "target: below 512 MB",
        "limit: above 600 MB",
    },
    ("aurigraph-v12-business.json", "Build time by step"): {
        "compile target: below 180 s",
        "test target: below 300 s",
        "image target: below 120 s",
    },
    ("aurigraph-v12-business.json", "Build time"): {"target: below 600 s"},
    ("aurigraph-v12-cluster.json", "CPU in use"): {"target: below 80 %", "limit: above 85 %"},
    ("aurigraph-v12-cluster.json", "Disk in use"): {"target: below 70 %", "limit: above 80 %"},
    ("relay-r1-ttfv.json", "Time to the first value"): {"p50 target: below 500 ms", "critical → rollback"},
    ("relay-r1-streaming.json", "Share of streams that complete"): {"critical → rollback", "success"},
    ("relay-r1-reranker.json", "Share of reranks that are skipped"): {"target: below 1 %"},
    ("relay-r1-database.json", "Connection pool in use"): {"success"},
}


@pytest.mark.parametrize(("file", "title"), DRAWN)
def test_targets_and_limits_of_the_documents_are_lines(file: str, title: str) -> None:
    legends = {target["legendFormat"] for target in panel(file, title)["targets"]}
    assert DRAWN[file, title] - legends == set()


COLOURED = {
    ("aurigraph-v12-errors.json", "Failed requests now"): [
        (None, "green"),
        (0.001, "orange"),
        (0.005, "red"),
    ],
    ("aurigraph-v12-performance.json", "gRPC connections in use, of 100"): [(None, "green"), (0.9, "red")],
    ("relay-r1-streaming.json", "Streams that complete now"): [(None, "red"), (0.996, "green")],
    ("relay-r1-database.json", "Connection pool now"): [(None, "green"), (0.8, "red")],
    ("ruleiq.json", "Connections in use, of 50"): [(None, "green"), (0.8, "orange"), (0.9, "red")],
}


CURVES = {
    ("aidin-hardening.json", "Request time"): {"p50", "p95", "p99"},
    ("aidin-hardening.json", "Server errors by route, of 5 min"): {"{{route}}"},
    ("aidin-hardening.json", "Refused requests by route, of 5 min"): {"{{route}}"},
    ("aidin-hardening.json", "Audit-log inserts and mutations"): {"audit-log inserts", "mutations"},
    ("mem0-redis.json", "Request time"): {"p50", "p95", "p99"},
    ("mem0-redis.json", "Request time by endpoint, of an hour"): {"{{endpoint}} {{quantile}}"},
    ("mem0-redis.json", "Flags that are loaded"): {"sample rate", "fast path", "mem0 reads", "shadow mode"},
    ("mem0-redis.json", "Circuit breaker history"): {
        "changes of 5 min",
        "failures at the newest",
        "successes at the newest",
        "mem0 attempts of 5 min",
        "mem0 failures of 5 min",
    },
    ("aurigraph-v12.json", "Traffic split"): {"canary", "stable"},
    ("aurigraph-v12-errors.json", "Error rate"): {"{{track}}", "critical → rollback", "success"},
    ("aurigraph-v12-performance.json", "REST latency"): {f"p{p} {{{{track}}}}" for p in (50, 75, 95, 99)},
    ("aurigraph-v12-business.json", "Availability of a day, a week, a month"): {"day", "week", "month"},
    ("aurigraph-v12-business.json", "Build time by step"): {"compile", "test", "image"},
    ("relay-r1-ttfv.json", "Time to the first value"): {"p50", "p95"},
    ("relay-r1-ann.json", "Vector search"): {"p50", "p95", "p99"},
    ("relay-r1-database.json", "Query time"): {"p95"},
    ("ruleiq.json", "Requests by endpoint"): {"{{endpoint}}"},
    ("ruleiq.json", "Request time"): {"p50", "p95", "p99"},
    ("ruleiq.json", "Flag evaluations"): {"{{flag_name}} {{result}}"},
    ("ruleiq.json", "Sign-ins"): {"succeed", "fail"},
    ("ruleiq-flags.json", "Evaluations, per minute"): {"{{flag_name}} {{result}}"},
    ("ruleiq-flags.json", "Share of evaluations that are on"): {"{{flag_name}}"},
    ("ruleiq-flags.json", "Impact"): {"server errors", "flag changes in 10 min"},
}


@pytest.mark.parametrize(("file", "title"), CURVES)
def test_each_curve_that_a_document_names_is_on_its_panel(file: str, title: str) -> None:
    legends = {target["legendFormat"] for target in panel(file, title)["targets"]}
    assert CURVES[file, title] - legends == set()


AT_LEAST = {
    "Tests that pass, of 24 hours": {"unit": 0.95, "integration": 0.7, "smoke": 1.0},
    "Code coverage": {"{{component}}": 0.95},
    "Builds that succeed, of 7 days": {"value": 1.0},
}


@pytest.mark.parametrize("title", AT_LEAST)
def test_what_aurigraph_s_builds_must_reach_is_green_from_there_on(title: str) -> None:
    one = panel("aurigraph-v12-business.json", title)
    legends = {target["refId"]: target["legendFormat"] for target in one["targets"]}
    green = {
        legends[override["matcher"]["options"]]: change["value"]["steps"][-1]
        for override in one["fieldConfig"]["overrides"]
        for change in override["properties"]
        if change["id"] == "thresholds"
    }
    assert green == {name: {"color": "green", "value": figure} for name, figure in AT_LEAST[title].items()}


def test_relay_s_pages_show_the_hour() -> None:
    times = {name: page["time"] for name, page in own_pages().items() if name.startswith("relay-r1-")}
    assert times == {key: {"from": "now-1h", "to": "now"} for key in times}
    assert len(times) == 6


def test_aurigraph_s_page_of_errors_shows_a_day() -> None:
    assert own_pages()["aurigraph-v12-errors.json"]["time"] == {"from": "now-1d", "to": "now"}


@pytest.mark.parametrize(("file", "title"), COLOURED)
def test_what_is_now_is_coloured_by_them(file: str, title: str) -> None:
    [change] = [
        change["value"]["steps"]
        for override in panel(file, title)["fieldConfig"]["overrides"]
        for change in override["properties"]
        if change["id"] == "thresholds"
    ]
    assert [(step["value"], step["color"]) for step in change] == COLOURED[file, title]


def test_bytes_transmitted_are_a_gauge_and_never_a_rate() -> None:
    exprs = [
        target["expr"]
        for page in own_pages().values()
        for panel in page["panels"]
        for target in panel.get("targets", [])
        if "sse_bytes_transmitted" in target["expr"]
    ]
    assert {"rate(" in expr for expr in exprs} == {False}


def test_ruleiq_s_pages_are_updated_every_five_seconds() -> None:
    assert {own_pages()[name]["refresh"] for name in ("ruleiq.json", "ruleiq-flags.json")} == {"5s"}
