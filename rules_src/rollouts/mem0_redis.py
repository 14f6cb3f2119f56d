"""mem0-redis: a memory in three tiers of a clinic back end, by a sample rate in an environment secret."""

from handrail.declare import (
    Above,
    AtMost,
    Below,
    Changed,
    Check,
    Command,
    Critical,
    Emergency,
    Gate,
    Gauge,
    Guardrail,
    Increase,
    Is,
    Latency,
    Mail,
    On,
    OverStage,
    Probe,
    Ratio,
    Reduced,
    Report,
    Rollout,
    Runbook,
    Secret,
    Slack,
    Stage,
    State,
    Tell,
    Warning,
)
from rollouts import _mem0_by_hand as by_hand
from rollouts._clinic_daily import daily
from rollouts._clinic_dashboard import dashboard
from rollouts._clinic_flags import flags
from rollouts._clinic_redis import redis
from rollouts._clinic_runbooks import (
    breaker_open,
    errors_rising,
    mem0_low,
    slow_p50,
    slow_p95,
    slow_p99,
)
from rollouts._clinic_sources import BUCKETS, REQUESTS, database, logs, own
from rollouts._mem0_by_hand import APP


def sample_rate(rate: str) -> Command:
    """Fly sets the secret and restarts the machines; the second command asks a machine for what it runs with."""
    return Command(
        ["fly", "secrets", "set", f"CANARY_SAMPLE_RATE={rate}", "--app", APP],
        read=[
            "fly",
            "ssh",
            "console",
            "--app",
            APP,
            "--command",
            f"/bin/sh -c 'test \"$CANARY_SAMPLE_RATE\" = {rate}'",
        ],
        timeout=180,
        environment={"FLY_API_TOKEN": Secret("FLY_API_TOKEN")},
    )


MEDIAN = Latency(REQUESTS, p=50, buckets=BUCKETS, min_events=20)  # of few requests it is one already

approval = ["technical-lead"]
calm = ["No critical incident in this stage"]
CRITICAL = ["critical", "emergency"]
validated = ["Runbooks validated: at least one test invocation, a drill"]
TEAM = [Tell(Slack("#clinic-memory", token=Secret("SLACK_TOKEN")))]
CHECKLIST = {
    1: "All metrics within normal range",
    2: "No latency spikes or errors",
    3: "Cache performance stable",
    4: "mem0 integration healthy",
    6: "Sustained performance",
    8: "No circuit breaker trips",
    10: "Cache hit rate > 95 %",
    12: "Error rate < 1 %",
    16: "All metrics stable",
    20: "Long-term performance confirmed",
    24: "Phase 1 success criteria met",
}
PHASE_1 = [
    Check(f"{hour}h", name=f"Hour {hour}", questions=[asks], tell=TEAM) for hour, asks in CHECKLIST.items()
]
PHASE_2 = [Check(f"{hour}h", name=f"Hour {hour}", tell=TEAM) for hour in CHECKLIST]
PHASE_3 = [*PHASE_2, *(Check(f"{hour}h", name=f"Hour {hour}", tell=TEAM) for hour in range(28, 49, 4))]

mem0_redis = Rollout(
    name="mem0-redis",
    service=APP,
    title="mem0 with Redis",
    stages=[
        Stage(
            "10%",
            weight="10%",
            bake="24h",
            enter=[sample_rate("0.1")],
            checks=PHASE_1,
            gate=Gate(
                manual=[
                    "Implementation complete",
                    "Flags deployed: FAST_PATH_ENABLED, MEM0_READS_ENABLED, MEM0_SHADOW_MODE",
                    "Runbooks written, and tried in a drill",
                    "Queries ready",
                    "Rollback documented",
                ]
            ),
        ),
        Stage(
            "50%",
            weight="50%",
            bake="24h",
            enter=[sample_rate("0.5")],
            checks=PHASE_2,
            gate=Gate(
                manual=[*calm, "Post-deployment review completed", *validated],
                approvals=approval,
                stable_for="24h",
                severities=CRITICAL,
                checks="made",
            ),
        ),
        Stage(
            "100%",
            weight="100%",
            bake="48h",
            enter=[sample_rate("1.0")],
            checks=PHASE_3,
            gate=Gate(
                manual=[*calm, *validated],
                approvals=approval,
                stable_for="48h",
                checks="made",
            ),
        ),
    ],
    complete=Gate(manual=calm, stable_for="48h", severities=CRITICAL, checks="made"),
    probes=[
        Probe("health", "/health"),
        Probe("mem0", by_hand.MEM0, token=Secret("MEM0_API_KEY"), token_scheme="Token"),  # noqa: S106  a word
        Probe(
            "supabase",
            by_hand.SUPABASE,
            token=Secret("SUPABASE_KEY"),
            token_header="apikey",  # noqa: S106  a header's name
            token_scheme="",
        ),
    ],
    checks_while_firing="30m",
    guardrails=[
        Guardrail(
            "latency-p50",
            MEDIAN,
            title="Median request time",
            success=OverStage(Below("500ms")),
            tiers=[
                Warning(Above("400ms"), sustained="5m"),
                Critical(Above("500ms"), sustained="10m"),
                Emergency(Above("1000ms"), sustained="5m", action="rollback"),
            ],
            whole_service=True,
            runbook=slow_p50,
        ),
        Guardrail(
            "latency-p95",
            Latency(REQUESTS, p=95, buckets=BUCKETS),
            title="95th percentile of request time",
            success=OverStage(Below("1000ms")),
            tiers=[Critical(Above("1500ms"), sustained="10m")],
            whole_service=True,
            runbook=slow_p95,
        ),
        Guardrail(
            "latency-p99",
            Latency(REQUESTS, p=99, buckets=BUCKETS),
            title="99th percentile of request time",
            success=OverStage(Below("2000ms")),
            thin_after=None,  # no tier judges its windows, and its criterion counts all requests of the stage
            whole_service=True,
            runbook=slow_p99,
        ),
        Guardrail(
            "error-rate",
            # At any traffic ten bad ones warn, eleven hold and 26 roll back: two or six of a hundred are chance.
            Ratio(
                bad=own("http_requests_total", 'success="false"'),
                of=own("http_requests_total"),
                min_events=500,
            ),
            title="Share of failed requests",
            thin_after="24h",  # with fewer requests so many failed ones are found
            tiers=[
                Warning(Above("1%"), sustained="5m"),
                Critical(
                    Above("2%"), sustained="5m", action="hold", note="A person decides on the rollback."
                ),
                Emergency(Above("5%"), action="rollback"),
            ],
            whole_service=True,
            runbook=errors_rising,
        ),
        *daily,
        Guardrail(
            "cache-hit",
            Ratio(good=own("cache_accesses_total", 'hit="true"'), of=own("cache_accesses_total")),
            title="Cache hit rate",
            success=OverStage(Above("95%")),
            tiers=[
                Warning(Below("95%"), sustained="10m"),
                Critical(Below("90%"), sustained="5m", note="Look for a stampede."),
            ],
            whole_service=True,
            runbook=Runbook(
                "Requests fall through to the slow tiers.",
                look=["Which resource type misses? Was the cache emptied by a deploy or by evictions?"],
                fix=["Many misses of one key: see cache-stampede. Evictions: see redis-memory."],
                steps=by_hand.CACHE,
            ),
        ),
        Guardrail(
            "cache-stampede",
            Gauge(own("cache_concurrent_misses"), by=["cache_key"]),
            title="Concurrent misses of one key",
            tiers=[Critical(Above(20))],
            whole_service=True,
            runbook=Runbook(
                "One key is computed many times over; the tiers behind it take the load.",
                look=["Which key, and what does it cost to compute?"],
                fix=["Fill the key by hand; then give it a lock or an earlier refresh."],
                steps=by_hand.CACHE,
            ),
        ),
        Guardrail(
            "mem0-writes",
            Ratio(good=own("mem0_writes_total", 'success="true"'), of=own("mem0_writes_total")),
            title="Share of mem0 writes that succeed",
            success=OverStage(Above("99%")),
            tiers=[
                Warning(Below("99%"), sustained="10m"),
                Critical(Below("95%"), sustained="5m", note="Check the breaker."),
                Emergency(Below("90%"), note="Follow the breaker's runbook."),
            ],
            whole_service=True,
            runbook=mem0_low,
        ),
        Guardrail(
            "circuit-breaker",
            State(own("circuit_breaker_state")),
            title="Circuit breaker",
            success=Is("closed"),
            tiers=[
                Warning(
                    Changed("5m"),
                    or_=[On("between-looks", Gauge(own("circuit_breaker_recent_changes")), Above(0))],
                ),
                Critical(
                    Is("open"),
                    action="hold",
                    keep_firing_for="15m",
                    note="Prepare the rollback; no reset before the cause is known.",
                ),
            ],
            whole_service=True,
            runbook=breaker_open,
        ),
        Guardrail(
            "breaker-changes",
            Gauge(own("circuit_breaker_recent_changes")),
            title="Changes of the circuit breaker, of 5 min",
            success=AtMost(0),
            whole_service=True,
            runbook=breaker_open,
        ),
        Guardrail(
            "slow-writes",
            Increase(own("mem0_write_duration_seconds"), slower_than="5s", buckets=[0.5, 1, 2, 5, 10]),
            title="mem0 writes slower than 5 s",
            success=Below(1),
            tiers=[Warning(Above(0))],
            whole_service=True,
            runbook=mem0_low,
        ),
        *redis,
        *flags,
    ],
    sql=[database],
    logs=[logs],
    dashboards=[dashboard],
    reduced=Reduced("5%", enter=[sample_rate("0.05")]),
    rollback=[sample_rate("0")],
    procedures=by_hand.PROCEDURES,
    quick_reference=by_hand.QUICK,
    contacts=["Technical lead", "On-call engineer"],
    report=Report(
        daily="08:00",
        daily_sections=["Status", "Metrics", "Issues", "Next steps", "Dashboard"],
        guardrails=["latency-p50", "daily-errors", "cache-hit", "mem0-writes", "circuit-breaker"],
        tell=[
            Tell(
                Mail(
                    "clinic-memory@example.com",
                    sender="handrail@example.com",
                    smarthost="mail.example.com:587",
                    username="handrail",
                    password=Secret("MAIL_PASSWORD"),
                )
            )
        ],
    ),
    tell=TEAM,
)
