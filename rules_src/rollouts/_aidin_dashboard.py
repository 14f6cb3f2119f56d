"""Aidin's own panels, beside those of the guardrails."""

from handrail.declare import (
    Above,
    Below,
    Dashboard,
    Gauge,
    Increase,
    Latency,
    Panel,
    Rate,
    Row,
    Text,
    Usage,
)
from rollouts._aidin_sources import BUCKETS, own, people_of

where = Text(
    "Where the lines behind the figures are",
    "Application: `journalctl -u aidin.service -n 500`. Requests: `/var/log/nginx/access.log`."
    " Database: `/var/log/postgresql/postgresql-*.log`. The runbook has what to look for in each.",
)

dashboard = Dashboard(
    "main",
    panels=[
        where,
        Row(
            "Requests",
            [
                Panel("Requests by status", Rate(own("http_requests_total")), by=["status"]),
                Panel(
                    "Server errors by route, of 5 min",
                    Increase(own("http_failures_total", 'status=~"5.."'), window="5m"),
                    by=["route"],
                    note="One route points at what was changed there; all of them at what they share.",
                ),
                Panel(
                    "Refused requests by route, of 5 min",
                    Increase(own("http_failures_total", 'status="403"'), window="5m"),
                    by=["route"],
                    note="A route that nobody passes has a wrong guard.",
                ),
                Panel(
                    "Request time",
                    {
                        f"p{p}": Latency(own("http_request_duration_seconds"), p=p, buckets=BUCKETS)
                        for p in (50, 95, 99)
                    },
                    limits_of="p95-latency",
                ),
                Panel(
                    "Distinct users of the last hour, two ways",
                    {
                        "by the application's log": people_of("1h"),
                        "by the audit log": Gauge(own("active_users")),
                    },
                ),
            ],
        ),
        Row(
            "Database",
            [
                Panel(
                    "Audit-log inserts and mutations",
                    {
                        "audit-log inserts": Rate(own("audit_log_inserts_total")),
                        "mutations": Rate(own("mutations_total")),
                    },
                    limit={"audit-log inserts": Below("0.01/s")},
                    note="Inserts follow mutations; below the limit while something is changed nothing is audited.",
                ),
                Panel("Mutations by table", Rate(own("mutations_total")), by=["table"]),
                Panel(
                    "Database errors",
                    Rate(own("db_errors_total"), window="1m"),
                    by=["source"],
                    limit=Above("5/min"),
                    target=Below("1/min"),
                ),
                Panel(
                    "Connections in use",
                    Usage(own("db_pool_in_use"), own("db_pool_size")),
                    show="gauge",
                    target=Below("80%"),
                    limit=Above("95%"),
                ),
                Panel(
                    "Size of the new tables now",
                    Gauge(own("table_size_bytes"), unit="bytes"),
                    by=["table"],
                    show="bars",
                    limit=Above("1GB"),
                ),
            ],
        ),
    ],
)
