"""What mem0-redis' people do by hand: fly for the application and Redis, SQL on `observability_events`."""

from handrail.declare import Instruction

APP = "healthcare-clinic-backend"
LOGS = f"fly logs -a {APP}"
MEM0 = "https://api.mem0.ai/v1/ping/"
"""Where mem0 says whether it is there, and whether the key is still good: its own client asks there."""
SUPABASE = "https://clinic.supabase.co/rest/v1/observability_events?select=event_type&limit=1"
"""The clinic's project: a row by way of its API, which needs its database."""


def logged(does: str, word: str, lines: int) -> Instruction:
    """The newest lines of the log that have `word`."""
    return Instruction(does, sh=f"{LOGS} --no-tail | grep -E '{word}' | tail -{lines}")


REDUCE = Instruction(
    "Not bad enough to roll back: send it less. Handrail sets CANARY_SAMPLE_RATE=0.05, asks a machine for it, and holds the rollout.",
    sh="handrail rollout reduce mem0-redis --why 'what you saw'",
    see="Once it is mended, handrail rollout retry mem0-redis enters the phase again, from its beginning.",
)
BACK = Instruction("Bad enough: roll back.", sh="handrail rollout rollback mem0-redis --why 'what you saw'")

MEM0_WELL = Instruction(
    "Is mem0 well, and is the key still good? Handrail asks the same at each check: probe mem0.",
    sh=f"""\
        curl -s -o /dev/null -w '%{{http_code}} %{{time_total}} s\\n' -H "Authorization: Token ${{MEM0_API_KEY:?}}" {MEM0}
        """,
    see="200 at once. 401: the key is no longer valid. 5xx, or nothing: mem0 is down.",
)
SUPABASE_WELL = Instruction(
    "Is Supabase? Handrail asks the same at each check: probe supabase.",
    sh=f"""\
        curl -s -o /dev/null -w '%{{http_code}} %{{time_total}} s\\n' -H "apikey: ${{SUPABASE_KEY:?}}" '{SUPABASE}'
        curl -s https://status.supabase.com/api/v2/status.json | jq -r .status.description
        """,
    see="200, and All Systems Operational. 5xx, or nothing: Supabase is down, and a rollback does not bring it back.",
)

LATENCY = [
    logged("What the application measured last.", "processing_time|P50|P95", 20),
    Instruction(
        "Count, mean and percentiles of what the log still has.",
        sh=f"""\
            {LOGS} --no-tail | grep 'processing_time_ms' | awk '{{print $NF}}' | sort -n |
              awk '{{a[NR]=$1; sum+=$1}}
                   END {{print "count", NR, "mean", sum/NR, "P50", a[int(NR*0.5)],
                              "P95", a[int(NR*0.95)], "P99", a[int(NR*0.99)]}}'
            """,
    ),
    Instruction(
        "By endpoint, in the last hour.",
        sql="""\
            SELECT details->>'endpoint' AS endpoint,
                   COUNT(*) AS requests,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY processing_time_ms) AS p50_ms,
                   percentile_cont(0.95) WITHIN GROUP (ORDER BY processing_time_ms) AS p95_ms,
                   percentile_cont(0.99) WITHIN GROUP (ORDER BY processing_time_ms) AS p99_ms
            FROM observability_events
            WHERE event_type = 'request_completed' AND created_at > NOW() - INTERVAL '1 hour'
            GROUP BY details->>'endpoint'
            ORDER BY requests DESC;
            """,
    ),
    Instruction("The cache comes first: is its hit rate above 95 %?"),
    Instruction(
        "Then Redis: its memory and its operations a second.",
        sh="fly redis info | grep -E 'used_memory_human|maxmemory_human|instantaneous_ops_per_sec'",
        see="Less than 80 % of maxmemory, fewer than 1,000 operations.",
    ),
    Instruction(
        "Then the database: its slowest queries.",
        sql="""\
            SELECT query, calls, mean_exec_time
            FROM pg_stat_statements
            ORDER BY mean_exec_time DESC
            LIMIT 10;
            """,
    ),
    REDUCE,
]

ERRORS = [
    Instruction(
        "How many of the last 1,000 requests failed? Fewer than 10 is normal.",
        sh=f"{LOGS} --no-tail | grep 'request_completed' | tail -1000 | grep -c 'success=false'",
    ),
    Instruction(
        "Which errors, in the last hour?",
        sql="""\
            SELECT details->>'error_type' AS error_type,
                   details->>'error_message' AS error_message,
                   COUNT(*) AS occurrences,
                   MAX(created_at) AS last_seen
            FROM observability_events
            WHERE event_type = 'request_completed' AND success = false
              AND created_at > NOW() - INTERVAL '1 hour'
            GROUP BY details->>'error_type', details->>'error_message'
            ORDER BY occurrences DESC;
            """,
    ),
    logged("Did the circuit breaker open?", "circuit_breaker", 10),
    MEM0_WELL,
    SUPABASE_WELL,
    REDUCE,
    Instruction("Above 2 %: consider a rollback at once.", sh=BACK.sh),
]

CACHE = [
    Instruction(
        "Hits among the last 1,000 accesses.",
        sh=f"""\
            {LOGS} --no-tail | grep 'cache_access' | tail -1000 |
              awk '/cache_hit=true/ {{hits++}} {{total++}} END {{print hits, "of", total}}'
            """,
    ),
    Instruction(
        "By resource type, in the last hour.",
        sql="""\
            SELECT details->>'cache_key_prefix' AS resource_type,
                   COUNT(*) AS accesses,
                   COUNT(CASE WHEN cache_hit = true THEN 1 END)::float / COUNT(*) * 100 AS hit_rate_pct,
                   AVG(CASE WHEN cache_hit = false THEN processing_time_ms END) AS avg_miss_time_ms
            FROM observability_events
            WHERE event_type = 'cache_access' AND created_at > NOW() - INTERVAL '1 hour'
            GROUP BY details->>'cache_key_prefix'
            ORDER BY accesses DESC;
            """,
    ),
    Instruction(
        "Does one key miss again and again (a stampede)?",
        sql="""\
            SELECT cache_key,
                   COUNT(*) AS concurrent_misses,
                   MIN(created_at) AS first_miss,
                   MAX(created_at) AS last_miss,
                   EXTRACT(EPOCH FROM (MAX(created_at) - MIN(created_at))) AS duration_sec
            FROM observability_events
            WHERE event_type = 'cache_miss' AND created_at > NOW() - INTERVAL '15 minutes'
            GROUP BY cache_key
            HAVING COUNT(*) > 10
            ORDER BY concurrent_misses DESC;
            """,
    ),
    Instruction("Is Redis near its memory?", sh="fly redis info | grep -A 30 '# Memory'"),
    Instruction(
        "Neither: does the generation token change with every write only? One that changes with every read "
        "makes each entry stale at once. Then warm the cache by hand."
    ),
]

MEM0_WRITES = [
    Instruction(
        "Writes that succeeded, of the last 100.",
        sh=f"""\
            {LOGS} --no-tail | grep 'mem0_write' | tail -100 |
              awk '/success=true/ {{good++}} {{total++}} END {{print good, "of", total}}'
            """,
    ),
    Instruction(
        "How many, how slow, how many over 5 s, in the last hour?",
        sql="""\
            SELECT COUNT(*) AS total_writes,
                   COUNT(CASE WHEN success = true THEN 1 END)::float / COUNT(*) * 100 AS success_rate_pct,
                   AVG(processing_time_ms) AS avg_write_time_ms,
                   MAX(processing_time_ms) AS max_write_time_ms,
                   COUNT(CASE WHEN processing_time_ms > 5000 THEN 1 END) AS slow_writes_over_5s
            FROM observability_events
            WHERE event_type = 'mem0_write' AND created_at > NOW() - INTERVAL '1 hour';
            """,
    ),
    Instruction(
        "Which errors?",
        sql="""\
            SELECT details->>'error_type' AS error_type,
                   COUNT(*) AS failures,
                   AVG(processing_time_ms) AS avg_time_ms,
                   MAX(created_at) AS last_failure
            FROM observability_events
            WHERE event_type = 'mem0_write' AND success = false AND created_at > NOW() - INTERVAL '1 hour'
            GROUP BY details->>'error_type'
            ORDER BY failures DESC;
            """,
    ),
    Instruction(
        "Is MEM0_API_KEY there, and as new as it should be? Its value is not shown.",
        sh=f"fly secrets list --app {APP} | grep MEM0_API_KEY",
        see="A 401 in the log: the key is no longer valid.",
    ),
    MEM0_WELL,
    REDUCE,
]

BREAKER = [
    logged("Its last states, as the log has them.", "circuit_breaker", 10),
    Instruction(
        "Its changes, with what was counted.",
        sql="""\
            SELECT details->>'state' AS state,
                   details->>'failure_count' AS failures,
                   details->>'success_count' AS successes,
                   created_at
            FROM observability_events
            WHERE event_type = 'circuit_breaker_state_change'
            ORDER BY created_at DESC
            LIMIT 10;
            """,
    ),
    Instruction(
        "Its state now, and what was tried in the last five minutes.",
        sql="""\
            SELECT COALESCE(
                     (SELECT details->>'state' FROM observability_events
                      WHERE event_type = 'circuit_breaker_state_change'
                      ORDER BY created_at DESC LIMIT 1),
                     'closed') AS current_state,
                   COUNT(*) FILTER (WHERE event_type = 'mem0_write' AND success = false) AS recent_failures,
                   COUNT(*) FILTER (WHERE event_type = 'mem0_write') AS recent_attempts
            FROM observability_events
            WHERE created_at > NOW() - INTERVAL '5 minutes';
            """,
    ),
    Instruction(
        "Do not close it by hand before you know why it opened. It counts as over once it was closed for 15 min."
    ),
    BACK,
]

REDIS = [
    Instruction(
        "Does it answer at all? One that is stopped does no work either.",
        sh="fly redis info | grep uptime_in_seconds",
        see="No line: it is down. Start it first; switch the fast path off where that takes longer than a minute.",
    ),
    Instruction(
        "Memory: less than 80 % of maxmemory, no evicted keys.",
        sh="fly redis info | grep -A 30 '# Memory'",
    ),
    Instruction(
        "Work: fewer than 1,000 operations a second, and total_commands_processed goes on growing.",
        sh="fly redis info | grep -A 20 '# Stats'",
    ),
    Instruction("Near the limit: plan more memory now. Evictions: shorten the longest lifetimes first."),
    REDUCE,
]

SET_FLAGS = f"""\
    fly secrets set FAST_PATH_ENABLED=true MEM0_READS_ENABLED=true MEM0_SHADOW_MODE=false --app {APP}
    """
FLAGS = [
    logged("What has the application loaded?", "Feature flags loaded", 1),
    Instruction(
        "What is set? The values are not shown, only when each was set.",
        sh=f"fly secrets list --app {APP} | grep -E 'FAST_PATH_ENABLED|MEM0_READS_ENABLED|MEM0_SHADOW_MODE'",
        see="Set later than the newest start of a machine: it is not loaded yet.",
    ),
    Instruction("Set them; fly restarts the machines.", sh=SET_FLAGS),
    Instruction("They are set already, and not loaded: restart the machines.", sh=f"fly apps restart {APP}"),
]

PROCEDURES = {
    "Before phase 1": [
        Instruction("The flags of the fast path. The sample rate is set by the start.", sh=SET_FLAGS),
        logged("Has a machine loaded them?", "Feature flags loaded", 1),
        Instruction(
            "Does Handrail see it too? While a flag is set and not loaded, no start is allowed.",
            sh="handrail rollout check mem0-redis",
            see="fast-path-enabled, mem0-reads-enabled and mem0-shadow-mode are within their limits.",
        ),
        Instruction(
            "Can the table be asked for its last hour without reading all of it? The exporter asks four times a minute.",
            sql="""\
                SELECT indexdef FROM pg_indexes
                WHERE tablename = 'observability_events' AND indexdef LIKE '%(event_type, created_at%';
                """,
            see="Nothing: CREATE INDEX CONCURRENTLY ON observability_events (event_type, created_at), before the exporter is "
            "started.",
        ),
        Instruction(
            "Did the last day have 10,000 requests? A day of fewer is compared with no other.",
            promql='sum(increase(http_requests_total{job="healthcare-clinic-backend-log"}[1d]))',
            see="Fewer: daily-errors has no figure from before, and no start is allowed. Wait for a busier day, or lower MANY in "
            "_clinic_daily.py: of 5,000 a tenth more is chance on one day in thirty.",
        ),
        Instruction(
            "Has Redis been measured for a week? Its operations are compared with the same hour of last week.",
            promql='max_over_time(redis_commands_processed_total{job="healthcare-clinic-backend-redis"}[1h] offset 7d)',
            see="Nothing: redis-load is blind, and no start is allowed.",
        ),
        Instruction("Try the runbooks and the way back once.", sh="handrail rollout drill mem0-redis"),
        Instruction(
            "Answer the gate's questions (see Sign-off), then start.", sh="handrail rollout start mem0-redis"
        ),
    ],
    "During a phase": [
        Instruction(
            "At each hour of the list a check is made and its question is asked: answer it. Its figures are in #clinic-memory.",
            sh="handrail rollout status mem0-redis",
        ),
        Instruction(
            "Yellow, a limit is near: checks come automatically every 30 minutes. Red, it is broken: the team was told; "
            "look what a rollback would do, and have it ready.",
            sh="handrail rollout drill mem0-redis",
        ),
        Instruction(
            "Emergency: where the limit rolls back it is automatic, and an incident is open: acknowledge it. Where it asks to "
            "investigate (writes to mem0, memory of Redis) you were paged, and whether it goes back is yours to say.",
            sh="handrail rollout ack mem0-redis --why 'on it'",
        ),
        Instruction(
            "The status of the day, which is also mailed at 8:00.",
            sh="handrail report daily --rollout mem0-redis",
        ),
    ],
    "Into the next phase": [
        Instruction(
            "The review is done, and each criterion held for the whole time: what is still missing?",
            sh="handrail rollout status mem0-redis",
        ),
        Instruction(
            "The technical lead approves, with whatever should be known before the next phase.",
            sh="handrail rollout approve mem0-redis --role technical-lead --why 'observations and concerns'",
        ),
        Instruction(
            "Go on: Handrail sets the sample rate, and asks a machine for it.",
            sh="handrail rollout promote mem0-redis",
        ),
        Instruction(
            "By hand, where Handrail is away: 0.5 for phase 2, 1.0 for phase 3, 0.05 for less, 0 for the way back.",
            sh=f"fly secrets set CANARY_SAMPLE_RATE=0.5 --app {APP}",
        ),
        Instruction(
            "After 48 hours of phase 3 with every criterion met: it is complete. Keep the evidence.",
            sh="""\
                handrail rollout promote mem0-redis --to complete
                handrail rollout bundle mem0-redis "mem0-redis-$(date +%F)"
                """,
        ),
    ],
}

QUICK = [
    logged("The flags that are loaded.", "Feature flags loaded", 1),
    logged("Latency.", "P50|P95|P99", 5),
    logged("Share of errors.", "error_rate", 3),
    logged("Cache hit rate.", "cache_hit_rate", 3),
    logged("Writes to mem0.", "mem0_write_success", 3),
    logged("Circuit breaker.", "circuit_breaker", 3),
    Instruction("Is the application well?", sh=f"curl -s https://{APP}.fly.dev/health | jq ."),
    Instruction("All guardrails now, with their limits.", sh="handrail rollout check mem0-redis"),
]
