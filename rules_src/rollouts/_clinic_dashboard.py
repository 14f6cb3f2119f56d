"""The clinic's own panels, beside those of the guardrails."""

from handrail.declare import (
    Above,
    AtMost,
    Below,
    Dashboard,
    Distribution,
    Gauge,
    Increase,
    Latency,
    Panel,
    Rate,
    Row,
    State,
    Text,
    Usage,
)
from rollouts._clinic_sources import BUCKETS, REQUESTS, own
from rollouts._mem0_by_hand import APP

flags = {
    "sample rate": "canary_sample_rate",
    "fast path": "feature_flag_fast_path_enabled",
    "mem0 reads": "feature_flag_mem0_reads_enabled",
    "shadow mode": "feature_flag_mem0_shadow_mode",
}

requests = Row(
    "Requests",
    [
        Panel("Requests by success", Rate(own("http_requests_total")), by=["success"]),
        Panel(
            "Request time",
            {f"p{p}": Latency(REQUESTS, p=p, buckets=BUCKETS) for p in (50, 95, 99)},
            target={"p50": Below("400ms"), "p95": Below("1000ms"), "p99": Below("2000ms")},
            limit={"p50": Above("500ms"), "p95": Above("1500ms")},
        ),
        Panel("Request time, all requests", Distribution(REQUESTS)),
        Panel(
            "Request time by endpoint, of an hour",
            Gauge(own("endpoint_latency_seconds"), unit="seconds"),
            by=["endpoint", "quantile"],
        ),
        Panel("Failed requests by type, of an hour", Gauge(own("request_errors")), by=["error_type"]),
    ],
)
cache = Row(
    "Cache",
    [
        Panel("Accesses by hit", Rate(own("cache_accesses_total")), by=["hit"]),
        Panel(
            "Cache hit rate by resource type, of an hour",
            Gauge(own("cache_hit_ratio"), unit="ratio"),
            by=["resource_type"],
            target=Above("95%"),
            limit=Below("90%"),
        ),
        Panel(
            "Time of a miss by resource type, of an hour",
            Gauge(own("cache_miss_seconds"), unit="seconds"),
            by=["resource_type"],
        ),
        Panel(
            "Misses of one key in 15 min",
            Gauge(own("cache_concurrent_misses")),
            by=["cache_key"],
            limit=Above(20),
        ),
    ],
)
mem0 = Row(
    "mem0",
    [
        Panel("mem0 writes by success", Rate(own("mem0_writes_total")), by=["success"]),
        Panel(
            "mem0 writes: average and slowest, of an hour",
            Gauge(own("mem0_write_seconds"), unit="seconds"),
            by=["statistic"],
            limit=Above("5s"),
        ),
        Panel("Failed mem0 writes by type, of an hour", Gauge(own("mem0_write_errors")), by=["error_type"]),
    ],
)
breaker = Row(
    "mem0's circuit breaker",
    [
        Panel("Circuit breaker states", State(own("circuit_breaker_state")), show="states"),
        Panel(
            "Circuit breaker history",
            {
                "changes of 5 min": Gauge(own("circuit_breaker_recent_changes")),
                "failures at the newest": Gauge(own("circuit_breaker_failures")),
                "successes at the newest": Gauge(own("circuit_breaker_successes")),
                "mem0 attempts of 5 min": Gauge(own("mem0_recent_attempts")),
                "mem0 failures of 5 min": Gauge(own("mem0_recent_failures")),
            },
        ),
    ],
)
redis = Row(
    "Redis",
    [
        Panel(
            "Redis memory now",
            Usage(own("redis_memory_used_bytes"), own("redis_memory_max_bytes")),
            show="gauge",
            target=Below("70%"),
            limit=Above("80%"),
        ),
        Panel("Redis up", {"Redis": Gauge(own("redis_up"), over="min")}, show="states"),
        Panel("Redis operations", Rate(own("redis_commands_processed_total")), target=Below("1000/s")),
        Panel(
            "Redis clients",
            Gauge(own("redis_connected_clients"), over="sum"),
            target=AtMost(20),
            limit=Below(5),
            note="Steady between 5 and 20.",
        ),
        Panel("Keys that Redis evicted, of 5 min", Increase(own("redis_evicted_keys_total")), limit=Above(0)),
    ],
)
loaded: list[Panel | Text] = [
    Panel(
        "Flags that are loaded", {name: Gauge(own(metric)) for name, metric in flags.items()}, show="figure"
    ),
    Text(
        "Where the lines behind the figures are",
        f"`fly logs -a {APP}`; rows of `observability_events` in Supabase;"
        f" `curl -s https://{APP}.fly.dev/health`. The runbook has the queries.",
    ),
]

dashboard = Dashboard("main", panels=[*loaded, requests, cache, mem0, breaker, redis])
