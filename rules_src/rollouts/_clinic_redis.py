"""The guardrails of the clinic's Redis: memory, evictions, work and clients."""

from handrail.declare import (
    Above,
    Ago,
    AtLeast,
    AtMost,
    BeforeRollout,
    Below,
    Critical,
    Emergency,
    Gauge,
    Guardrail,
    Increase,
    Not,
    On,
    Rate,
    Rise,
    Usage,
    Warning,
)
from rollouts._clinic_runbooks import busy_redis, redis_memory
from rollouts._clinic_sources import own

redis = [
    Guardrail(
        "redis-memory",
        Usage(own("redis_memory_used_bytes"), own("redis_memory_max_bytes")),
        title="Redis memory in use",
        success=Below("80%"),
        tiers=[
            Warning(Above("70%")),
            Critical(Above("80%"), note="Plan to scale."),
            Emergency(
                Above("90%"),
                or_=[On("evictions", Increase(own("redis_evicted_keys_total")), Above(0))],
            ),
        ],
        whole_service=True,
        runbook=redis_memory,
    ),
    Guardrail(
        "redis-evictions",
        Increase(own("redis_evicted_keys_total")),
        title="Keys that Redis evicted",
        success=AtMost(0),
        whole_service=True,
        runbook=redis_memory,
    ),
    Guardrail(
        "redis-load",
        Rate(own("redis_commands_processed_total"), window="1h"),
        title="Redis operations and clients",
        against=Ago("7d"),  # noon has more than twice as many as the evening
        success=[Below("1000/s"), Not(Rise("100%", floor="100/s"))],
        tiers=[
            Warning(
                Rise("100%", floor="100/s"),
                or_=[
                    On("many-clients", Gauge(own("redis_connected_clients"), over="sum"), Above(20)),
                    On("few-clients", Gauge(own("redis_connected_clients"), over="sum"), Below(5)),
                ],
            )
        ],
        whole_service=True,
        runbook=busy_redis,
    ),
    Guardrail(
        "redis-clients",
        Gauge(own("redis_connected_clients"), over="sum"),
        title="Redis clients against what was captured before",
        against=BeforeRollout(over="24h"),
        success=[AtLeast(5), AtMost(20), Not(Rise("100%"))],
        tiers=[Warning(Rise("100%"))],
        whole_service=True,
        runbook=busy_redis,
    ),
    Guardrail(
        "redis-commands",
        Increase(own("redis_commands_processed_total")),
        title="Commands that Redis processed",
        success=Above(0),
        tiers=[
            Warning(AtMost(0), or_=[On("down", Gauge(own("redis_up"), over="min"), Below(1))]),
        ],
        whole_service=True,
        runbook=busy_redis,
    ),
]
