"""Redis, as awesome-prometheus-alerts has it."""

from handrail.declare import *
from rollouts._public import public

redis = Rollout(
    "redis",
    "redis",
    guardrails=[
        public(
            "RedisDown", Gauge("redis_up", over="min", by=["instance"]), Critical(Below(1), sustained="1m")
        ),
        public(
            "RedisMissingMaster",
            Count('redis_instance_info{role="master"}', presence="redis_up"),
            Critical(Below(1)),
        ),
        public(
            "RedisTooManyMasters",
            Count('redis_instance_info{role="master"}', presence="redis_up"),
            Critical(Above(1), sustained="1m"),
        ),
        public(
            "RedisDisconnectedSlaves",
            PromQL("count(redis_connected_slaves) - sum(redis_connected_slaves) - 1"),
            Critical(Above(0)),
            why="takes a sum from a number of series",
        ),
        public(
            "RedisReplicationBroken",
            Growth("redis_connected_slaves", window="1m", by=["instance"]),
            Critical(Below(0)),
        ),
        public(
            "RedisClusterFlapping",
            Changes("redis_connected_slaves", window="1m", by=["instance"]),
            Critical(Above(1), sustained="2m"),
        ),
        public(
            "RedisMissingBackup",
            Age("redis_rdb_last_save_timestamp_seconds", by=["instance"]),
            Critical(Above("48h")),
        ),
        public(
            "RedisOutOfSystemMemory",
            Usage(
                "redis_memory_used_bytes", "redis_total_system_memory_bytes", by=["instance"], unlimited=[0]
            ),
            Warning(Above("90%"), sustained="2m"),
        ),
        public(
            "RedisOutOfConfiguredMaxmemory",
            Usage("redis_memory_used_bytes", "redis_memory_max_bytes", by=["instance"], unlimited=[0]),
            Warning(Above("90%"), sustained="2m"),
        ),
        public(
            "RedisTooManyConnections",
            Usage("redis_connected_clients", "redis_config_maxclients", by=["instance"], unlimited=[0]),
            Warning(Above("90%"), sustained="2m"),
        ),
        public(
            "RedisNotEnoughConnections",
            Gauge("redis_connected_clients", over="min", by=["instance"]),
            Warning(Below(5), sustained="2m"),
        ),
        public(
            "RedisRejectedConnections",
            Increase("redis_rejected_connections_total", window="1m", by=["instance"]),
            Warning(Above(5)),
        ),
    ],
)
