"""etcd, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

FAILED = 'grpc_server_handled_total{grpc_code=~"Internal|Unavailable|DeadlineExceeded|ResourceExhausted|Aborted|Unknown"}'

etcd = Rollout(
    "etcd",
    "etcd",
    guardrails=[
        public(
            "EtcdInsufficientMembers",
            PromQL("count(etcd_server_id) % 2"),
            Critical(Below(1)),
            why="asks whether a number is even; a Count below 3 says which number is too small",
        ),
        public(
            "EtcdNoLeader",
            Gauge("etcd_server_has_leader", over="min", by=["instance"]),
            Critical(Below(1)),
        ),
        public(
            "EtcdHighNumberOfLeaderChanges",
            Increase("etcd_server_leader_changes_seen_total", window="10m", by=["instance"]),
            Warning(Above(2)),
        ),
        public(
            "EtcdHighNumberOfFailedGrpcRequests",
            Ratio(bad=FAILED, of="grpc_server_handled_total", by=["grpc_service", "grpc_method"]),
            Warning(Above("1%"), sustained="2m"),
            Critical(Above("5%"), sustained="2m"),
        ),
        public(
            "EtcdGrpcRequestsSlow",
            Latency(
                'grpc_server_handling_seconds{grpc_type="unary"}', p=99, by=["grpc_service", "grpc_method"]
            ),
            Warning(Above("150ms"), sustained="2m"),
        ),
        public(
            "EtcdHighNumberOfFailedHttpRequests",
            Ratio(bad="etcd_http_failed_total", of="etcd_http_received_total", by=["method"]),
            Warning(Above("1%"), sustained="2m"),
            Critical(Above("5%"), sustained="2m"),
        ),
        public(
            "EtcdHttpRequestsSlow",
            Latency("etcd_http_successful_duration_seconds", p=99, by=["instance"]),
            Warning(Above("150ms"), sustained="2m"),
        ),
        public(
            "EtcdMemberCommunicationSlow",
            Latency("etcd_network_peer_round_trip_time_seconds", p=99, min_events=10, by=["instance"]),
            Warning(Above("150ms"), sustained="2m"),
        ),
        public(
            "EtcdHighNumberOfFailedProposals",
            Increase("etcd_server_proposals_failed_total", window="1h", by=["instance"]),
            Warning(Above(5), sustained="2m"),
        ),
        public(
            "EtcdHighFsyncDurations",
            Latency("etcd_disk_wal_fsync_duration_seconds", p=99, by=["instance"]),
            Warning(Above("500ms"), sustained="2m"),
        ),
        public(
            "EtcdHighCommitDurations",
            Latency("etcd_disk_backend_commit_duration_seconds", p=99, by=["instance"]),
            Warning(Above("250ms"), sustained="2m"),
        ),
    ],
)
