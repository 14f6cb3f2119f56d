"""Where aidin's metrics come from: its PostgreSQL, its access log, and the logs of application and database."""

from handrail.declare import AccessLog, Count, LogCounter, LogSeen, LogSource, SqlMetric, SqlSource

BUCKETS = [0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10]
"""Each at most half as wide again as the one before: in wider ones a quantile of 10 % more or less is guessed."""


def own(metric: str, matchers: str = "") -> str:
    """A metric of aidin's own scrape jobs, and of no other service's."""
    return f'{metric}{{job=~"aidin(-.+)?"{"," if matchers else ""}{matchers}}}'


LOG_READ = own("application_log_lines_total")
"""What mtail shows from its start on: while it is there, the application's log is read."""


def people_of(window: str) -> Count:
    """Distinct users, by the application's log: the audit log knows them only since its flag is on."""
    return Count(own("users_seen"), window=window, presence=LOG_READ)


# Tables whose every change the application writes into audit_logs: sessions, queues and migrations are none of them.
CHANGED = (
    'SELECT relname AS "table", n_tup_ins + n_tup_upd + n_tup_del AS value'
    " FROM pg_stat_user_tables"
    " WHERE schemaname = 'public' AND relname IN ('role_modules', 'user_modules', 'users')"
)
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
            "SELECT n_tup_ins AS value FROM pg_stat_user_tables"
            " WHERE schemaname = 'public' AND relname = 'audit_logs'",
            "Rows ever inserted into audit_logs",
        ),
        SqlMetric(
            "mutations_total",
            CHANGED,
            "Rows ever changed in a table whose changes are audited",
            labels=["table"],
        ),
        # The team's documents call the column user_id in one place and actor_id in another: either is read.
        SqlMetric(
            "active_users",
            "SELECT count(DISTINCT coalesce(to_jsonb(entry) ->> 'user_id', to_jsonb(entry) ->> 'actor_id')) AS value"
            " FROM audit_logs AS entry WHERE created_at > now() - interval '1 hour'",
            "Distinct users of the last hour that the audit log knows",
        ),
        SqlMetric(
            "table_size_bytes",
            'SELECT relname AS "table", pg_total_relation_size(relid) AS value'
            " FROM pg_stat_user_tables"
            " WHERE schemaname = 'public' AND relname IN ('role_modules', 'user_modules', 'audit_logs')",
            "Size of a table with its indexes",
            labels=["table"],
        ),
        # A VACUUM adds maps of up to 32 KB to a table in which nothing was written: its rows have no part in that.
        SqlMetric(
            "table_rows_bytes",
            'SELECT relname AS "table", pg_relation_size(relid) AS value'
            " FROM pg_stat_user_tables"
            " WHERE schemaname = 'public' AND relname IN ('role_modules', 'user_modules')",
            "Size of a table's rows alone, in pages of 8 KiB",
            labels=["table"],
        ),
    ],
)
_JOURNAL = r"^(\w{3} [ \d]\d [\d:]{8} (\S+ )?\S+\[\d+\]: )?"
"""What journald puts before a line of the application."""
_DATABASE, _WRONG = "(?i:database|prisma|postgres)", "(?i:error|fail|refused|econn|etimedout|timed out)"
_APPLICATION = r" [\w.@-]+\[\d+\]: "
"""A line of the application in the journal: its process and its number."""
_POSTGRESQL = r"LOG:  "
"""A line of PostgreSQL: one each minute, by a timer of docs/how-to/logs.md."""
_REQUEST, _FAILS = '"[A-Z]+ ', r'[^"]*" (?P<status>403|5\d\d) '
_NAMES = r"(?P<route>(/([A-Za-z_-]{1,40}|v\d{1,2}))+)[/? ]"
"""The part of a path that has names only: an id and what stands behind it would be a series each."""
QUIET = "15m"
# One source for each log, so that a log that stops takes only the figures along that come from it.
requests = LogSource(
    access=AccessLog("http_requests_total", "http_request_duration_seconds", BUCKETS),
    counters=[
        LogCounter(
            "http_failures_total",
            [f"{_REQUEST}{_NAMES}{_FAILS}", f"{_REQUEST}(?P<route>/){_FAILS}"],
            labels=["route", "status"],
        )
    ],
    alive=[r'" \d{3} '],
    silent_after=QUIET,
)
people = LogSource(
    counters=[LogCounter("application_log_lines_total", [_APPLICATION])],
    seen=[LogSeen("users_seen", r'userId"?: ?"?(?P<user>[\w-]+)', "user", within="1m")],
    alive=[_APPLICATION],
    silent_after=QUIET,
)
errors = LogSource(
    counters=[
        LogCounter(
            "db_errors_total",
            {  # One failed query may be written of by each of them, and by each once.
                "postgresql": [r"(ERROR|FATAL|PANIC):  "],  # it writes two spaces
                "prisma": [r"prisma:error"],
                "exception": [r"PrismaClient\w*Error", r"connect E[A-Z]+ \S*:5432\b"],
                "application": [rf"{_DATABASE}.*{_WRONG}", rf"{_WRONG}.*{_DATABASE}"],
            },
            labels=["source"],
            ignoring=[
                r'HTTP/\d(\.\d)?" \d{3} ',  # a request, whatever its path is called
                r"(LOG|WARNING|NOTICE|INFO|DEBUG\d?|DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LOCATION):  ",
                _JOURNAL + r"(\t| {2})",  # a line that goes on: a stack, a long statement
                _JOURNAL  # what Prisma says of an error in the lines below its first
                + r"(Invalid `|Can't reach database|Authentication failed against|Please make sure your database"
                r"|Timed out fetching|Raw query failed|Error querying the database|Error occurred during query"
                r"|Error in (PostgreSQL )?connector|ConnectorError\()",
                r"prisma:(query|info|warn)",
                r'"level": ?("(trace|debug|info)"|[1-3]0\b)',
                r"\b(TRACE|DEBUG|INFO)\b",
            ],
        ),
        LogCounter(
            "db_connections_refused_total",
            [
                r"FATAL:  (sorry, too many clients already|remaining connection slots are reserved|too many connections for )",
                r"Timed out fetching a new connection from the connection pool",
            ],
        ),
    ],
    alive=[_APPLICATION, _POSTGRESQL],  # either of them may be the only one that writes of a failure
    silent_after=QUIET,
)
logs = [requests, people, errors]
