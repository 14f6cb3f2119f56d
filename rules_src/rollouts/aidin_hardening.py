"""aidin-hardening: route guards and audit logging of a web application, behind a feature flag, 10 → 50 → 100 %."""

from handrail.declare import (
    Above,
    AccessLog,
    Ago,
    AtLeast,
    AtMost,
    BeforeRollout,
    Below,
    Critical,
    Dashboard,
    Drop,
    Emergency,
    FlagOff,
    Gate,
    Gauge,
    Growth,
    Guardrail,
    Latency,
    LogCounter,
    LogSource,
    Not,
    On,
    PagerDuty,
    Panel,
    Rate,
    Ratio,
    Rise,
    RisePoints,
    Rollout,
    Runbook,
    Secret,
    Slack,
    SqlMetric,
    SqlSource,
    Stage,
    Tell,
    Usage,
    Warning,
    While,
)


def own(metric: str, matchers: str = "") -> str:
    """A metric of aidin's own scrape jobs, and of no other service's."""
    return f'{metric}{{job=~"aidin(-.+)?"{"," if matchers else ""}{matchers}}}'


flag_off = FlagOff(
    "https://unleash.example.com",
    project="default",
    feature="aidin-hardening",
    environment="production",
    token=Secret("UNLEASH_TOKEN"),
)

people = Gate(manual=["No user complained about access", "All smoke tests passed"])

BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

aidin_hardening = Rollout(
    name="aidin-hardening",
    service="aidin",
    title="Aidin hardening",
    stages=[
        Stage("10%", bake="24h"),
        Stage("50%", bake="24h", gate=people),
        Stage("100%", gate=people),
    ],
    guardrails=[
        Guardrail(
            "http-5xx",
            Ratio(bad=own("http_requests_total", 'status=~"5.."'), of=own("http_requests_total")),
            title="Share of server errors",
            against=BeforeRollout(),
            success=[Below("0.5%"), Not(RisePoints("0.2%"))],
            tiers=[
                Warning(Above("0.5%")),
                Critical(Above("1%"), action="rollback"),
                Emergency(Above("5%"), action="emergency-rollback", note="All hands."),
            ],
            whole_service=True,
            runbook=Runbook(
                "Requests fail for everybody who hits a guarded route.",
                look=[
                    "Which route and which exception? The newest lines of the application log name both.",
                    "Did it begin with the stage? Then it is the change; if not, look at the database first.",
                ],
                mend=[
                    "Switch the flag off: the old routes have no guards and work without them.",
                    "A single broken guard may be taken out of the list and deployed alone.",
                ],
            ),
        ),
        Guardrail(
            "p95-latency",
            Latency(own("http_request_duration_seconds"), p=95, buckets=BUCKETS),
            title="95th percentile of request time",
            against=BeforeRollout(),
            success=Not(Rise("10%")),
            tiers=[
                Warning(Rise("10%")),
                Critical(Rise("20%"), action="rollback"),
                Emergency(Rise("50%"), action="emergency-rollback"),
            ],
            whole_service=True,
            runbook=Runbook(
                "Pages feel slow; forms time out.",
                look=[
                    "Slow queries: are the guards' look-ups or the audit inserts among the slowest?",
                    "Is the audit table's disk busy while requests wait?",
                ],
                mend=[
                    "Audit inserts in the way: write them asynchronously, or add the missing index.",
                    "Guard look-ups in the way: cache the role and module tables for a minute.",
                    "Database at its limit: scale it, or roll back until it is scaled.",
                ],
            ),
        ),
        Guardrail(
            "db-errors",
            Rate(own("db_errors_total"), window="5m"),
            title="Database errors: connections, queries, deadlocks",
            success=AtMost(0),
            tiers=[
                Warning(AtLeast("1/min")),
                Critical(Above("5/min"), action="rollback"),
            ],
            whole_service=True,
            runbook=Runbook(
                "Writes are lost or refused.",
                look=[
                    "Which of the three: refused connections, failing queries or deadlocks? The database log says."
                ],
                mend=[
                    "Deadlocks between audit inserts and mutations: roll back, then order the locks.",
                    "Refused connections: see db-pool.",
                ],
            ),
        ),
        Guardrail(
            "db-pool",
            Usage(own("db_pool_in_use"), own("db_pool_size")),
            title="Connection pool in use",
            tiers=[
                Emergency(
                    AtLeast("100%"),
                    action="emergency-rollback",
                    note="Scale the database or roll back.",
                )
            ],
            whole_service=True,
            runbook=Runbook(
                "No request that needs the database gets an answer.",
                look=["What holds the connections: long transactions, or simply more of them?"],
                mend=["Scale the database or the pool; if that takes longer than five minutes, roll back."],
            ),
        ),
        Guardrail(
            "audit-writes",
            Ratio(good=own("audit_log_inserts_total"), of=own("mutations_total"), min_events=20),
            title="Audit-log inserts while mutations happen",
            against=Ago("1h"),
            success=Not(Drop("50%")),
            tiers=[
                Critical(
                    Drop("50%"),
                    or_=[
                        On(
                            "inserts",
                            While(
                                Rate(own("audit_log_inserts_total")), condition=Rate(own("mutations_total"))
                            ),
                            Below("0.01/s"),
                        )
                    ],
                    note="Look at once: changes happen that nobody will be able to trace.",
                )
            ],
            whole_service=True,
            runbook=Runbook(
                "Changes are made that leave no trace.",
                look=[
                    "Does the application log an error for the insert?",
                    "Does the table exist, and may the application's role insert into it?",
                ],
                mend=[
                    "Insert one row by hand with the application's role: the error it gives is the cause.",
                    "Restore permission or schema; then write the missing entries from the application log.",
                ],
            ),
        ),
        Guardrail(
            "http-403",
            Ratio(bad=own("http_requests_total", 'status="403"'), of=own("http_requests_total")),
            title="Share of refused requests",
            against=Ago("1h"),
            success=[Below("1%"), Not(RisePoints("0.5%"))],
            tiers=[
                Warning(Above("1%"), note="Review who is affected."),
                Critical(Above("2%"), action="rollback", note="Or mend the permissions."),
                Emergency(Above("5%"), action="rollback"),
            ],
            whole_service=True,
            runbook=Runbook(
                "People are locked out of what is theirs.",
                look=[
                    "Who is refused, and where? Group the refused requests by user and route.",
                    "Check the user's rows in role_modules and user_modules.",
                ],
                mend=[
                    "Few users: assign the missing modules to their role.",
                    "Many users: roll the guards back, mend the assignments, start again.",
                ],
            ),
        ),
        Guardrail(
            "active-users",
            Gauge(own("active_users")),
            title="Distinct users of the last hour",
            against=BeforeRollout(),
            success=Not(Drop("10%")),
            tiers=[
                Warning(Drop("10%")),
                Critical(Drop("20%"), action="rollback"),
                Emergency(Drop("50%"), action="emergency-rollback"),
            ],
            whole_service=True,
            runbook=Runbook(
                "People went away, or cannot come in.",
                look=[
                    "Is it the hour? Compare with the same hour of last week.",
                    "Do sign-ins fail, or does nobody try?",
                ],
                mend=[
                    "Failing sign-ins: see http-403. Nobody tries: look at what stands before the service."
                ],
            ),
        ),
        Guardrail(
            "table-size",
            Gauge(
                own("table_size_bytes", 'table=~"role_modules|user_modules|audit_logs"'),
                by=["table"],
                unit="bytes",
            ),
            title="Size of the new tables",
            success=AtMost("1GB"),
            tiers=[
                Critical(
                    Above("1GB"),
                    during="7d",
                    or_=[
                        On(
                            "idle-growth",
                            While(
                                Growth(
                                    own("table_size_bytes", 'table="user_modules"'), window="1h", unit="bytes"
                                ),
                                condition=Rate(own("mutations_total"), window="1h"),
                                at_most=0,
                            ),
                            Above("8KB"),
                        )
                    ],
                    note="An audit entry is about 500 bytes; role_modules has 4 rows in about 8 KB.",
                )
            ],
            whole_service=True,
            runbook=Runbook(
                "A table grows without the activity that would explain it; the disk is next.",
                look=[
                    "Divide the growth by the new rows: audit_logs should come out near 500 bytes an entry.",
                    "user_modules grows only when somebody assigns a module: who wrote the newest rows?",
                ],
                mend=["A loop that writes: switch the flag off. Real growth: plan a retention time."],
            ),
        ),
    ],
    sql=[
        SqlSource(
            "postgres://handrail@aidin-db.internal/aidin?sslmode=require",
            [
                SqlMetric(
                    "db_pool_in_use",
                    "SELECT count(*) AS value FROM pg_stat_activity WHERE datname = current_database()"
                    " AND backend_type = 'client backend' AND state = 'active'",
                    "Connections that are doing something",
                ),
                SqlMetric(
                    "db_pool_size",
                    "SELECT current_setting('max_connections')::int AS value",
                    "Connections there may be",
                ),
                SqlMetric(
                    "audit_log_inserts_total",
                    "SELECT n_tup_ins AS value FROM pg_stat_user_tables WHERE relname = 'audit_logs'",
                    "Rows ever inserted into audit_logs",
                ),
                SqlMetric(
                    "mutations_total",
                    "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) AS value"
                    " FROM pg_stat_user_tables WHERE relname <> 'audit_logs'",
                    "Rows ever changed in every other table",
                ),
                SqlMetric(
                    "active_users",
                    "SELECT count(DISTINCT user_id) AS value FROM audit_logs"
                    " WHERE created_at > now() - interval '1 hour'",
                    "Distinct users of the last hour",
                ),
                SqlMetric(
                    "table_size_bytes",
                    'SELECT relname AS "table", pg_total_relation_size(relid) AS value'
                    " FROM pg_stat_user_tables WHERE relname IN ('role_modules', 'user_modules', 'audit_logs')",
                    "Size of a table with its indexes",
                    labels=["table"],
                ),
            ],
        )
    ],
    logs=[
        LogSource(
            access=AccessLog("http_requests_total", "http_request_duration_seconds", BUCKETS),
            counters=[
                LogCounter(
                    "db_errors_total",
                    [
                        r"FATAL: .*connection",
                        r"ERROR: +deadlock detected",
                        r"ERROR: .*(canceling|failed|violates)",
                    ],
                )
            ],
        )
    ],
    dashboards=[
        Dashboard(
            "main",
            panels=[
                Panel(
                    "Request time",
                    {
                        f"p{p}": Latency(own("http_request_duration_seconds"), p=p, buckets=BUCKETS)
                        for p in (50, 95, 99)
                    },
                    limits_of="p95-latency",
                )
            ],
        )
    ],
    rollback=[flag_off],
    contacts=["On-call engineer", "Database administrator", "Product manager"],
    tell=[Tell(Slack("#aidin", token=Secret("SLACK_TOKEN")))],
    tell_emergency=[Tell(PagerDuty(Secret("PAGERDUTY_AIDIN_KEY")))],
)
