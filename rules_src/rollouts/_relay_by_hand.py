"""What relay's people do by hand: railway for the service, PromQL beside the dashboards, SQL on its database."""

from handrail.declare import Instruction

OWN = 'job=~"relay(-.+)?"'
URL = "https://relay.production.com"


def each_instance(counter: str) -> str:
    """What each instance counted since it began; 0 where it is scraped and has counted nothing yet."""
    return f"""\
        sum by (instance) ({counter}{{{OWN}}})
          or 0 * max by (instance) (up{{job="relay-memory"}} == 1)
        """


SPLIT = Instruction(
    "What is the split now?",
    sh="railway service list relay",
    see="main:5,r0.5-hotfix:95 in the first hour; after a rollback main:0,r0.5-hotfix:100.",
)
KEEP_LOGS = Instruction(
    "Keep the log of the hour before it rotates.",
    sh='railway logs --service relay | tee "relay-failure-$(date +%s).log" | tail -50',
)
CAUSE = Instruction(
    "Write what you found into the incident, with the name of the kept log.",
    sh="handrail rollout note relay-r1 --cause 'what it was' --follow-up 'where the log lies'",
)
BACK = Instruction(
    "The receiver rolls back automatically. To roll back sooner, or for a reason that no limit covers:",
    sh="handrail rollout rollback relay-r1 --why 'what you saw'",
)

TTFV = [
    Instruction(
        "The 95th percentile in milliseconds.",
        promql=f"histogram_quantile(0.95, sum by (le) (rate(ttfv_ms_bucket{{{OWN}}}[5m])))",
        see="Below 1500. The median should be below 500: the same with 0.5.",
    ),
    Instruction(
        "Which statements on the memories take longest?",
        sql="""\
            SELECT query, calls, mean_exec_time, rows
            FROM pg_stat_statements
            WHERE query LIKE '%memory_chunks%'
            ORDER BY mean_exec_time DESC
            LIMIT 10;
            """,
        see="Slower than before the release: the policy's filter has no index. Look at the plan of that statement.",
    ),
    BACK,
    CAUSE,
]

RLS = [
    Instruction(
        "How many errors since each process began? A rate or an increase does not show the first one: its series begins with it.",
        promql=each_instance("memory_rls_policy_errors_total"),
        see="0 for each instance. Anything else is a breach. No line: it is not scraped, and nobody knows.",
    ),
    Instruction(
        "Are the policies of production those of the release?",
        sql="""\
            SELECT policyname, roles, cmd, qual, with_check
            FROM pg_policies
            WHERE tablename = 'memory_chunks';
            """,
    ),
    Instruction(
        "Is row-level security on, and for the table's owner as well?",
        sql="""\
            SELECT relname, relrowsecurity, relforcerowsecurity
            FROM pg_class
            WHERE relname = 'memory_chunks';
            """,
        see="Both are t.",
    ),
    KEEP_LOGS,
    CAUSE,
]

STREAMS = [
    Instruction(
        "Streams that complete, in percent.",
        promql=f"""\
            100 * sum(rate(sse_complete_total{{{OWN}}}[5m])) / sum(rate(sse_total{{{OWN}}}[5m]))
            """,
        see="99.6 or more. No line: no stream was begun, or /metrics/sse is not scraped.",
    ),
    Instruction(
        "Do they time out?",
        promql=f"sum(rate(sse_stream_timeout_total{{{OWN}}}[5m]))",
        see="As many as break off: the answer takes too long (ttfv-p95). Fewer: connections are reset.",
    ),
    Instruction(
        "One query, as a client sends it. Put a user's token into TOKEN.",
        sh=f"""\
            curl -s -w '\\n%{{http_code}} %{{time_total}} s\\n' -X POST {URL}/api/v1/memory/query \\
              -H "Authorization: Bearer ${{TOKEN:?}}" -H 'Content-Type: application/json' \\
              -d '{{"query": "What are my recent notes about project alpha?", "user_id": "user_1",
                   "top_k": 24, "timeout_ms": 2000}}'
            """,
    ),
    KEEP_LOGS,
    CAUSE,
]

CROSS_TENANT = [
    Instruction(
        "Acknowledge the incident: security is paged already.",
        sh="handrail rollout ack relay-r1 --why 'security leads'",
    ),
    Instruction(
        "Is all traffic back on the stable release?",
        sh="railway service list relay | grep -F 'main:0,r0.5-hotfix:100'",
        see="No line: set it by hand, see If Handrail is down.",
    ),
    KEEP_LOGS,
    Instruction(
        "When, and on which instance?",
        promql=each_instance("memory_cross_tenant_attempts_total"),
        see="Each instance, with the attempts since its start: an increase does not show the first one. No line: it is not scraped.",
    ),
    Instruction(
        "Security says what it was, and closes the incident. Until then no attempt can begin.",
        sh="handrail rollout close relay-r1 --cause 'what it was' --why 'security: traffic may return'",
    ),
]

ANN = [
    Instruction(
        "The 95th percentile in milliseconds.",
        promql=f"""\
            histogram_quantile(0.95, sum by (le) (rate(memory_ann_query_latency_ms_bucket{{{OWN}}}[5m])))
            """,
        see="Below 200. More is a warning: nothing is rolled back, and the gate stays closed.",
    ),
]

POOL = [
    Instruction("How full is it, in percent?", promql=f"max(db_connection_pool_utilization{{{OWN}}})"),
    Instruction(
        "Who holds the connections?",
        sql="""\
            SELECT state, usename, application_name, count(*), max(now() - state_change) AS longest
            FROM pg_stat_activity
            WHERE backend_type = 'client backend'
            GROUP BY state, usename, application_name
            ORDER BY count(*) DESC;
            """,
        see="Many 'idle in transaction' are a leak; many 'active' are load.",
    ),
]

RERANK = [
    Instruction(
        "Skipped and timed out, each second.",
        promql=f"""\
            label_replace(sum(rate(memory_rerank_skipped_total{{{OWN}}}[5m])), "reranks", "skipped", "", "")
            or label_replace(sum(rate(memory_rerank_timeout_total{{{OWN}}}[5m])), "reranks", "timed out", "", "")
            """,
    ),
]

PROCEDURES = {
    "Before the hour": [
        Instruction(
            "Which commit goes out? The start keeps it as the artifact.",
            sh='handrail rollout start relay-r1 --artifact "main@$(git rev-parse origin/main)"',
        ),
        Instruction(
            "Are the three pages scraped, the rules loaded as generated, the dashboards' queries answered?",
            sh="handrail doctor relay-r1 --send-alert",
            see="Every line is ok. The first check at T+5 keeps which rules Prometheus had loaded.",
        ),
        SPLIT,
    ],
    "At T+60": [
        Instruction(
            "Read the gate: every guardrail, the twelve checks and the load burst.",
            sh="handrail rollout status relay-r1",
        ),
        Instruction(
            "If all of it is met, the owner of the release approves.",
            sh="handrail rollout approve relay-r1 --role release-owner --why 'all guardrails green for the whole hour'",
        ),
        Instruction("To 100 %.", sh="handrail rollout promote relay-r1 --to 100%"),
        Instruction("The split is main:100,r0.5-hotfix:0.", sh="railway service list relay"),
        Instruction(
            "Take the evidence: every artefact of the hour, and what is missing.",
            sh='handrail rollout bundle relay-r1 "relay-r1-$(date +%F)"',
            see="Exit code 1 names what is missing. summary.md in it is the document to sign off: traffic, dashboards, rules, load burst, twelve checks, decision.",
        ),
        Instruction("Task D may be integrated from now on."),
    ],
    "After a rollback": [
        SPLIT,
        KEEP_LOGS,
        Instruction(
            "Take the evidence: the reason and the way back are in it.",
            sh='handrail rollout bundle relay-r1 "relay-r1-failed-$(date +%F)"',
        ),
        CAUSE,
        Instruction("A draft for the review.", sh="handrail rollout postmortem relay-r1 > postmortem.md"),
    ],
    "Other changes": [
        Instruction(
            "Task B: security has approved it; put its pull request's number into PR.",
            sh="""\
                gh pr comment "${PR:?}" --body 'Security review complete: unit tests 24/24, write path 14/14, AAD binding verified'
                gh pr edit "$PR" --add-label security-approved
                """,
        ),
        Instruction(
            "Task C needs a GPU, and a 95th percentile below 150 ms.",
            sh="""\
                railway resource create gpu:l40
                python -m pytest tests/memory/test_rerank.py::TestLatency -v
                """,
        ),
        Instruction(
            "If it is below: without this label the change is not merged.",
            sh='gh pr edit "${PR:?}" --add-label perf-approved',
        ),
    ],
}

QUICK = [
    Instruction("All guardrails now, with their limits.", sh="handrail rollout check relay-r1"),
    SPLIT,
    Instruction("Which targets are up?", promql=f"up{{{OWN}}}"),
    Instruction("Follow the hour.", sh="handrail rollout watch relay-r1"),
    Instruction("The newest lines of the service's log.", sh="railway logs --service relay | tail -100"),
]
