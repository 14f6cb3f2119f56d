"""GitLab with Gitaly and Workhorse, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

FAILED = "Internal|Unavailable|DeadlineExceeded|ResourceExhausted|Aborted|Unknown|DataLoss"
CALLS = 'grpc_server_handled_total{job="gitaly"}'
WORKHORSE = "gitlab_workhorse_http_request_duration_seconds"
POOL = ["instance", "class"]

gitlab = Rollout(
    "gitlab",
    "gitlab",
    guardrails=[
        public(
            "GitlabPumaHighQueuedConnections",
            Gauge("puma_queued_connections", by=["instance"]),
            Warning(Above(5), sustained="5m"),
        ),
        public(
            "GitlabPumaNoAvailablePoolCapacity",
            Gauge("puma_pool_capacity", over="min", by=["instance"]),
            Critical(Below(1), sustained="5m"),
        ),
        public(
            "GitlabPumaWorkersNotRunning",
            Difference("puma_workers", "puma_running_workers", by=["instance"]),
            Warning(Above(0), sustained="5m"),
        ),
        public(
            "GitlabHighHttpErrorRate",
            Ratio(bad='http_requests_total{status=~"5.."}', of="http_requests_total"),
            Critical(Above("5%"), sustained="5m"),
        ),
        public(
            "GitlabHighHttpRequestLatency",
            Latency("http_request_duration_seconds", p=95),
            Warning(Above("10s"), sustained="5m"),
        ),
        public(
            "GitlabSidekiqJobsFailing",
            Rate("sidekiq_jobs_failed_total", by=["instance"]),
            Warning(Above("0.1/s"), sustained="10m"),
        ),
        public(
            "GitlabSidekiqQueueTooLarge",
            Usage("sidekiq_running_jobs", "sidekiq_concurrency"),
            Warning(AtLeast("90%"), sustained="10m"),
        ),
        public(
            "GitlabSidekiqHighJobCompletionTime",
            Latency("sidekiq_jobs_completion_seconds", p=95, by=["worker"]),
            Warning(Above("300s"), sustained="10m"),
        ),
        public(
            "GitlabSidekiqHighQueueLatency",
            Latency("sidekiq_jobs_queue_duration_seconds", p=95),
            Warning(Above("60s"), sustained="5m"),
        ),
        public(
            "GitlabDatabaseConnectionPoolSaturation",
            Usage("gitlab_database_connection_pool_busy", "gitlab_database_connection_pool_size", by=POOL),
            Warning(Above("90%"), sustained="5m"),
        ),
        public(
            "GitlabDatabaseConnectionPoolDeadConnections",
            Gauge("gitlab_database_connection_pool_dead", by=POOL),
            Warning(Above(0), sustained="5m"),
        ),
        public(
            "GitlabDatabaseConnectionPoolWaiting",
            Gauge("gitlab_database_connection_pool_waiting", by=POOL),
            Warning(Above(0), sustained="5m"),
        ),
        public(
            "GitlabCiPipelineCreationSlow",
            Latency("gitlab_ci_pipeline_creation_duration_seconds", p=95),
            Warning(Above("30s"), sustained="5m"),
        ),
        public(
            "GitlabCiPipelineFailuresIncreasing",
            Rate("gitlab_ci_pipeline_failure_reasons", by=["instance"]),
            Warning(Above("0.05/s"), sustained="10m"),
        ),
        public(
            "GitlabCiRunnerAuthenticationFailures",
            Increase("gitlab_ci_runner_authentication_failure_total", window="10m", by=["instance"]),
            Warning(Above(5), sustained="5m"),
        ),
        public(
            "GitlabHighMemoryUsage",
            Gauge('process_resident_memory_bytes{job=~".*gitlab.*"}', unit="bytes", by=["instance", "job"]),
            Warning(Above("2GB"), sustained="10m"),
        ),
        public(
            "GitlabRubyHeapFragmentation",
            Gauge(
                'ruby_gc_stat_ext_heap_fragmentation{job=~".*gitlab.*"}', unit="ratio", by=["instance", "job"]
            ),
            Warning(Above("50%"), sustained="15m"),
        ),
        public(
            "GitlabRackUncaughtErrors",
            Rate("rack_uncaught_errors_total", by=["instance"]),
            Warning(Above("0.05/s"), sustained="5m"),
        ),
        public("GitlabVersionMismatch", Count("gitlab_build_info", distinct="version"), Warning(Above(1))),
        public(
            "GitlabHighFileDescriptorUsage",
            Usage(
                'process_open_fds{job=~".*gitlab.*"}',
                'process_max_fds{job=~".*gitlab.*"}',
                by=["instance", "job"],
            ),
            Warning(Above("80%"), sustained="5m"),
        ),
        public(
            "GitlabRubyThreadsSaturated",
            Usage(
                "gitlab_ruby_threads_running_threads",
                "gitlab_ruby_threads_max_expected_threads",
                by=["instance"],
            ),
            Warning(Above("150%"), sustained="10m"),
        ),
        public(
            "GitlabGitalyHighGrpcErrorRate",
            Ratio(bad=f'grpc_server_handled_total{{job="gitaly",grpc_code=~"{FAILED}"}}', of=CALLS),
            Warning(Above("5%"), sustained="5m"),
        ),
        public(
            "GitlabGitalyResourceExhausted",
            Ratio(bad='grpc_server_handled_total{job="gitaly",grpc_code="ResourceExhausted"}', of=CALLS),
            Critical(Above("1%"), sustained="5m"),
        ),
        public(
            "GitlabGitalyHighRpcLatency",
            Latency('grpc_server_handling_seconds{job="gitaly",grpc_type="unary"}', p=95),
            Warning(Above("1s"), sustained="5m"),
        ),
        public(
            "GitlabGitalyCpuThrottled",
            Rate("gitaly_cgroup_cpu_cfs_throttled_seconds_total", by=["instance"]),
            Warning(Above("0.1/s"), sustained="5m"),
        ),
        public(
            "GitlabGitalyAuthenticationFailures",
            Increase('gitaly_authentications_total{status="failed"}', by=["instance"]),
            Warning(Above(3)),
        ),
        public(
            "GitlabGitalyCircuitBreakerTripped",
            Increase('gitaly_circuit_breaker_transitions_total{to_state="open"}', by=["instance"]),
            Critical(Above(0)),
        ),
        public(
            "GitlabWorkhorseHighErrorRate",
            Ratio(bad=f'{WORKHORSE}_count{{code=~"5.."}}', of=f"{WORKHORSE}_count"),
            Critical(Above("10%"), sustained="5m"),
        ),
        public("GitlabWorkhorseHighLatency", Latency(WORKHORSE, p=95), Warning(Above("10s"), sustained="5m")),
        public(
            "GitlabWorkhorseHighInFlightRequests",
            Gauge("gitlab_workhorse_http_in_flight_requests", by=["instance"]),
            Warning(Above(100), sustained="5m"),
        ),
    ],
)
