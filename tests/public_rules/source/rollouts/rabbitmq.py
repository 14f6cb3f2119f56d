"""RabbitMQ with its own exporter, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

rabbitmq = Rollout(
    "rabbitmq",
    "rabbitmq",
    guardrails=[
        public("RabbitmqNodeDown", Count("rabbitmq_build_info"), Critical(Below(3), sustained="1m")),
        public(
            "RabbitmqNodeNotDistributed",
            Gauge("erlang_vm_dist_node_state", over="min", by=["instance"]),
            Critical(Below(3), sustained="1m"),
        ),
        public(
            "RabbitmqInstancesDifferentVersions",
            Count("rabbitmq_build_info", distinct="rabbitmq_version"),
            Warning(Above(1), sustained="1h"),
        ),
        public(
            "RabbitmqMemoryHigh",
            Usage(
                "rabbitmq_process_resident_memory_bytes",
                "rabbitmq_resident_memory_limit_bytes",
                by=["instance"],
            ),
            Warning(Above("90%"), sustained="2m"),
        ),
        public(
            "RabbitmqFileDescriptorsUsage",
            Usage("rabbitmq_process_open_fds", "rabbitmq_process_max_fds", by=["instance"]),
            Warning(Above("90%"), sustained="2m"),
        ),
        public(
            "RabbitmqTooManyReadyMessages",
            Gauge("rabbitmq_queue_messages_ready", over="sum", by=["queue"]),
            Warning(Above(1000), sustained="1m"),
        ),
        public(
            "RabbitmqTooManyUnackMessages",
            Gauge("rabbitmq_queue_messages_unacked", over="sum", by=["queue"]),
            Warning(Above(1000), sustained="1m"),
        ),
        public(
            "RabbitmqTooManyConnections",
            Gauge("rabbitmq_connections", by=["instance"]),
            Warning(Above(1000), sustained="2m"),
        ),
        public(
            "RabbitmqNoQueueConsumer",
            Gauge("rabbitmq_queue_consumers", over="min", by=["queue"]),
            Warning(Below(1), sustained="1m"),
        ),
        public(
            "RabbitmqUnroutableMessages",
            Increase("rabbitmq_channel_messages_unroutable_returned_total", by=["instance"]),
            Warning(
                Above(3),
                sustained="2m",
                or_=[
                    On(
                        "dropped",
                        Increase("rabbitmq_channel_messages_unroutable_dropped_total", by=["instance"]),
                        Above(3),
                    )
                ],
            ),
        ),
    ],
)
