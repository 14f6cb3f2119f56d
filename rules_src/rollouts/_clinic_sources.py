"""Where the clinic's metrics come from: the lines that its application logs, and its table observability_events."""

from handrail.declare import LogCounter, LogGauge, LogHistogram, LogSource, SqlMetric, SqlSource
from rollouts._mem0_by_hand import APP


def own(metric: str, matchers: str = "") -> str:
    """A metric of the clinic's own scrape jobs, and of no other service's."""
    return f'{metric}{{job=~"{APP}(-.+)?"{"," if matchers else ""}{matchers}}}'


BUCKETS = [0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 1, 1.25, 1.5, 2, 3, 4, 5, 7.5, 10]
"""Each at most half as wide again as the one before: in one from 0.5 to 1 s a 95th percentile of 10 % more is guessed."""
REQUESTS = own("http_request_duration_seconds")
TOOK = r"processing_time_ms\W+(?P<value>\d+(?:\.\d+)?)"
SUCCESS = r"success\W+(?P<success>true|false)"


def flag(name: str) -> LogGauge:
    """What the application says that it has loaded: 1 or 0."""
    pattern = rf"Feature flags loaded.*{name}\W+(?P<value>true|false)"
    return LogGauge(f"feature_flag_{name.lower()}", pattern, values={"true": 1, "false": 0})


logs = LogSource(
    counters=[
        LogCounter("http_requests_total", [rf"request_completed.*\b{SUCCESS}"], labels=["success"]),
        LogCounter(
            "cache_accesses_total", [r"cache_access.*\bcache_hit\W+(?P<hit>true|false)"], labels=["hit"]
        ),
        LogCounter("mem0_writes_total", [rf"mem0_write.*\b{SUCCESS}"], labels=["success"]),
    ],
    histograms=[
        LogHistogram("http_request_duration_seconds", rf"request_completed.*{TOOK}", BUCKETS, unit="ms"),
        LogHistogram("mem0_write_duration_seconds", rf"mem0_write.*{TOOK}", [0.5, 1, 2, 5, 10], unit="ms"),
    ],
    gauges=[
        *map(flag, ("FAST_PATH_ENABLED", "MEM0_READS_ENABLED", "MEM0_SHADOW_MODE")),
        LogGauge(
            "canary_sample_rate", r"Feature flags loaded.*CANARY_SAMPLE_RATE\W+(?P<value>\d+(?:\.\d+)?)"
        ),
    ],
)


def events(kind: str, since: str = "1 hour") -> str:
    """The rows of one kind of event, of some time."""
    return (
        f"FROM observability_events WHERE event_type = '{kind}' AND created_at > now() - interval '{since}'"
    )


def of_last_change(field: str) -> str:
    """What the newest change of the breaker's state counted."""
    changes = "FROM observability_events WHERE event_type = 'circuit_breaker_state_change'"
    return f"SELECT (details->>'{field}')::float AS value {changes} ORDER BY created_at DESC LIMIT 1"


BREAKER = """\
SELECT state, (state = coalesce((SELECT replace(lower(details->>'state'), '_', '-') FROM observability_events
 WHERE event_type = 'circuit_breaker_state_change' ORDER BY created_at DESC LIMIT 1), 'closed'))::int AS value
 FROM unnest(ARRAY['closed', 'half-open', 'open']) AS state"""
QUANTILES = f"""\
SELECT details->>'endpoint' AS endpoint, q::text AS quantile,
 percentile_cont(q) WITHIN GROUP (ORDER BY processing_time_ms) / 1000 AS value
 FROM (SELECT * {events("request_completed")}) AS requests, unnest(ARRAY[0.5, 0.95, 0.99]) AS q GROUP BY 1, q"""  # noqa: S608
STAMPEDES = f"""\
SELECT cache_key, count(*) AS value {events("cache_miss", "15 minutes")} GROUP BY 1 ORDER BY 2 DESC LIMIT 20"""
# Where nothing was missed there is still a figure: no row would look like no data.
NOTHING_MISSED = f"({STAMPEDES}) UNION ALL SELECT '(none)', 0"
SLOWEST = f"""\
SELECT statistic, coalesce(took, 0) / 1000 AS value
 FROM (SELECT avg(processing_time_ms) AS a, max(processing_time_ms) AS m {events("mem0_write")}) AS writes,
 LATERAL (VALUES ('average', a), ('slowest', m)) AS each (statistic, took)"""  # noqa: S608
ERROR_TYPE = "SELECT details->>'error_type' AS error_type, count(*) AS value"
PREFIX = "SELECT details->>'cache_key_prefix' AS resource_type"
FAILED = "AND NOT success GROUP BY 1"

database = SqlSource(
    "postgres://handrail@clinic-db.internal/postgres?sslmode=require",
    [
        SqlMetric("circuit_breaker_state", BREAKER, "1 for the breaker's newest state", labels=["state"]),
        SqlMetric(
            # Not all of the table: a count that falls when old rows are deleted would look like one that began anew.
            "circuit_breaker_recent_changes",
            f"SELECT count(*) AS value {events('circuit_breaker_state_change', '5 minutes')}",
            "Changes of the breaker's state, of 5 min",
        ),
        SqlMetric(
            "circuit_breaker_failures", of_last_change("failure_count"), "Failures at its newest change"
        ),
        SqlMetric(
            "circuit_breaker_successes", of_last_change("success_count"), "Successes at its newest change"
        ),
        SqlMetric(
            "mem0_recent_attempts",
            f"SELECT count(*) AS value {events('mem0_write', '5 minutes')}",
            "Writes of 5 min",
        ),
        SqlMetric(
            "mem0_recent_failures",
            f"SELECT count(*) AS value {events('mem0_write', '5 minutes')} AND NOT success",
            "Failed writes of 5 min",
        ),
        SqlMetric(
            "cache_concurrent_misses", NOTHING_MISSED, "Misses of a key in 15 min", labels=["cache_key"]
        ),
        SqlMetric(
            "endpoint_latency_seconds", QUANTILES, "Request time of an hour", labels=["endpoint", "quantile"]
        ),
        SqlMetric(
            "request_errors",
            f"{ERROR_TYPE} {events('request_completed')} {FAILED}",
            "Of an hour",
            labels=["error_type"],
        ),
        SqlMetric(
            "mem0_write_errors",
            f"{ERROR_TYPE} {events('mem0_write')} {FAILED}",
            "Of an hour",
            labels=["error_type"],
        ),
        SqlMetric(
            "mem0_write_seconds", SLOWEST, "Average and slowest write of an hour", labels=["statistic"]
        ),
        SqlMetric(
            "cache_hit_ratio",
            f"{PREFIX}, avg(cache_hit::int) AS value {events('cache_access')} GROUP BY 1",
            "Share of hits of an hour",
            labels=["resource_type"],
        ),
        SqlMetric(
            "cache_miss_seconds",
            f"{PREFIX}, avg(processing_time_ms) / 1000 AS value {events('cache_access')} AND NOT cache_hit GROUP BY 1",
            "Average time of a miss, of an hour",
            labels=["resource_type"],
        ),
    ],
    every="15s",
)
