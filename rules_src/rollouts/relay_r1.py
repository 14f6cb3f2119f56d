"""relay-r1: a release with row-level security of a streaming memory service, 5 % for an hour, then all or nothing."""

from handrail.declare import (
    Above,
    AtLeast,
    AtMost,
    Below,
    Check,
    Command,
    Critical,
    Gate,
    Gauge,
    Guardrail,
    Increase,
    Latency,
    LoadBurst,
    OverStage,
    PagerDuty,
    Rollout,
    Runbook,
    Secret,
    Slack,
    Stage,
    Tell,
    Warning,
)
from rollouts import _relay_by_hand as by_hand
from rollouts._relay_dashboards import STREAMS, dashboards, own, reranks_skipped


def split(share: str) -> Command:
    """The platform's own tool sets the traffic split, and lists what it is: the evidence has the split before and after."""
    return Command(
        ["railway", "service", "update", "relay", "--traffic-split", share],
        read=[
            "sh",
            "-c",
            'railway service list relay | tee /dev/stderr | grep -F -- "$1" >/dev/null',
            "sh",
            share,
        ],
        environment={"RAILWAY_TOKEN": Secret("RAILWAY_TOKEN")},
        timeout=60,
    )


TEAM = [Tell(Slack("#relay-release", token=Secret("SLACK_TOKEN")))]
SNAPSHOTS = (15, 30, 60)
CHECKS = [
    Check(f"{minutes}m", name=f"T+{minutes}", tell=TEAM if minutes in SNAPSHOTS else [])
    for minutes in range(5, 65, 5)
]
BURST = LoadBurst(
    "5m",
    "/api/v1/memory/query",
    requests=100,
    users=5,
    method="POST",
    bodies=[
        {
            "query": "What are my recent notes about project alpha?",
            "user_id": "user_${user}",
            "top_k": 24,
            "timeout_ms": 2000,
        }
    ],
    tokens=Secret("RELAY_USER_TOKENS"),
    pause="100ms",
    name="T+5",
)
STABLE = "main:0,r0.5-hotfix:100"

AT_ZERO = {"counter-at-zero": "asked of the service; until then a counter that is born above 0 counts whole"}
BUCKETS = {"bound-between-buckets": "nobody wrote the service's buckets down; it needs one at the limit"}

relay_r1 = Rollout(
    name="relay-r1",
    service="relay",
    title="Relay R1",
    stages=[
        Stage(
            "5%",
            weight="5%",
            bake="60m",
            enter=[split("main:5,r0.5-hotfix:95")],
            checks=CHECKS,
            bursts=[BURST],
        ),
        Stage(
            "100%",
            weight="100%",
            enter=[split("main:100,r0.5-hotfix:0")],
            gate=Gate(approvals=["release-owner"], checks="made"),
        ),
    ],
    evaluate="1m",
    guardrails=[
        Guardrail(
            "ttfv-p95",
            # Of a hundred the 95th is above the limit by chance, of 300 that are well it is not in 30 days.
            Latency(own("ttfv_ms"), p=95, unit="ms", min_events=300),
            title="95th percentile of the time to the first value",
            accept=BUCKETS,
            success=OverStage(Below("1500ms")),
            whole_service=True,
            tiers=[Critical(Above("1500ms"), sustained="5m", action="rollback")],
            runbook=Runbook(
                "People look at an empty stream.",
                look=[
                    "Is the row-level filter a sequential scan? Look at the slow query log.",
                    "Is the pool near its size?",
                ],
                fix=["The rollback takes the release out of the split; nothing else is needed first."],
                steps=by_hand.TTFV,
            ),
        ),
        Guardrail(
            "rls-errors",
            Increase(own("memory_rls_policy_errors_total"), window="5m"),
            title="Row-level security errors",
            accept=AT_ZERO,
            success=AtMost(0),
            whole_service=True,
            tiers=[Critical(Above(0), sustained="1m", action="rollback")],
            runbook=Runbook(
                "A policy refuses or fails: people miss their own data.",
                look=["Which policy and which role does the log name?"],
                fix=["Roll back, then try the policy with that role in a test database."],
                steps=by_hand.RLS,
            ),
        ),
        Guardrail(
            "sse-success",
            STREAMS,
            title="Share of streams that complete",
            success=OverStage(AtLeast("99.6%"), min_events=1000),
            whole_service=True,
            tiers=[Critical(Below("99.6%"), sustained="5m", action="rollback")],
            runbook=Runbook(
                "Streams break off before the answer is whole.",
                look=["Do time-outs grow with the streams, or only resets?"],
                fix=["Roll back; keep the connection logs of the hour."],
                steps=by_hand.STREAMS,
            ),
        ),
        Guardrail(
            "cross-tenant",
            # A minute and the scrapes around it: judged every minute, no attempt falls between two windows.
            Increase(own("memory_cross_tenant_attempts_total"), window="90s"),
            title="Attempts to read another tenant's data",
            accept=AT_ZERO,
            success=AtMost(0),
            whole_service=True,
            tiers=[Critical(Above(0), action="security-rollback")],
            runbook=Runbook(
                "One customer may have seen another's data: a security incident.",
                look=["Which tenants and which query? Keep the logs before they rotate."],
                fix=["Security leads from here; nobody returns traffic before they say so."],
                steps=by_hand.CROSS_TENANT,
            ),
        ),
        Guardrail(
            "ann-p95",
            Latency(own("memory_ann_query_latency_ms"), p=95, unit="ms"),
            title="95th percentile of vector search",
            accept=BUCKETS,
            success=OverStage(Below("200ms")),
            tiers=[Warning(Above("200ms"))],
            whole_service=True,
            runbook=Runbook(
                "Answers come late because the search for memories does.",
                look=["Did the index fit into memory before the release, and does it now?"],
                fix=["Lower the search effort by one step; it is a setting."],
                steps=by_hand.ANN,
            ),
        ),
        Guardrail(
            "db-pool",
            Gauge(own("db_connection_pool_utilization"), unit="percent"),
            title="Connection pool in use",
            success=Below("80%"),
            tiers=[Warning(Above("80%"))],
            whole_service=True,
            runbook=Runbook(
                "Queries begin to wait for a connection.",
                look=["Do the row-level policies make each query longer? Compare with the hour before."],
                fix=["Raise the pool by a quarter if the database has room; else wait with the next stage."],
                steps=by_hand.POOL,
            ),
        ),
        Guardrail(
            "rerank-skips",
            reranks_skipped,
            title="Share of reranks that are skipped",
            tiers=[Warning(Above("1%"))],
            whole_service=True,
            runbook=Runbook(
                "Answers are less relevant, and nobody gets an error.",
                look=["Does the reranker time out (memory_rerank_timeout_total), or is it not asked?"],
                fix=["Time-outs: give it one more instance. Not asked: look at the release's settings."],
                steps=by_hand.RERANK,
            ),
        ),
    ],
    dashboards=dashboards,
    rollback=[split(STABLE)],
    procedures=by_hand.PROCEDURES,
    quick_reference=by_hand.QUICK,
    contacts=["Owner of the release", "Security on call", "Relay's team, #relay-release"],
    tell=TEAM,
    tell_security=[Tell(PagerDuty(Secret("PAGERDUTY_SECURITY_KEY")))],
)
