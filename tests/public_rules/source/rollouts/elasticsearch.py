"""Elasticsearch with its exporter, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

NODE = ["cluster", "name"]
HEAP = Usage(
    'elasticsearch_jvm_memory_used_bytes{area="heap"}',
    'elasticsearch_jvm_memory_max_bytes{area="heap"}',
    by=NODE,
)
DISK = Usage(
    "elasticsearch_filesystem_data_available_bytes", "elasticsearch_filesystem_data_size_bytes", by=NODE
)


def shards(alert: str, metric: str, sustained: str) -> Guardrail:
    return public(alert, Gauge(metric, by=["cluster"]), Warning(Above(0), sustained=sustained))


elasticsearch = Rollout(
    "elasticsearch",
    "elasticsearch",
    guardrails=[
        public(
            "ElasticsearchHeapUsage",
            HEAP,
            Warning(Above("80%"), sustained="2m"),
            Critical(Above("90%"), sustained="2m"),
        ),
        public("ElasticsearchDiskSpace", DISK, Warning(Below("20%"), sustained="2m"), Critical(Below("10%"))),
        public(
            "ElasticsearchClusterRed",
            Gauge('elasticsearch_cluster_health_status{color="red"}', by=["cluster"]),
            Critical(AtLeast(1)),
        ),
        public(
            "ElasticsearchClusterYellow",
            Gauge('elasticsearch_cluster_health_status{color="yellow"}', by=["cluster"]),
            Warning(AtLeast(1)),
        ),
        public(
            "ElasticsearchHealthyNodes",
            Gauge("elasticsearch_cluster_health_number_of_nodes", over="min", by=["cluster"]),
            Critical(Below(3), sustained="1m"),
        ),
        public(
            "ElasticsearchHealthyDataNodes",
            Gauge("elasticsearch_cluster_health_number_of_data_nodes", over="min", by=["cluster"]),
            Critical(Below(3), sustained="1m"),
        ),
        shards("ElasticsearchRelocatingShards", "elasticsearch_cluster_health_relocating_shards", "0s"),
        shards(
            "ElasticsearchRelocatingShardsTooLong", "elasticsearch_cluster_health_relocating_shards", "15m"
        ),
        shards("ElasticsearchInitializingShards", "elasticsearch_cluster_health_initializing_shards", "0s"),
        shards(
            "ElasticsearchInitializingShardsTooLong",
            "elasticsearch_cluster_health_initializing_shards",
            "15m",
        ),
        shards("ElasticsearchUnassignedShards", "elasticsearch_cluster_health_unassigned_shards", "2m"),
        shards("ElasticsearchPendingTasks", "elasticsearch_cluster_health_number_of_pending_tasks", "15m"),
        public(
            "ElasticsearchNoNewDocuments",
            Increase(
                'elasticsearch_indices_indexing_index_total{es_data_node="true"}', window="10m", by=NODE
            ),
            Warning(Below(1)),
        ),
        public(
            "ElasticsearchHighIndexingLatency",
            PromQL(
                "sum by (cluster, name) (rate(elasticsearch_indices_indexing_index_time_seconds_total[5m])) / sum by (cluster, name) (rate(elasticsearch_indices_indexing_index_total[5m]))",
                unit="seconds",
            ),
            Warning(Above("10ms"), sustained="10m"),
            why="a mean of two counters; the exporter has no histogram",
        ),
        public(
            "ElasticsearchHighIndexingRate",
            Rate("elasticsearch_indices_indexing_index_total"),
            Warning(Above("10000/s"), sustained="5m"),
        ),
        public(
            "ElasticsearchHighQueryRate",
            Rate("elasticsearch_indices_search_query_total"),
            Warning(Above("100/s"), sustained="5m"),
        ),
        public(
            "ElasticsearchHighQueryLatency",
            PromQL(
                "sum by (cluster, name) (rate(elasticsearch_indices_search_query_time_seconds[5m])) / sum by (cluster, name) (rate(elasticsearch_indices_search_query_total[5m]))",
                unit="seconds",
            ),
            Warning(Above("1s"), sustained="5m"),
            why="a mean of two counters; the exporter has no histogram",
        ),
    ],
)
