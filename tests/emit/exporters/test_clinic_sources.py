"""The clinic's sources: rows of observability_events in a real PostgreSQL, lines of its log, and a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import yaml
from handrail.output.read_yaml import read_yaml
from servers import Server, answers, free_address, kill, postgres, running, until

from .sources import generated, labelled, metrics, mtail, sql_exporter, sql_values

SQL = "exporters/mem0-redis.sql.yml"
LOG = "exporters/mem0-redis.mtail"
ROWS = """
CREATE TABLE observability_events (
    event_type text, created_at timestamptz DEFAULT now(), processing_time_ms float, success boolean,
    cache_hit boolean, cache_key text, details jsonb DEFAULT '{}'
);
INSERT INTO observability_events (event_type, processing_time_ms, success, details) VALUES
    ('request_completed', 100, true, '{"endpoint": "/chat"}'),
    ('request_completed', 300, true, '{"endpoint": "/chat"}'),
    ('request_completed', 900, false, '{"endpoint": "/chat", "error_type": "timeout"}'),
    ('request_completed', 50, true, '{"endpoint": "/health"}'),
    ('mem0_write', 1000, true, '{}'),
    ('mem0_write', 7000, false, '{"error_type": "rate_limit"}');
INSERT INTO observability_events (event_type, processing_time_ms, success, created_at, details)
    VALUES ('mem0_write', 60000, false, now() - interval '2 hours', '{"error_type": "old"}');
INSERT INTO observability_events (event_type, cache_hit, processing_time_ms, details) VALUES
    ('cache_access', true, 2, '{"cache_key_prefix": "doctors"}'),
    ('cache_access', true, 4, '{"cache_key_prefix": "doctors"}'),
    ('cache_access', false, 500, '{"cache_key_prefix": "doctors"}'),
    ('cache_access', true, 2, '{"cache_key_prefix": "services"}');
INSERT INTO observability_events (event_type, cache_key) SELECT 'cache_miss', 'doctors:7' FROM generate_series(1, 21);
INSERT INTO observability_events (event_type, cache_key, created_at) VALUES ('cache_miss', 'old', now() - interval '20 minutes');
INSERT INTO observability_events (event_type, created_at, details) VALUES
    ('circuit_breaker_state_change', now() - interval '3 hours', '{"state": "open", "failure_count": 5, "success_count": 0}'),
    ('circuit_breaker_state_change', now() - interval '2 hours', '{"state": "HALF_OPEN", "failure_count": 5, "success_count": 2}');
"""
CHANGED = """
INSERT INTO observability_events (event_type, created_at, details) VALUES
    ('circuit_breaker_state_change', now() - interval '2 seconds', '{"state": "open"}'),
    ('circuit_breaker_state_change', now() - interval '1 second', '{"state": "closed"}');
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with postgres(tmp_path_factory.mktemp("clinic")) as server:
        yield server


def run(database: Server, statements: str) -> None:
    host, port = database.address.split(":")
    with psycopg.connect(
        host=host, port=port, user="handrail", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(statements.encode())


def test_the_table_becomes_every_figure_that_the_team_asked_it_for(database: Server, tmp_path: Path) -> None:
    run(database, ROWS)
    address = f"postgres://handrail@{database.address}/postgres?sslmode=disable&application_name=exporter"
    labels = ("state", "cache_key", "endpoint", "quantile", "error_type", "statistic", "resource_type")
    with sql_exporter(tmp_path, generated(SQL), address) as exporter:
        until(lambda: len(sql_values(exporter, *labels)) == 23, "all series")
        found = sql_values(exporter, *labels)
        latencies = {series: found.pop(series) for series in list(found) if series.startswith("endpoint_")}
        assert {series: round(value, 3) for series, value in latencies.items()} == {
            "endpoint_latency_seconds /chat 0.5": 0.3,
            "endpoint_latency_seconds /chat 0.95": 0.84,
            "endpoint_latency_seconds /chat 0.99": 0.888,
            "endpoint_latency_seconds /health 0.5": 0.05,
            "endpoint_latency_seconds /health 0.95": 0.05,
            "endpoint_latency_seconds /health 0.99": 0.05,
        }
        assert {series: round(value, 3) for series, value in found.items()} == {
            "circuit_breaker_state closed": 0,
            "circuit_breaker_state half-open": 1,
            "circuit_breaker_state open": 0,
            "circuit_breaker_recent_changes": 0,
            "circuit_breaker_failures": 5,
            "circuit_breaker_successes": 2,
            "mem0_recent_attempts": 2,
            "mem0_recent_failures": 1,
            "cache_concurrent_misses doctors:7": 21,
            "cache_concurrent_misses (none)": 0,
            "request_errors timeout": 1,
            "mem0_write_errors rate_limit": 1,
            "mem0_write_seconds average": 4,
            "mem0_write_seconds slowest": 7,
            "cache_hit_ratio doctors": 0.667,
            "cache_hit_ratio services": 1,
            "cache_miss_seconds doctors": 0.5,
        }
        recent = "circuit_breaker_recent_changes"
        run(database, CHANGED)
        until(lambda: sql_values(exporter)[recent] == 2, "there and back")
        run(database, "DELETE FROM observability_events WHERE created_at < now() - interval '1 hour'")
        until(
            lambda: sql_values(exporter, "state")["circuit_breaker_state closed"] == 1, "the newest is kept"
        )
        assert sql_values(exporter)[recent] == 2
        run(database, "DELETE FROM observability_events")
        until(
            lambda: sql_values(exporter, "state").get("circuit_breaker_state closed") == 1, "an empty table"
        )
        until(
            lambda: sql_values(exporter, "cache_key").get("cache_concurrent_misses (none)") == 0, "no misses"
        )


def test_what_a_query_found_stays_when_it_fails_and_sql_exporter_says_that_it_failed(
    database: Server, tmp_path: Path
) -> None:
    run(database, "CREATE TABLE IF NOT EXISTS observability_events (event_type text)")
    job = read_yaml(generated(SQL))["jobs"][0]
    query = next(one for one in job["queries"] if one["name"] == "circuit_breaker_recent_changes")
    failed = 'sql_exporter_last_scrape_failed{query="circuit_breaker_recent_changes",sql_job="mem0-redis"}'
    address = f"postgres://handrail@{database.address}/postgres?sslmode=disable"
    with sql_exporter(tmp_path, yaml.safe_dump({"jobs": [{**job, "queries": [query]}]}), address) as exporter:

        def said() -> dict[str, float]:
            return {
                f'{name}{{query="{labels["query"]}",sql_job="{labels["sql_job"]}"}}': value
                for name, labels, value in labelled(exporter.url, "sql_exporter_last_scrape_failed")
            }

        until(lambda: said() == {failed: 0}, "a first answer")
        found = sql_values(exporter)
        run(database, "ALTER TABLE observability_events RENAME TO away")
        until(lambda: said() == {failed: 1}, "the failure")
        assert sql_values(exporter) == found != {}
        run(database, "ALTER TABLE away RENAME TO observability_events")


LINES = """\
2025-10-16T18:40:00Z app[1] iad [info] Feature flags loaded: FAST_PATH_ENABLED=true CANARY_SAMPLE_RATE=0.1 MEM0_READS_ENABLED=true MEM0_SHADOW_MODE=false
2025-10-16T18:40:01Z app[1] iad [info] request_completed success=true endpoint=/chat processing_time_ms 412
2025-10-16T18:40:02Z app[1] iad [info] request_completed success=false endpoint=/chat processing_time_ms=1600.5
2025-10-16T18:40:03Z app[1] iad [info] cache_access cache_hit=true key=doctors:7
2025-10-16T18:40:03Z app[1] iad [info] cache_access cache_hit=false key=doctors:8
2025-10-16T18:40:04Z app[1] iad [info] mem0_write success=true processing_time_ms: 900
2025-10-16T18:40:05Z app[1] iad [info] mem0_write success=false processing_time_ms: 6200
2025-10-16T18:40:06Z app[1] iad [info] request_completed success=true endpoint=/health processing_time_ms 20
"""


def test_lines_of_the_log_become_counts_times_and_the_flags_that_are_loaded(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    with mtail(tmp_path, log, generated(LOG)) as read, log.open("a") as lines:
        lines.write(LINES)
        lines.flush()
        counted = "http_request_duration_seconds_count"
        until(lambda: metrics(read.url, counted) == {counted: 3}, "three requests")
        assert metrics(read.url, "http_requests_total") == {
            'http_requests_total{success="true"}': 2,
            'http_requests_total{success="false"}': 1,
        }
        assert metrics(read.url, "cache_accesses_total") == {
            'cache_accesses_total{hit="true"}': 1,
            'cache_accesses_total{hit="false"}': 1,
        }
        assert metrics(read.url, "mem0_writes_total") == {
            'mem0_writes_total{success="true"}': 1,
            'mem0_writes_total{success="false"}': 1,
        }
        slow = metrics(read.url, "mem0_write_duration_seconds_bucket")
        assert (slow['mem0_write_duration_seconds_bucket{le="5"}'], max(slow.values())) == (1, 2)
        assert metrics(read.url, "http_request_duration_seconds_sum") == {
            "http_request_duration_seconds_sum": pytest.approx(2.0325)
        }
        assert {**metrics(read.url, "feature_flag"), **metrics(read.url, "canary")} == {
            'feature_flag_fast_path_enabled{line="newest"}': 1,
            'feature_flag_mem0_reads_enabled{line="newest"}': 1,
            'feature_flag_mem0_shadow_mode{line="newest"}': 0,
            'canary_sample_rate{line="newest"}': 0.1,
        }


@contextmanager
def redis(folder: Path) -> Iterator[Server]:
    """A Redis with a limit of 3 MB, beyond which it evicts keys."""
    address = free_address()
    host, port = address.split(":")
    argv: list[str | Path] = ["redis-server", "--bind", host, "--port", port, "--save", ""]
    argv += ["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru"]

    def ready() -> bool:
        return "ready to accept connections" in (folder / "redis.log").read_text(errors="replace").lower()

    with running("redis", argv, folder=folder, address=address, ready=ready) as server:
        yield server


def test_redis_exporter_has_the_names_that_the_rules_ask_for(tmp_path: Path) -> None:
    needed = (
        "redis_up",
        "redis_memory_used_bytes",
        "redis_memory_max_bytes",
        "redis_evicted_keys_total",
        "redis_connected_clients",
        "redis_commands_processed_total",
    )
    with redis(tmp_path) as server:
        address = free_address()
        argv: list[str | Path] = ["prometheus-redis-exporter", "-redis.addr", f"redis://{server.address}"]
        argv += ["-web.listen-address", address]
        url = f"http://{address}/metrics"
        with running(
            "exporter", argv, folder=tmp_path, address=address, ready=lambda: answers(url)
        ) as exporter:
            first = {name: metrics(exporter.url, f"{name} ") for name in needed}
            second = {name: metrics(exporter.url, f"{name} ") for name in needed}
            assert [name for name in needed if name not in first[name]] == []
            assert (
                first["redis_up"]["redis_up"],
                first["redis_memory_max_bytes"]["redis_memory_max_bytes"],
            ) == (
                1,
                3 * 1024 * 1024,
            )
            processed = "redis_commands_processed_total"
            assert second[processed][processed] > first[processed][processed]
            kill(server)
            until(lambda: metrics(exporter.url, "redis_up ")["redis_up"] == 0, "a Redis that is gone")
    rules = Path(__file__).parents[3] / "generated/prometheus/rules/mem0-redis.yml"
    text = rules.read_text()
    assert [name for name in needed if f"{name}{{" not in text] == []
