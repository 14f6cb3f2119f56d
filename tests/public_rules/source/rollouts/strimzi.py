"""Strimzi: custom resources, brokers, Connect, MirrorMaker, Bridge and operators."""

from handrail.declare import *
from rollouts._public import public

KINDS = {
    "KafkaTopic": "strimzi_kafka_topic_resource_info",
    "KafkaUser": "strimzi_kafka_user_resource_info",
    "Kafka": "strimzi_kafka_resource_info",
    "KafkaNodePool": "strimzi_kafka_node_pool_resource_info",
    "KafkaRebalance": "strimzi_kafka_rebalance_resource_info",
    "KafkaConnect": "strimzi_kafka_connect_resource_info",
    "KafkaConnector": "strimzi_kafka_connector_resource_info",
    "KafkaMirrorMaker2": "strimzi_kafka_mm2_resource_info",
    "KafkaAccess": "strimzi_kafka_access_resource_info",
}
"""Custom resource → the metric that has a series for each, with its conditions as labels."""
RESOURCE = ["exported_namespace", "name"]
WITHOUT_NOT_READY = "KafkaNodePool"
POD = ["namespace", "pod"]


def resources(kind: str, what: str, matchers: str, sustained: str = "15m") -> Guardrail:
    """So many resources of a kind are in a condition; none while others of the kind are there."""
    metric = KINDS[kind]
    return public(
        f"{kind}{what}",
        Count(f"{metric}{{{matchers}}}", presence=metric, by=RESOURCE),
        Warning(Above(0), sustained=sustained),
    )


def container(alert: str, matchers: str, sustained: str = "3m") -> Guardrail:
    return public(
        alert, Absence(f"container_last_seen{{{matchers}}}"), Critical(Above(0), sustained=sustained)
    )


strimzi = Rollout(
    "strimzi",
    "kafka",
    guardrails=[
        *(
            resources(
                kind,
                "NotReady",
                'ready!="True",template!="true"' if kind == "KafkaRebalance" else 'ready!="True"',
            )
            for kind in KINDS
            if kind != WITHOUT_NOT_READY
        ),
        *(resources(kind, "Warnings", 'warnings="Warning"') for kind in KINDS),
        *(resources(kind, "Deprecated", 'deprecated="Warning"') for kind in KINDS),
        resources(
            "KafkaRebalance", "ProposalPending", 'ready="True",template!="true",proposal_ready="True"', "1h"
        ),
        resources("KafkaRebalance", "Rebalancing", 'ready="True",template!="true",rebalancing="True"', "1h"),
        public(
            "KafkaRunningOutOfSpace",
            Usage(
                'kubelet_volume_stats_available_bytes{persistentvolumeclaim=~"data(-[0-9]+)?-(.+)-kafka-[0-9]+"}',
                'kubelet_volume_stats_capacity_bytes{persistentvolumeclaim=~"data(-[0-9]+)?-(.+)-kafka-[0-9]+"}',
                by=["namespace", "persistentvolumeclaim"],
            ),
            Warning(Below("15%"), sustained="10s"),
        ),
        public(
            "UnderReplicatedPartitions",
            Gauge("kafka_server_replicamanager_underreplicatedpartitions", by=POD),
            Warning(Above(0), sustained="10s"),
        ),
        public(
            "AbnormalControllerState",
            Gauge(
                "kafka_controller_kafkacontroller_activecontrollercount",
                over="sum",
                by=["strimzi_io_name", "namespace"],
            ),
            Warning(
                Above(1),
                sustained="10s",
                or_=[
                    On(
                        "none",
                        Gauge(
                            "kafka_controller_kafkacontroller_activecontrollercount",
                            over="sum",
                            by=["strimzi_io_name", "namespace"],
                        ),
                        Below(1),
                    )
                ],
            ),
        ),
        public(
            "OfflinePartitions",
            Gauge("kafka_controller_kafkacontroller_offlinepartitionscount", over="sum", by=POD),
            Warning(Above(0), sustained="10s"),
        ),
        public(
            "UnderMinIsrPartitionCount",
            Gauge("kafka_server_replicamanager_underminisrpartitioncount", by=POD),
            Warning(Above(0), sustained="10s"),
        ),
        public(
            "OfflineLogDirectoryCount",
            Gauge("kafka_log_logmanager_offlinelogdirectorycount", by=POD),
            Warning(Above(0), sustained="10s"),
        ),
        public(
            "ScrapeProblem",
            Gauge(
                'up{kubernetes_namespace!~"openshift-.+",kubernetes_pod_name=~".+-kafka-[0-9]+"}',
                over="min",
                by=["kubernetes_namespace", "kubernetes_pod_name"],
            ),
            Critical(Below(1), sustained="3m"),
        ),
        container("KafkaBrokerContainersDown", 'container="kafka",pod=~".+-kafka-[0-9]+"'),
        public(
            "KafkaContainerRestartedInTheLast5Minutes",
            PromQL(
                'count(count_over_time(container_last_seen{container="kafka"}[5m])) - 2 * count(container_last_seen{container="kafka",pod=~".+-kafka-[0-9]+"})'
            ),
            Warning(Above(0), sustained="5m"),
            why="compares a number of series with what it was within a window",
        ),
        public(
            "UnderReplicatedPartition",
            Gauge("kafka_topic_partition_under_replicated_partition", by=["topic", "partition"]),
            Warning(Above(0), sustained="10s"),
        ),
        public(
            "TooLargeConsumerGroupLag",
            Gauge("kafka_consumergroup_lag", by=["consumergroup", "topic", "partition"]),
            Warning(Above(1000), sustained="10s"),
        ),
        public(
            "NoMessageForTooLong",
            Changes("kafka_topic_partition_current_offset", window="10m", over="min", by=["topic"]),
            Warning(Below(1), sustained="10s"),
        ),
        container("ConnectContainersDown", 'container=~".+-connect",pod=~".+-connect-.+"'),
        public(
            "ConnectFailedConnector",
            Gauge('kafka_connect_connector_status{status="failed"}', over="sum", by=POD),
            Critical(Above(0), sustained="5m"),
        ),
        public(
            "ConnectFailedTask",
            Gauge("kafka_connect_worker_connector_failed_task_count", over="sum", by=POD),
            Critical(Above(0), sustained="5m"),
        ),
        container("MirrorMaker2ContainerDown", 'container=~".+-mirrormaker2",pod=~".+-mirrormaker2-.+"'),
        container("BridgeContainersDown", 'container=~".+-bridge",pod=~".+-bridge-.+"'),
        public(
            "AvgProducerLatency",
            Gauge("strimzi_bridge_kafka_producer_request_latency_avg", unit="milliseconds", by=POD),
            Warning(Above("10ms"), sustained="10s"),
        ),
        public(
            "AvgConsumerFetchLatency",
            Gauge("strimzi_bridge_kafka_consumer_fetch_latency_avg", unit="milliseconds", by=POD),
            Warning(Above("500ms"), sustained="10s"),
        ),
        public(
            "AvgConsumerCommitLatency",
            Gauge("strimzi_bridge_kafka_consumer_commit_latency_avg", unit="milliseconds", by=POD),
            Warning(Above("200ms"), sustained="10s"),
        ),
        public(
            "Http4xxErrorRate",
            Increase('strimzi_bridge_http_server_requests_total{code=~"4..",path!="/favicon.ico"}', by=POD),
            Warning(Above(10), sustained="1m"),
        ),
        public(
            "Http5xxErrorRate",
            Increase('strimzi_bridge_http_server_requests_total{code=~"5..",path!="/favicon.ico"}', by=POD),
            Warning(Above(10), sustained="1m"),
        ),
        public(
            "CertificateExpiration",
            TimeUntil("strimzi_certificate_expiration_timestamp_ms", unit="ms", by=["cluster", "type"]),
            Warning(Below("30d"), sustained="5m"),
        ),
        public(
            "ClusterOperatorContainerDown",
            Age('container_last_seen{container="strimzi-cluster-operator"}', over="min"),
            Critical(Above("90s"), sustained="1m"),
        ),
        container("TopicOperatorContainerDown", 'container="topic-operator",pod=~".+-entity-operator-.+"'),
        container("UserOperatorContainerDown", 'container="user-operator",pod=~".+-entity-operator-.+"'),
    ],
)
