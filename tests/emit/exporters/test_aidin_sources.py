"""aidin's sources on a real PostgreSQL: its slots, its tables, and what it and the application write into logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from handrail.output.read_yaml import read_yaml
from servers import Server, postgres, until

from .sources import generated, metrics, mtail, sql_exporter, sql_values

SETTINGS = (
    "max_connections=10",
    "superuser_reserved_connections=3",
    "log_line_prefix=%m [%p] %q%u@%d ",
    "deadlock_timeout=100ms",
)
"""Seven slots for those who are no superuser; lines as Debian's PostgreSQL writes them."""
TABLES = """
CREATE TABLE audit_logs (id serial, user_id text, created_at timestamptz DEFAULT now(), hash text UNIQUE);
CREATE TABLE role_modules (id serial PRIMARY KEY);
CREATE TABLE user_modules (id serial PRIMARY KEY, user_id text);
CREATE TABLE users (id text);
CREATE TABLE sessions (id serial PRIMARY KEY);
CREATE SCHEMA archive;
CREATE TABLE archive.audit_logs (id serial);
CREATE TABLE archive.users (id text);
INSERT INTO role_modules SELECT generate_series(1, 4);
INSERT INTO user_modules DEFAULT VALUES;
INSERT INTO users VALUES ('ann'), ('bob');
INSERT INTO sessions SELECT generate_series(1, 1000);
INSERT INTO archive.audit_logs SELECT generate_series(1, 50);
INSERT INTO archive.users VALUES ('old');
INSERT INTO audit_logs (user_id, hash) VALUES ('ann', '1'), ('ann', '2'), ('bob', '3');
INSERT INTO audit_logs (user_id, created_at) VALUES ('eve', now() - interval '5 hours');
CREATE ROLE app LOGIN;
CREATE ROLE exporter LOGIN IN ROLE pg_monitor;
CREATE ROLE blinkered LOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO exporter, blinkered;
GRANT SELECT, INSERT, UPDATE ON user_modules, role_modules TO app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app;
SELECT pg_stat_force_next_flush();
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with postgres(tmp_path_factory.mktemp("aidin"), *SETTINGS) as server:
        with connected(server, "handrail") as connection:
            connection.execute(TABLES)
        yield server


def connected(server: Server, user: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that commits each statement."""
    host, port = server.address.split(":")
    return psycopg.connect(host=host, port=port, user=user, dbname="postgres", autocommit=True)


def address(server: Server, user: str) -> str:
    return f"postgres://{user}@{server.address}/postgres?sslmode=disable&application_name=exporter"


PAGE = 8192
SQL = "exporters/aidin-hardening.sql.yml"
LOG = "exporters/aidin-hardening.mtail"


def test_every_query_has_its_figure_with_the_rights_of_a_monitor(database: Server, tmp_path: Path) -> None:
    with sql_exporter(tmp_path, generated(SQL), address(database, "exporter")) as exporter:
        until(lambda: len(sql_values(exporter, "table")) == 12, "all twelve series")
        found = sql_values(exporter, "table")
    sizes = {series: found.pop(series) for series in list(found) if series.startswith("table_size_bytes")}
    assert sorted(sizes) == [
        f"table_size_bytes {name}" for name in ("audit_logs", "role_modules", "user_modules")
    ]
    assert min(sizes.values()) > PAGE
    assert found == {
        **{f"table_rows_bytes {name}": PAGE for name in ("role_modules", "user_modules")},
        "db_pool_in_use": 1,  # its own
        "db_pool_size": 7,
        "audit_log_inserts_total": 4,
        "mutations_total role_modules": 4,
        "mutations_total user_modules": 1,
        "mutations_total users": 2,  # and none of the thousand sessions, or of the archive
        "active_users": 2,
    }


GROWN = ("table_size_bytes", "table_rows_bytes")


def test_a_table_that_is_only_vacuumed_has_grown_and_its_rows_have_not(
    database: Server, tmp_path: Path
) -> None:
    sizes, rows = ({f"{name} {table}" for table in ("role_modules", "user_modules")} for name in GROWN)

    def figures(names: set[str]) -> set[float]:
        return {value for series, value in sql_values(exporter, "table").items() if series in names}

    with (
        sql_exporter(tmp_path, generated(SQL), address(database, "exporter")) as exporter,
        connected(database, "handrail") as connection,
    ):
        until(lambda: figures(rows) == {PAGE}, "a first look")
        before = max(figures(sizes))
        connection.execute("VACUUM ANALYZE role_modules")
        connection.execute("VACUUM ANALYZE user_modules")
        until(lambda: min(figures(sizes)) > before, "a look after it")
        assert (figures(rows), max(figures(sizes)) - before) == ({PAGE}, 4 * PAGE)
        connection.execute("INSERT INTO user_modules (user_id) SELECT 'ann' FROM generate_series(1, 300)")
        until(lambda: figures(rows) == {PAGE, 2 * PAGE}, "three hundred rows")
        connection.execute("DELETE FROM user_modules WHERE user_id = 'ann'")


@pytest.mark.parametrize("column", ["user_id", "actor_id"])
def test_users_of_the_audit_log_are_counted_by_whichever_column_there_is(
    database: Server, column: str
) -> None:
    """The team's documents have both names."""
    [query] = [
        one["query"]
        for one in read_yaml(generated(SQL))["jobs"][0]["queries"]
        if one["name"] == "active_users"
    ]
    with connected(database, "handrail") as connection:
        connection.execute("CREATE TEMPORARY TABLE audit_logs (created_at timestamptz DEFAULT now())")
        connection.execute(f"ALTER TABLE audit_logs ADD {column} text")
        connection.execute("INSERT INTO audit_logs VALUES (now(), 'ann'), (now(), 'ann'), (now(), 'bob')")
        assert connection.execute(query).fetchone() == (2,)


def test_when_all_slots_are_taken_the_pool_is_full_and_who_is_refused_is_counted(
    database: Server, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    counter = "db_connections_refused_total"
    with ExitStack() as open_until_the_end:
        log = open_until_the_end.enter_context(mtail(tmp_path, database.log, generated(LOG)))
        exporter = open_until_the_end.enter_context(
            sql_exporter(tmp_path / "first", generated(SQL), address(database, "exporter"))
        )
        until(lambda: sql_values(exporter).get("db_pool_in_use") == 1, "a first look")
        taken = [_idle_in_transaction(open_until_the_end, database) for _ in range(6)]
        until(lambda: sql_values(exporter)["db_pool_in_use"] == 7, "a look at the full pool")
        assert sql_values(exporter)["db_pool_in_use"] >= sql_values(exporter)["db_pool_size"]
        until(lambda: _is_refused(database), "a refusal: while the exporter connects anew its slot is free")
        until(lambda: metrics(log.url, counter).get(counter, 0) >= 1, "the refusal in the log")
        before = metrics(log.url, counter)[counter]
        refused = open_until_the_end.enter_context(
            sql_exporter(tmp_path / "second", generated(SQL), address(database, "exporter"))
        )
        until(
            lambda: metrics(log.url, counter)[counter] > before,
            "its own",
        )
        assert sql_values(refused) == {}  # nothing is said of the pool by an exporter that is refused: blind
        assert len(taken) == 6


def _is_refused(database: Server) -> bool:
    """Whether the application gets no connection, because all slots that are not reserved are taken."""
    try:
        connected(database, "app").close()
    except psycopg.OperationalError as refused:
        return "remaining connection slots are reserved" in str(refused)
    return False


@pytest.mark.parametrize(
    ("limit", "of"),
    [("ALTER ROLE app CONNECTION LIMIT", "role"), ("ALTER DATABASE postgres CONNECTION LIMIT", "database")],
    ids=["of the role", "of the database"],
)
def test_who_is_refused_by_a_limit_below_all_slots_is_counted_as_well(
    database: Server, tmp_path: Path, limit: str, of: str
) -> None:
    with (
        connected(database, "handrail") as admin,
        connected(database, "app"),
        mtail(tmp_path, database.log, generated(LOG)) as log,
    ):
        refused = "db_connections_refused_total"
        before = metrics(log.url, refused)[refused]
        admin.execute(f"{limit} 1")
        try:
            with pytest.raises(psycopg.OperationalError, match=f"too many connections for {of}"):
                connected(database, "app")
        finally:
            admin.execute(f"{limit} -1")
        until(lambda: metrics(log.url, refused)[refused] == before + 1, "the refusal in the log")


def _idle_in_transaction(stack: ExitStack, database: Server) -> psycopg.Connection[tuple[object, ...]]:
    connection = stack.enter_context(connected(database, "app"))
    connection.execute("BEGIN")
    return connection


def test_a_role_that_cannot_see_others_says_nothing_of_the_pool(database: Server, tmp_path: Path) -> None:
    with sql_exporter(tmp_path, generated(SQL), address(database, "blinkered")) as exporter:
        until(lambda: "db_pool_size" in sql_values(exporter), "the first figures")
        assert "db_pool_in_use" not in sql_values(exporter)


def test_each_error_that_postgresql_writes_counts_once_and_nothing_else_does(
    database: Server, tmp_path: Path
) -> None:
    failing = [
        "SELECT * FROM audit_logs",  # permission denied
        "SELECT * FROM audit_log",  # relation does not exist
        "INSERT INTO user_modules (id) VALUES (1)",  # duplicate key
        "SELECT 1/0",
        "SELEC 1",
    ]
    with mtail(tmp_path, database.log, generated(LOG)) as counted:
        with connected(database, "app") as connection:
            connection.execute("SELECT 'ERROR: of nobody'")
            for statement in failing:
                with suppress(psycopg.Error):
                    connection.execute(statement)
        _deadlock(database)
        until(lambda: told(counted)["postgresql"] >= 6, "six errors")
        time.sleep(0.3)  # anything else would be counted by then
        assert told(counted) == {"postgresql": 6, "prisma": 0, "exception": 0, "application": 0}


def told(counted: Server) -> dict[str, float]:
    """Database errors by who wrote of them."""
    found = metrics(counted.url, "db_errors_total{")
    return {series.partition('source="')[2].partition('"')[0]: number for series, number in found.items()}


def _deadlock(database: Server) -> None:
    """Two transactions that wait for each other; PostgreSQL ends one after its deadlock_timeout."""
    with connected(database, "app") as one, connected(database, "app") as two:
        for connection, row in ((one, 1), (two, 2)):
            connection.execute("BEGIN")
            connection.execute("UPDATE role_modules SET id = id WHERE id = %s", [row])
        waiting = two.pgconn
        waiting.send_query(b"UPDATE role_modules SET id = id WHERE id = 1")
        with suppress(psycopg.errors.DeadlockDetected):  # either is the one that is ended
            one.execute("UPDATE role_modules SET id = id WHERE id = 2")
        while waiting.get_result() is not None:
            pass


FAILED_QUERY = """\
prisma:error\x20
Invalid `prisma.auditLog.create()` invocation in
/srv/aidin/dist/audit.js:41:30

Error occurred during query execution:
ConnectorError(ConnectorError { kind: QueryError(PostgresError { code: "42501", severity: "ERROR" }) })
 \u2a2f PrismaClientUnknownRequestError:\x20
Invalid `prisma.auditLog.create()` invocation in
Error occurred during query execution:
ConnectorError(ConnectorError { kind: QueryError(PostgresError { code: "42501", severity: "ERROR" }) })
    at Hi.handleRequestError (/srv/aidin/node_modules/@prisma/client/runtime/library.js:122:7154) {
  clientVersion: '5.10.2'
}
2026-01-22 19:34:21.123 UTC [123] app@aidin ERROR:  permission denied for table audit_logs
2026-01-22 19:34:21.123 UTC [123] app@aidin STATEMENT:  INSERT INTO "public"."audit_logs" ("error") VALUES ($1)
\tRETURNING "public"."audit_logs"."id" -- prisma, error
"""
"""What one query that failed leaves in the three logs: Prisma's own, the application's, PostgreSQL's."""
NO_SERVER = """\
prisma:error\x20
Invalid `prisma.user.findMany()` invocation in
Can't reach database server at `aidin-db.internal`:`5432`
Please make sure your database server is running at `aidin-db.internal`:`5432`.
PrismaClientInitializationError:\x20
Invalid `prisma.user.findMany()` invocation in
Can't reach database server at `aidin-db.internal`:`5432`
"""
FULL_POOL = (
    "PrismaClientKnownRequestError: Timed out fetching a new connection from the connection pool."
    " More info: https://www.prisma.io/docs/pool\n"
)


@pytest.mark.parametrize(
    ("lines", "written"),
    [
        (FAILED_QUERY, {"postgresql": 1, "prisma": 1, "exception": 1}),
        (
            "".join(f"Jan 22 19:34:21 aidin-1 aidin[7]: {one}\n" for one in NO_SERVER.splitlines()),
            {"prisma": 1, "exception": 1},
        ),
        (FULL_POOL, {"exception": 1}),
        (
            "Error: connect ECONNREFUSED 10.0.0.5:5432\n    at TCPConnectWrap.afterConnect (node:net:1595:16) {\n  code: 'ECONNREFUSED',\n",
            {"exception": 1},
        ),
        ("Jan 22 19:34:21 aidin[7]: database connection failed: ECONNREFUSED\n", {"application": 1}),
        ("failed to connect to database\n", {"application": 1}),
        ("connect ECONNREFUSED to postgres\n", {"application": 1}),
        (
            '{"level":"error","time":"2026-01-22T19:34:21Z","msg":"database query failed"}\n',
            {"application": 1},
        ),
        (
            '{"level":50,"err":{"type":"PrismaClientKnownRequestError","message":"\\nInvalid `prisma.user.create()` invocation"}}\n',
            {"exception": 1},
        ),
        ('{"level":"info","msg":"connected to database","errors":0}\n', {}),
        ('{"level":30,"msg":"prisma migrations: none failed"}\n', {}),
        ('prisma:query SELECT "error" FROM "public"."audit_logs"\n', {}),
        (
            '10.0.0.7 - - [22/Jan/2026:19:34:21 +0000] "GET /database/errors HTTP/1.1" 500 118 "-" "curl" 0.070\n',
            {},
        ),
        ("2026-01-22 19:34:21.123 UTC [9] LOG:  database system was shut down; recovery failed\n", {}),
    ],
    ids=[
        "a query that PostgreSQL refuses",
        "no server",
        "a full pool",
        "no server, of node-postgres",
        "a journal",
        "error before database",
        "postgres last",
        "JSON",
        "JSON of an exception",
        "JSON of no error",
        "a level of pino",
        "a query",
        "a request",
        "PostgreSQL's own news",
    ],
)
def test_each_who_writes_of_a_failure_counts_it_once(
    application: Application, lines: str, written: dict[str, float]
) -> None:
    none = dict.fromkeys(("postgresql", "prisma", "exception", "application"), 0.0)
    assert application.says(lines) == {**none, **written}


@dataclass(frozen=True)
class Application:
    """One log that mtail reads."""

    log: Path
    counted: Server

    def says(self, lines: str) -> dict[str, float]:
        """By how much each counter has grown once these lines are read."""
        read = "mtail_lines_total"
        before, number = told(self.counted), metrics(self.counted.url, read).get(read, 0)
        with self.log.open("a") as log:
            log.write(lines)
        every = number + lines.count("\n")
        until(lambda: metrics(self.counted.url, read).get(read, 0) >= every, "all lines, read")
        after = told(self.counted)
        return {name: after[name] - before.get(name, 0) for name in after}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder = tmp_path_factory.mktemp("application")
    (log := folder / "app.log").touch()
    with mtail(folder, log, generated(LOG)) as counted:
        yield Application(log, counted)


USERS = """\
Jan 22 19:34:21 aidin[7]: userId: ann opened modules
Jan 22 19:34:22 aidin[7]: userId: bob opened modules
Jan 22 19:34:23 aidin[7]: userId: ann opened modules
{"level":"info","userId":"6b1f-44","msg":"opened modules"}
"""


def test_users_and_refused_connections_of_the_application_are_counted(application: Application) -> None:
    refused = "db_connections_refused_total"
    before = metrics(application.counted.url, refused)[refused]
    application.says(USERS + FULL_POOL)
    assert metrics(application.counted.url, refused) == {refused: before + 1}
    assert metrics(application.counted.url, "users_seen{") == {
        f'users_seen{{user="{user}"}}': 1 for user in ("6b1f-44", "ann", "bob")
    }


def test_a_user_who_was_not_seen_for_long_is_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    soon = generated(LOG).replace("after 1m", "after 1s")
    with mtail(tmp_path, log, soon, "--expired_metrics_gc_interval=200ms") as counted, log.open("a") as lines:
        lines.write("userId: ann opened modules\n")
        lines.flush()
        until(lambda: bool(metrics(counted.url, "users_seen{")), "the user")
        until(lambda: not metrics(counted.url, "users_seen{"), "the user to be forgotten")
