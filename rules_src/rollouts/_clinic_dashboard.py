"""The clinic's own panels, beside those of the guardrails."""

from handrail.declare import Dashboard, Gauge, Increase, Latency, Panel, Rate, State
from rollouts._clinic_sources import BUCKETS, REQUESTS, own

dashboard = Dashboard(
    "main",
    panels=[
        Panel("Request time", {f"p{p}": Latency(REQUESTS, p=p, buckets=BUCKETS) for p in (50, 95, 99)}),
        Panel(
            "Request time by endpoint, of an hour",
            Gauge(own("endpoint_latency_seconds"), unit="seconds"),
            by=["endpoint", "quantile"],
        ),
        Panel("Failed requests by type, of an hour", Gauge(own("request_errors")), by=["error_type"]),
        Panel(
            "Cache hit rate by resource type, of an hour",
            Gauge(own("cache_hit_ratio"), unit="ratio"),
            by=["resource_type"],
        ),
        Panel(
            "Time of a miss by resource type, of an hour",
            Gauge(own("cache_miss_seconds"), unit="seconds"),
            by=["resource_type"],
        ),
        Panel("Misses of one key in 15 min", Gauge(own("cache_concurrent_misses")), by=["cache_key"]),
        Panel(
            "mem0 writes: average and slowest, of an hour",
            Gauge(own("mem0_write_seconds"), unit="seconds"),
            by=["statistic"],
        ),
        Panel(
            "Failed mem0 writes by type, of an hour",
            Gauge(own("mem0_write_errors")),
            by=["error_type"],
        ),
        Panel(
            "Circuit breaker history",
            {
                "changes": Increase(own("circuit_breaker_changes_total"), window="1h"),
                "failures at the newest": Gauge(own("circuit_breaker_failures")),
                "successes at the newest": Gauge(own("circuit_breaker_successes")),
                "mem0 attempts of 5 min": Gauge(own("mem0_recent_attempts")),
                "mem0 failures of 5 min": Gauge(own("mem0_recent_failures")),
            },
        ),
        Panel(
            "Flags that are loaded",
            {
                name: Gauge(own(name))
                for name in (
                    "canary_sample_rate",
                    "feature_flag_fast_path_enabled",
                    "feature_flag_mem0_reads_enabled",
                    "feature_flag_mem0_shadow_mode",
                )
            },
            show="figure",
        ),
        Panel("Circuit breaker states", State(own("circuit_breaker_state")), show="states"),
        Panel(
            "Redis",
            {
                "operations/s": Rate(own("redis_commands_processed_total")),
                "clients": Gauge(own("redis_connected_clients"), over="sum"),
            },
        ),
    ],
)
