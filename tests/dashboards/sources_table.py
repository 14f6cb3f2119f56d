"""What each job of the rollouts exports, with figures as in a quiet hour: the table that stands for the sources.

What a generated exporter gives is compared with its declaration, what a program of Debian gives with that program, and
what ruleiq gives with its application (`tests/emit/grafana/test_sources.py`).
"""

from __future__ import annotations

from dashboards.exported import Family, counter, each, gauge, histogram, like

MB, GB = 1e6, 1e9
OK = {"true": 0.994, "false": 0.006}
MODES = {
    "idle": 0.62,
    "iowait": 0.02,
    "irq": 0.001,
    "nice": 0.001,
    "softirq": 0.008,
    "steal": 0.01,
    "system": 0.09,
    "user": 0.25,
}


def node(job: str) -> tuple[Family, ...]:
    """node_exporter: what is read of it."""
    disk = {"device": each("/dev/vda1"), "fstype": each("ext4")}
    return (
        counter(job, "node_cpu_seconds_total", 4, cpu=like("0", "1", "2", "3"), mode=MODES),
        gauge(job, "node_load5", 1.7),
        gauge(job, "node_memory_MemAvailable_bytes", 9.6 * GB),
        gauge(job, "node_memory_MemTotal_bytes", 16.8 * GB),
        gauge(job, "node_filesystem_avail_bytes", 1.0, **disk, mountpoint={"/": 38 * GB, "/data": 190 * GB}),
        gauge(job, "node_filesystem_size_bytes", 1.0, **disk, mountpoint={"/": 84 * GB, "/data": 420 * GB}),
        counter(job, "node_network_receive_bytes_total", 31 * MB, device={"eth0": 0.97, "lo": 0.03}),
        counter(job, "node_network_transmit_bytes_total", 44 * MB, device={"eth0": 0.97, "lo": 0.03}),
    )


def failed_queries(job: str, rollout: str, *queries: str) -> Family:
    """What sql_exporter says of its queries: none failed."""
    return gauge(job, "exporter_last_scrape_failed", 0, sql_job=each(rollout), query=each(*queries))


AIDIN_BUCKETS = (0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10)
AIDIN = (
    counter(
        "aidin-log",
        "http_requests_total",
        38,
        status={"200": 0.93, "201": 0.06, "404": 0.005, "403": 0.0035, "500": 0.0012, "502": 0.0003},
    ),
    counter(
        "aidin-log",
        "http_failures_total",
        0.19,
        route={"/api/modules": 0.6, "/api/users": 0.3, "/": 0.1},
        status={"403": 0.7, "500": 0.24, "502": 0.06},
    ),
    histogram("aidin-log", "http_request_duration_seconds", 38, 0.09, AIDIN_BUCKETS),
    *(counter("aidin-log", f"aidin_hardening_log{n}_lines_total", 40) for n in ("", "_2", "_3", "_4")),
    counter("aidin-log", "application_log_lines_total", 40),
    counter(
        "aidin-log",
        "db_errors_total",
        0.002,
        source={"postgresql": 0.5, "prisma": 0.2, "exception": 0.2, "application": 0.1},
    ),
    counter("aidin-log", "db_connections_refused_total", 0.0),
    gauge("aidin-log", "users_seen", 1.0, user=each(*(f"u{number}" for number in range(120)))),
    failed_queries(
        "aidin-sql",
        "aidin-hardening",
        "db_pool_in_use",
        "db_pool_size",
        "audit_log_inserts_total",
        "mutations_total",
        "active_users",
        "table_size_bytes",
        "table_rows_bytes",
    ),
    gauge("aidin-sql", "db_pool_in_use", 21),
    gauge("aidin-sql", "db_pool_size", 97),
    counter("aidin-sql", "audit_log_inserts_total", 6.1),
    counter(
        "aidin-sql", "mutations_total", 60, table={"users": 0.96, "user_modules": 0.03, "role_modules": 0.01}
    ),
    gauge("aidin-sql", "active_users", 41),
    gauge(
        "aidin-sql",
        "table_size_bytes",
        1.0,
        table={"role_modules": 49152.0, "user_modules": 1.4 * MB, "audit_logs": 260 * MB},
    ),
    gauge(
        "aidin-sql",
        "table_rows_bytes",
        1.0,
        table={"role_modules": 8192.0, "user_modules": 0.9 * MB},
    ),
)

SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 5)
REST = {"200": 0.99993, "404": 0.00004, "500": 0.00002, "503": 0.00001}
SUITES = like("unit", "integration", "smoke")
STEPS = {"compile": 148.0, "test": 271.0, "image": 93.0}
COMPONENTS = {
    "AurigraphResource": 0.962,
    "TransactionService": 0.957,
    "ConsensusService": 0.948,
    "CryptoService": 0.971,
}
ASKED = {"rest": 802_000 / 1_862_000, "grpc": 1_060_000 / 1_862_000}
ANSWERED = {"2xx": 0.99993, "4xx": 0.00004, "5xx": 0.00003}
AURIGRAPH = (
    counter("aurigraph", "http_requests_total", 802_000, status=REST),
    histogram("aurigraph", "http_request_duration_seconds", 802_000, 0.062, SECONDS),
    counter(
        "aurigraph",
        "grpc_requests_total",
        1_060_000,
        code={"OK": 0.9996, "UNAVAILABLE": 0.0003, "INTERNAL": 0.0001},
    ),
    histogram("aurigraph", "grpc_request_duration_seconds", 1_060_000, 0.034, SECONDS),
    gauge("aurigraph", "grpc_connections_in_use", 31),
    gauge("aurigraph", "jvm_memory_used_bytes", 1.0, area={"heap": 310 * MB, "nonheap": 96 * MB}),
    counter("aurigraph-ci", "aurigraph_v12_log_lines_total", 0.002),
    counter("aurigraph-ci", "builds_total", 0.00021, result={"success": 0.98, "failure": 0.02}),
    counter("aurigraph-ci", "build_tests_total", 0.4, suite=SUITES, result={"passed": 1.0, "failed": 0.0}),
    gauge("aurigraph-ci", "build_duration_seconds", 512, result=each("success")),
    gauge("aurigraph-ci", "build_step_duration_seconds", 1.0, step=STEPS),
    gauge("aurigraph-ci", "build_coverage_ratio", 1.0, component=COMPONENTS),
    gauge("aurigraph-ci", "build_image_bytes", 412 * MB, image=each("aurigraph")),
    counter("aurigraph-haproxy", "haproxy_frontend_http_requests_total", 1_862_000, proxy=ASKED),
    counter(
        "aurigraph-haproxy", "haproxy_frontend_http_responses_total", 1_862_000, proxy=ASKED, code=ANSWERED
    ),
    gauge("aurigraph-db", "pg_up", 1),
    gauge(
        "aurigraph-db",
        "pg_stat_activity_count",
        1.0,
        datname=each("aurigraph"),
        state={"active": 24.0, "idle": 61.0, "idle in transaction": 3.0},
    ),
    gauge("aurigraph-db", "pg_settings_max_connections", 200),
    *node("aurigraph-node"),
)

CLINIC_BUCKETS = (
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
    0.6,
    0.75,
    1,
    1.25,
    1.5,
    2,
    3,
    4,
    5,
    7.5,
    10,
)
CLINIC, CLINIC_SQL, CLINIC_REDIS = (
    f"healthcare-clinic-backend-{source}" for source in ("log", "sql", "redis")
)
QUANTILES = {"0.5": 1.0, "0.95": 2.4, "0.99": 4.1}
MEM0 = (
    counter(CLINIC, "mem0_redis_log_lines_total", 73),
    counter(CLINIC, "http_requests_total", 14, success=OK),
    histogram(CLINIC, "http_request_duration_seconds", 14, 0.23, CLINIC_BUCKETS),
    counter(CLINIC, "cache_accesses_total", 52, hit={"true": 0.967, "false": 0.033}),
    counter(CLINIC, "mem0_writes_total", 6, success={"true": 0.996, "false": 0.004}),
    histogram(CLINIC, "mem0_write_duration_seconds", 6, 0.7, (0.5, 1, 2, 5, 10)),
    gauge(CLINIC, "canary_sample_rate", 0.1, line=each("newest")),
    gauge(CLINIC, "feature_flag_fast_path_enabled", 1, line=each("newest")),
    gauge(CLINIC, "feature_flag_mem0_reads_enabled", 1, line=each("newest")),
    gauge(CLINIC, "feature_flag_mem0_shadow_mode", 0, line=each("newest")),
    failed_queries(
        CLINIC_SQL,
        "mem0-redis",
        "circuit_breaker_state",
        "circuit_breaker_recent_changes",
        "cache_concurrent_misses",
    ),
    gauge(CLINIC_SQL, "circuit_breaker_state", 1.0, state={"closed": 1.0, "half-open": 0.0, "open": 0.0}),
    gauge(CLINIC_SQL, "circuit_breaker_recent_changes", 0),
    gauge(CLINIC_SQL, "circuit_breaker_failures", 5),
    gauge(CLINIC_SQL, "circuit_breaker_successes", 3),
    gauge(CLINIC_SQL, "mem0_recent_attempts", 1790),
    gauge(CLINIC_SQL, "mem0_recent_failures", 7),
    gauge(CLINIC_SQL, "cache_concurrent_misses", 1.0, cache_key={"doctors:7": 6.0, "services:2": 3.0}),
    gauge(
        CLINIC_SQL,
        "endpoint_latency_seconds",
        1.0,
        endpoint={"/chat": 0.31, "/appointments": 0.17, "/health": 0.02},
        quantile=QUANTILES,
    ),
    gauge(CLINIC_SQL, "request_errors", 1.0, error_type={"timeout": 9.0, "validation": 14.0}),
    gauge(CLINIC_SQL, "mem0_write_errors", 1.0, error_type={"rate_limit": 6.0, "timeout": 2.0}),
    gauge(CLINIC_SQL, "mem0_write_seconds", 1.0, statistic={"average": 0.8, "slowest": 4.1}),
    gauge(
        CLINIC_SQL,
        "cache_hit_ratio",
        1.0,
        resource_type={"doctors": 0.972, "services": 0.981, "slots": 0.957},
    ),
    gauge(
        CLINIC_SQL,
        "cache_miss_seconds",
        1.0,
        resource_type={"doctors": 0.19, "services": 0.11, "slots": 0.34},
    ),
    gauge(CLINIC_REDIS, "redis_up", 1),
    gauge(CLINIC_REDIS, "redis_memory_used_bytes", 148 * MB),
    gauge(CLINIC_REDIS, "redis_memory_max_bytes", 268 * MB),
    counter(CLINIC_REDIS, "redis_evicted_keys_total", 0.0),
    counter(CLINIC_REDIS, "redis_commands_processed_total", 410),
    gauge(CLINIC_REDIS, "redis_connected_clients", 12),
)

MILLISECONDS = (10, 25, 50, 100, 150, 200, 300, 500, 1000, 1500, 2500)
RELAY = (
    histogram("relay-memory", "ttfv_ms", 22, 410, (*MILLISECONDS, 5000)),
    counter("relay-memory", "memory_rls_policy_errors_total", 0.0),
    counter("relay-memory", "memory_cross_tenant_attempts_total", 0.0),
    counter("relay-memory", "memory_queries_filtered_by_user_hash", 21.4),
    histogram("relay-memory", "memory_ann_query_latency_ms", 22, 64, MILLISECONDS),
    counter("relay-memory", "memory_rerank_skipped_total", 0.09),
    counter("relay-memory", "memory_rerank_timeout_total", 0.03),
    gauge("relay-memory", "memory_chunks_row_count", 1_840_000),
    gauge("relay-system", "db_connection_pool_utilization", 46),
    histogram("relay-system", "db_query_latency_ms", 61, 12, MILLISECONDS),
    counter("relay-system", "process_cpu_seconds_total", 0.7),
    gauge("relay-system", "process_resident_memory_bytes", 540 * MB),
    counter("relay-sse", "sse_total", 22),
    counter("relay-sse", "sse_complete_total", 21.95),
    counter("relay-sse", "sse_stream_complete_total", 21.95),
    counter("relay-sse", "sse_stream_timeout_total", 0.04),
    gauge("relay-sse", "sse_bytes_transmitted", 7.4 * MB),
)

ENDPOINTS = {"/rules/{id}": 0.55, "/search": 0.3, "/reports": 0.05, "/login": 0.1}
RULEIQ = (
    counter(
        "ruleiq",
        "ruleiq_requests_total",
        46,
        method=each("GET"),
        endpoint=ENDPOINTS,
        status={"200": 0.986, "404": 0.008, "500": 0.006},
    ),
    histogram(
        "ruleiq",
        "ruleiq_request_duration_seconds",
        46,
        0.14,
        (0.1, 0.25, 0.5, 1, 2, 5, 10),
        method=each("GET"),
        endpoint=ENDPOINTS,
    ),
    gauge("ruleiq", "ruleiq_active_users", 318),
    gauge("ruleiq", "ruleiq_db_pool_size", 1.0, pool={"main": 17.0, "reports": 6.0}),
    counter("ruleiq", "ruleiq_auth_failures_total", 0.2, reason={"password": 0.9, "locked": 0.1}),
    counter(
        "ruleiq",
        "ruleiq_ff_evaluations_total",
        30,
        flag_name={"recommendations-v2": 0.6, "bulk-import": 0.4},
        result={"true": 0.25, "false": 0.75},
    ),
    counter("ruleiq", "ruleiq_security_events_total", 0.004, type={"csrf": 0.7, "token-reuse": 0.3}),
    gauge("ruleiq", "ruleiq_ff_enabled", 1, flag_name={"recommendations-v2": 1.0, "bulk-import": 1.0}),
    counter("ruleiq", "process_cpu_seconds_total", 0.31),
    gauge("ruleiq", "process_resident_memory_bytes", 186 * MB),
    *node("ruleiq-node"),
)

CHECKOUT = (
    counter("checkout", "http_requests_total", 64, status={"200": 0.997, "404": 0.001, "500": 0.002}),
    histogram("checkout", "http_request_duration_seconds", 64, 0.08, (0.1, 0.25, 0.3, 0.5, 1, 2.5, 5)),
)

SOURCES: tuple[Family, ...] = (*AIDIN, *AURIGRAPH, *CHECKOUT, *MEM0, *RELAY, *RULEIQ)
