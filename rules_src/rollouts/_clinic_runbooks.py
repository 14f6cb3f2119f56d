"""For the clinic's person on call."""

from handrail.declare import Runbook
from rollouts import _mem0_by_hand as by_hand

errors_rising = Runbook(
    "Requests of the clinic fail.",
    look=["Do the failing requests go through the fast path, Redis or mem0? The tier is in the log line."],
    fix=[
        "One tier fails: switch that tier off with its own variable, the others go on.",
        "All of them: reduce it to 5 % to keep a sample, or roll back.",
    ],
    steps=by_hand.ERRORS,
)
breaker_open = Runbook(
    "mem0 is not asked any more; answers come without memory.",
    look=["What opened it: time-outs, refusals, or one failing key? The breaker's log has the last errors."],
    fix=[
        "Do not reset it before the cause is known: it would open again on patients' requests.",
        "It has recovered when it has been closed for 15 minutes.",
        "Have the rollback ready while you look.",
    ],
    steps=by_hand.BREAKER,
)
mem0_low = Runbook(
    "Memories are lost: the next conversation will not know them.",
    look=["Is the breaker open? Is mem0 slow (slow-writes) or refusing?"],
    fix=["Breaker open: see circuit-breaker. Slow: reduce it to 5 %, and watch."],
    steps=by_hand.MEM0_WRITES,
)


def slow(notice: str) -> Runbook:
    """What is done about slow requests; `notice` is what users say of them."""
    return Runbook(
        notice,
        look=["Is the cache hit rate down? Then requests fall through to mem0.", "Is Redis near its memory?"],
        fix=["Reduce it to 5 %; if that does not help within five minutes, roll back."],
        steps=by_hand.LATENCY,
    )


slow_p50 = slow("Every second request is slow: everybody notices.")
slow_p95 = slow("One request in twenty is slow: whoever writes several messages notices.")
slow_p99 = slow("One request in a hundred is slow: one way through the tiers is.")
redis_memory = Runbook(
    "Redis starts to throw keys away, and the cache with them.",
    look=["Which key pattern grew? Compare the largest ones with yesterday."],
    fix=["Shorten the time keys live, or scale Redis; evictions mean it is already too late to wait."],
    steps=by_hand.REDIS,
)

busy_redis = Runbook(
    "Redis does twice the work it did, or its clients come and go.",
    look=["Which command grew? Does every request open a connection of its own?"],
    fix=["A missing connection pool is fixed in the application; until then reduce it to 5 %."],
    steps=by_hand.REDIS,
)
