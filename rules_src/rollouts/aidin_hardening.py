"""aidin-hardening: route guards and audit logging of a web application, behind a feature flag, 10 → 50 → 100 %."""

from handrail.declare import (
    Above,
    Ago,
    AtLeast,
    AtMost,
    Critical,
    Drop,
    Emergency,
    FlagOff,
    FlagShare,
    Gate,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Latency,
    Mail,
    On,
    PagerDuty,
    Rate,
    Ratio,
    Rise,
    Rollout,
    Runbook,
    Secret,
    Slack,
    Stage,
    Tell,
    Usage,
    Warning,
    While,
)
from rollouts import _aidin_by_hand as by_hand
from rollouts._aidin_audit import audit
from rollouts._aidin_daily import daily
from rollouts._aidin_dashboard import dashboard
from rollouts._aidin_sources import BUCKETS, database, logs, own, people_of

FLAG = ("https://unleash.example.com", "default", "aidin-hardening", "production", Secret("UNLEASH_TOKEN"))


def share(percent: int) -> FlagShare:
    """The part of all users that has the flag on."""
    return FlagShare(*FLAG, percent)


def growth(table: str, of: str = "rows") -> Growth:
    """By how much a table grew in an hour; its `size` also by what a VACUUM adds to it, up to 32 KB."""
    return Growth(own(f"table_{of}_bytes", f'table="{table}"'), window="1h", unit="bytes")


# At night too few people are there to judge by: 14 of 24 hours are enough.
people = Gate(manual=["No user complained about access", "All smoke tests passed"], coverage="60%")

aidin_hardening = Rollout(
    name="aidin-hardening",
    service="aidin",
    title="Aidin hardening",
    stages=[
        Stage("10%", bake="24h", enter=[share(10)]),
        Stage("50%", bake="24h", enter=[share(50)], gate=people),
        Stage("100%", bake="24h", enter=[share(100)], gate=people),
    ],
    complete=people,
    guardrails=[
        Guardrail(
            "http-5xx",
            # Ten bad ones warn and eleven roll back, at any traffic: one or two of a hundred are chance.
            Ratio(
                bad=own("http_requests_total", 'status=~"5.."'),
                of=own("http_requests_total"),
                min_events=1000,
            ),
            title="Share of server errors",
            thin_after="24h",  # with fewer requests so many bad ones are found
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
                fix=[
                    "Switch the flag off: the old routes have no guards and work without them.",
                    "A single broken guard may be taken out of the list and deployed alone.",
                ],
                steps=by_hand.SERVER_ERRORS,
            ),
        ),
        Guardrail(
            "p95-latency",
            # Of fewer requests than 5000 it is above 120 % by chance: tests/project/test_false_rollbacks.py.
            Latency(
                own("http_request_duration_seconds"), p=95, buckets=BUCKETS, window="1h", min_events=5000
            ),
            title="95th percentile of request time",
            thin_after="24h",  # at night it is not judged
            against=Ago("7d"),
            tiers=[
                Warning(Rise("10%"), sustained="15m"),
                Critical(Rise("20%"), sustained="15m", action="rollback"),
                Emergency(Rise("50%"), action="emergency-rollback"),
            ],
            whole_service=True,
            runbook=Runbook(
                "Pages feel slow; forms time out.",
                look=[
                    "Slow queries: are the guards' look-ups or the audit inserts among the slowest?",
                    "Is the audit table's disk busy while requests wait?",
                ],
                fix=[
                    "Audit inserts in the way: write them asynchronously, or add the missing index.",
                    "Guard look-ups in the way: cache the role and module tables for a minute.",
                    "Database at its limit: scale it, or roll back until it is scaled.",
                ],
                steps=by_hand.LATENCY,
            ),
        ),
        Guardrail(
            "db-errors",
            Increase(own("db_errors_total"), window="1m", by=["source"]),
            title="Database errors: connections, queries, deadlocks",
            success=AtMost(0),
            tiers=[
                Warning(
                    Above(0),
                    note="Errors of a minute: one to five are looked into. One failed query may be written of by PostgreSQL,"
                    " Prisma and the application: each is counted by itself.",
                ),
                Critical(Above(5), action="rollback"),
            ],
            whole_service=True,
            runbook=Runbook(
                "Writes are lost or refused.",
                look=[
                    "Which of the three: refused connections, failing queries or deadlocks? The database log says."
                ],
                fix=[
                    "Deadlocks between audit inserts and mutations: roll back, then order the locks.",
                    "Refused connections: see db-pool.",
                    "A few errors every day are this service's baseline: the gate asks for none in a whole stage, so only --anyway passes it, which goes past whatever else is missing too.",
                ],
                steps=by_hand.DATABASE_ERRORS,
            ),
        ),
        Guardrail(
            "db-pool",
            Usage(own("db_pool_in_use"), own("db_pool_size")),
            title="Connection pool in use",
            tiers=[
                Emergency(
                    AtLeast("100%"),
                    or_=[On("refused", Increase(own("db_connections_refused_total"), window="1m"), Above(0))],
                    action="emergency-rollback",
                    note="Scale the database or roll back.",
                )
            ],
            whole_service=True,
            runbook=Runbook(
                "No request that needs the database gets an answer.",
                look=["What holds the connections: long transactions, or simply more of them?"],
                fix=["Scale the database or the pool; if that takes longer than five minutes, roll back."],
                steps=by_hand.CONNECTIONS,
            ),
        ),
        *audit,
        Guardrail(
            "http-403",
            Ratio(
                bad=own("http_requests_total", 'status="403"'),
                of=own("http_requests_total"),
                min_events=500,  # eleven refused ones hold, 26 roll back
            ),
            title="Share of refused requests",
            thin_after="24h",  # with fewer requests so many refused ones are found
            tiers=[
                Warning(Above("1%"), note="Review who is affected."),
                Critical(
                    Above("2%"), action="hold", note="Check the module assignments: fix them, or roll back."
                ),
                Emergency(Above("5%"), action="rollback"),
            ],
            whole_service=True,
            runbook=Runbook(
                "People are locked out of what is theirs.",
                look=[
                    "Who is refused, and where? Group the refused requests by user and route.",
                    "Check the user's rows in role_modules and user_modules.",
                ],
                fix=[
                    "Few users: assign the missing modules to their role.",
                    "Many users: roll the guards back, fix the assignments, start again.",
                ],
                steps=by_hand.REFUSED,
            ),
        ),
        Guardrail(
            "active-users",
            people_of("1h"),
            title="Distinct users of the last hour",
            against=Ago("7d"),
            tiers=[
                # A hundred users of an hour are 80 of another by chance, but not for two hours.
                Warning(Drop("10%", least=100), sustained="3h"),
                Critical(Drop("20%", least=100), sustained="2h", action="rollback"),
                Emergency(
                    Drop("50%", least=100),
                    # Thirty people of an hour are not six by chance: tests/project/test_false_rollbacks.py.
                    or_=[On("nearly-all", people_of("1h"), Drop("80%", least=30), against=Ago("7d"))],
                    action="emergency-rollback",
                ),
            ],
            whole_service=True,
            runbook=Runbook(
                "People went away, or cannot come in.",
                look=[
                    "Is it a holiday? It is compared with the same hour of last week, where there were at least 100; that four fifths are gone, of 30 already.",
                    "Is the application's log still read? It is what users are counted by; the audit log knows those whom the flag is on for.",
                    "Do sign-ins fail, or does nobody try?",
                ],
                fix=["Failing sign-ins: see http-403. Nobody tries: look at what stands before the service."],
                steps=by_hand.USERS,
            ),
        ),
        *daily,
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
                    of="attempt",
                    or_=[
                        On("role-growth", growth("role_modules"), Above("8KB")),
                        On("bulk-growth", growth("user_modules", "size"), Above("1MB")),
                        On(
                            "audit-growth",
                            While(
                                growth("audit_logs", "size"),
                                condition=Rate(own("audit_log_inserts_total"), window="1h"),
                                at_most=0,
                            ),
                            Above("1MB"),
                        ),
                        On(
                            "idle-growth",
                            While(
                                growth("user_modules"),
                                condition=Rate(own("mutations_total", 'table!="user_modules"'), window="1h"),
                                at_most=0,
                            ),
                            Above("16KB"),  # one page is a single row that found no room
                        ),
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
                fix=["A loop that writes: switch the flag off. Real growth: plan a retention time."],
                steps=by_hand.TABLES,
            ),
        ),
    ],
    sql=[database],
    logs=logs,
    dashboards=[dashboard],
    rollback=[FlagOff(*FLAG)],
    procedures=by_hand.PROCEDURES,
    quick_reference=by_hand.QUICK,
    contacts=[
        "On-call engineer: PagerDuty, service Aidin; #aidin",
        "Database administrator: PagerDuty, service Databases; #databases",
        "Product manager: #aidin-product; product-aidin@example.com",
    ],
    tell=[Tell(Slack("#aidin", token=Secret("SLACK_TOKEN")))],
    tell_emergency=[  # everybody on the list of contacts
        Tell(PagerDuty(Secret("PAGERDUTY_AIDIN_KEY"))),
        Tell(PagerDuty(Secret("PAGERDUTY_DATABASES_KEY"))),
        Tell(Slack("#databases", token=Secret("SLACK_TOKEN"))),
        Tell(Slack("#aidin-product", token=Secret("SLACK_TOKEN"))),
        Tell(
            Mail(
                "product-aidin@example.com",
                sender="handrail@example.com",
                smarthost="mail.internal:587",
                username="handrail",
                password=Secret("MAIL_PASSWORD"),
            )
        ),
    ],
)
