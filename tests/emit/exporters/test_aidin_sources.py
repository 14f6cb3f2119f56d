"""aidin's sources on a real PostgreSQL: its slots, its tables, and what it and the application write into logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest
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
INSERT INTO role_modules SELECT generate_series(1, 4);
INSERT INTO user_modules DEFAULT VALUES;
INSERT INTO audit_logs (user_id, hash) VALUES ('ann', '1'), ('ann', '2'), ('bob', '3');
INSERT INTO audit_logs (user_id, created_at) VALUES ('eve', now() - interval '5 hours');
INSERT INTO audit_logs (user_id, created_at) VALUES
    ('ann', now() - interval '7 days 10 minutes'), ('dan', now() - interval '7 days 50 minutes'),
    ('bob', now() - interval '7 days 2 hours');
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


SQL = generated()["exporters/aidin-hardening.sql.yml"]
LOG = generated()["exporters/aidin-hardening.mtail"]


def test_every_query_has_its_figure_with_the_rights_of_a_monitor(database: Server, tmp_path: Path) -> None:
    with sql_exporter(tmp_path, SQL, address(database, "exporter")) as exporter:
        until(lambda: len(sql_values(exporter, "table")) == 11, "all eleven series")
        found = sql_values(exporter, "table")
    sizes = {series: found.pop(series) for series in list(found) if series.startswith("table_size_bytes")}
    assert sorted(sizes) == [
        f"table_size_bytes {name}" for name in ("audit_logs", "role_modules", "user_modules")
    ]
    assert min(sizes.values()) > 0
    assert found == {
        "db_pool_in_use": 1,  # its own
        "db_pool_size": 7,
        "audit_log_inserts_total": 7,
        "mutations_total role_modules": 4,
        "mutations_total user_modules": 1,
        "active_users": 2,
        "active_users_day": 3,
        "active_users_week_ago": 2,
    }


def test_when_all_slots_are_taken_the_pool_is_full_and_who_is_refused_is_counted(
    database: Server, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with ExitStack() as open_until_the_end:
        log = open_until_the_end.enter_context(mtail(tmp_path, database.log, LOG))
        exporter = open_until_the_end.enter_context(
            sql_exporter(tmp_path / "first", SQL, address(database, "exporter"))
        )
        until(lambda: sql_values(exporter).get("db_pool_in_use") == 1, "a first look")
        taken = [_idle_in_transaction(open_until_the_end, database) for _ in range(6)]
        until(lambda: sql_values(exporter)["db_pool_in_use"] == 7, "a look at the full pool")
        assert sql_values(exporter)["db_pool_in_use"] >= sql_values(exporter)["db_pool_size"]
        with pytest.raises(psycopg.OperationalError, match="remaining connection slots are reserved"):
            connected(database, "app")
        until(
            lambda: metrics(log.url, "db_connections_refused_total") == {"db_connections_refused_total": 1},
            "the refusal in the log",
        )
        refused = open_until_the_end.enter_context(
            sql_exporter(tmp_path / "second", SQL, address(database, "exporter"))
        )
        until(
            lambda: metrics(log.url, "db_connections_refused_total")["db_connections_refused_total"] > 1,
            "its own",
        )
        assert sql_values(refused) == {}  # nothing is said of the pool by an exporter that is refused: blind
        assert len(taken) == 6


def _idle_in_transaction(stack: ExitStack, database: Server) -> psycopg.Connection[tuple[object, ...]]:
    connection = stack.enter_context(connected(database, "app"))
    connection.execute("BEGIN")
    return connection


def test_a_role_that_cannot_see_others_says_nothing_of_the_pool(database: Server, tmp_path: Path) -> None:
    with sql_exporter(tmp_path, SQL, address(database, "blinkered")) as exporter:
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
    with mtail(tmp_path, database.log, LOG) as counted:
        with connected(database, "app") as connection:
            connection.execute("SELECT 'ERROR: of nobody'")
            for statement in failing:
                with suppress(psycopg.Error):
                    connection.execute(statement)
        _deadlock(database)
        until(lambda: metrics(counted.url, "db_errors_total").get("db_errors_total", 0) >= 6, "six errors")
        time.sleep(0.3)  # anything else would be counted by then
        assert metrics(counted.url, "db_errors_total") == {"db_errors_total": 6}


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


PRISMA = """\
prisma:query SELECT "public"."audit_logs"."id" FROM "public"."audit_logs" WHERE 1=1
prisma:error
Invalid `prisma.auditLog.create()` invocation in
PrismaClientKnownRequestError:
Invalid `prisma.auditLog.create()` invocation:
The table `public.audit_logs` does not exist in the current database.
PrismaClientInitializationError: Can't reach database server at `aidin-db.internal`:`5432`
PrismaClientKnownRequestError: Timed out fetching a new connection from the connection pool. More info: https://x
Jan 22 19:34:21 aidin[7]: database connection failed: ECONNREFUSED
Jan 22 19:34:21 aidin[7]: userId: ann opened modules
Jan 22 19:34:22 aidin[7]: userId: bob opened modules
Jan 22 19:34:23 aidin[7]: userId: ann opened modules
10.0.0.7 - - [22/Jan/2026:19:34:21 +0000] "GET /database/errors HTTP/1.1" 200 118 "-" "curl" 0.070
"""


def test_what_the_application_says_of_its_database_and_its_users_is_counted(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    with mtail(tmp_path, log, LOG) as counted, log.open("a") as lines:
        lines.write(PRISMA)
        lines.flush()
        until(lambda: bool(metrics(counted.url, "http_requests_total")), "the last line")
        assert metrics(counted.url, "db_") == {"db_errors_total": 5, "db_connections_refused_total": 1}
        assert metrics(counted.url, "users_seen") == {
            'users_seen{user="ann"}': 1,
            'users_seen{user="bob"}': 1,
        }


def test_a_user_who_was_not_seen_for_long_is_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    soon = LOG.replace("after 1h", "after 1s")
    with mtail(tmp_path, log, soon, "--expired_metrics_gc_interval=200ms") as counted, log.open("a") as lines:
        lines.write("userId: ann opened modules\n")
        lines.flush()
        until(lambda: bool(metrics(counted.url, "users_seen{")), "the user")
        until(lambda: not metrics(counted.url, "users_seen{"), "the user to be forgotten")
