"""Where aidin's metrics come from: its PostgreSQL, its access log, and the logs of application and database."""

from handrail.declare import AccessLog, LogCounter, LogSeen, LogSource, SqlMetric, SqlSource

BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]


def own(metric: str, matchers: str = "") -> str:
    """A metric of aidin's own scrape jobs, and of no other service's."""
    return f'{metric}{{job=~"aidin(-.+)?"{"," if matchers else ""}{matchers}}}'


def users(name: str, of: str, meaning: str) -> SqlMetric:
    """How many distinct users left an entry in the audit log in some time."""
    query = f"SELECT count(DISTINCT user_id) AS value FROM audit_logs WHERE created_at > {of}"  # noqa: S608  no input
    return SqlMetric(name, query, meaning)


# A role without pg_read_all_stats sees no other session's kind: no figure is better than one that is too low.
CONNECTIONS = (
    "SELECT CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') THEN count(*) END AS value"
    " FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " OR NOT pg_has_role('pg_read_all_stats', 'USAGE')"
)
SLOTS = (
    "SELECT current_setting('max_connections')::int"
    " - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true)::int, 0) AS value"
)
database = SqlSource(
    "postgres://handrail@aidin-db.internal/aidin?sslmode=require",
    [
        SqlMetric("db_pool_in_use", CONNECTIONS, "Connections of clients, whatever they do"),
        SqlMetric("db_pool_size", SLOTS, "Connections there may be of anybody but a superuser"),
        SqlMetric(
            "audit_log_inserts_total",
            "SELECT n_tup_ins AS value FROM pg_stat_user_tables WHERE relname = 'audit_logs'",
            "Rows ever inserted into audit_logs",
        ),
        SqlMetric(
            "mutations_total",
            'SELECT relname AS "table", n_tup_ins + n_tup_upd + n_tup_del AS value'
            " FROM pg_stat_user_tables WHERE relname <> 'audit_logs'",
            "Rows ever changed in a table that is not audit_logs",
            labels=["table"],
        ),
        users("active_users", "now() - interval '1 hour'", "Distinct users of the last hour"),
        users("active_users_day", "now() - interval '1 day'", "Distinct users of the last 24 hours"),
        users(
            "active_users_week_ago",
            "now() - interval '7 days 1 hour' AND created_at <= now() - interval '7 days'",
            "Distinct users of the same hour a week ago",
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
logs = LogSource(
    access=AccessLog("http_requests_total", "http_request_duration_seconds", BUCKETS),
    counters=[
        LogCounter(
            "db_errors_total",
            [
                r"(ERROR|FATAL|PANIC):  ",  # PostgreSQL writes two spaces
                r"PrismaClient\w*Error",
                r'^[^"]*(?i:database|prisma|postgres)[^"]*(?i:error|fail)',  # the application, and no access log
            ],
        ),
        LogCounter(
            "db_connections_refused_total",
            [
                r"FATAL:  (sorry, too many clients already|remaining connection slots are reserved)",
                r"Timed out fetching a new connection from the connection pool",
            ],
        ),
    ],
    seen=[LogSeen("users_seen", r"userId: (?P<user>\w+)", "user", within="1h")],
    alive=[
        r'" \d{3} ',  # the access log
        r" [\w.@-]+\[\d+\]: ",  # the application's journal: its process and its number
        r"LOG:  ",  # PostgreSQL: a line each minute, by a timer of docs/how-to/logs.md
    ],
    silent_after="15m",
)
