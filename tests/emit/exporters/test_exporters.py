"""The generated exporter input, read by the real mtail and the real sql_exporter on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml
from emit.each import of_each
from handrail.declare import Environment, LogCounter, LogSource, Rollout, SqlMetric, SqlSource
from handrail.emit import exporters
from handrail.loading.load import load
from handrail.lower import lower
from pydantic import ValidationError
from servers import Server, answers, free_address, postgres, running, until

SOURCE = Path(__file__).parents[3] / "rules_src"
LINE = '10.0.0.7 - - [22/Jan/2026:19:34:21 +0000] "GET /modules HTTP/1.1" {status} 118 "-" "curl" {seconds}\n'


def generated() -> dict[str, str]:
    """The exporter files of the project's own declarations."""
    loaded = load(SOURCE)
    return of_each(exporters.emit, lower(loaded.rollouts, loaded.environment(None)))


def metrics(url: str, prefix: str) -> dict[str, float]:
    """The samples whose name begins with `prefix`, by series."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line.startswith(prefix))
    return {series: float(value) for series, value in samples}


@contextmanager
def mtail(folder: Path, log: Path, text: str = "") -> Iterator[Server]:
    """mtail with this program, or the generated one, reading `log`."""
    program = folder / "aidin.mtail"
    program.write_text(text or generated()["exporters/aidin-hardening.mtail"])
    address = free_address()
    host, port = address.split(":")
    argv: list[str | Path] = ["mtail", "--progs", program, "--logs", log, "--address", host, "--port", port]
    argv += ["--emit_prog_label=false", "--logtostderr", "--poll_interval=100ms", "--poll_log_interval=100ms"]
    url = f"http://{address}/metrics"
    with running("mtail", argv, folder=folder, address=address, ready=lambda: answers(url)) as server:
        yield server


def test_an_access_log_becomes_requests_by_status_and_their_times(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.touch()
    with mtail(tmp_path, log) as server, log.open("a") as lines:
        for status, seconds in ((200, "0.070"), (200, "0.030"), (503, "1.500"), (403, "0.010")):
            lines.write(LINE.format(status=status, seconds=seconds))
        lines.flush()
        counted = "http_request_duration_seconds_count"
        until(lambda: metrics(server.url, counted).get(counted) == 4, "four requests")
        assert metrics(server.url, "http_requests_total") == {
            'http_requests_total{status="200"}': 2,
            'http_requests_total{status="403"}': 1,
            'http_requests_total{status="503"}': 1,
        }
        assert metrics(server.url, "http_request_duration_seconds_bucket") == {
            f'http_request_duration_seconds_bucket{{le="{bound}"}}': count
            for bound, count in (
                ("0.05", 2),
                ("0.1", 3),
                ("0.25", 3),
                ("0.5", 3),
                ("1", 3),
                ("2.5", 4),
                ("5", 4),
                ("10", 4),
                ("+Inf", 4),
            )
        }


def test_database_errors_are_counted_out_of_the_log_and_nothing_else_is(tmp_path: Path) -> None:
    log = tmp_path / "postgresql.log"
    log.touch()
    with mtail(tmp_path, log) as server, log.open("a") as lines:
        lines.write("FATAL:  remaining connection slots are reserved\n")
        lines.write("ERROR:  deadlock detected\n")
        lines.write("LOG:  checkpoint complete\n")
        lines.write('ERROR:  insert or update on table "x" violates foreign key constraint\n')
        lines.write(LINE.format(status=200, seconds="0.001"))
        lines.flush()
        until(lambda: bool(metrics(server.url, "http_requests_total")), "the last line")
        assert metrics(server.url, "db_errors_total") == {"db_errors_total": 3}


def test_a_pattern_may_hold_slashes_escaped_or_not(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.touch()
    patterns = [r"POST /login failed", r"GET \/old\/\d+$"]
    rollout = Rollout(
        "shop", "shop", guardrails=[], logs=[LogSource(counters=[LogCounter("x_total", patterns)])]
    )
    [text] = of_each(exporters.emit, lower([rollout], Environment("here"))).values()
    with mtail(tmp_path, log, text) as server, log.open("a") as lines:
        lines.write("POST /login failed\nPOST login failed\nGET /old/7\nGET /old/seven\n")
        lines.flush()
        until(lambda: metrics(server.url, "x_total") == {"x_total": 2}, "the last line")


def test_every_sql_metric_has_a_value_on_a_real_database(tmp_path: Path) -> None:
    with postgres(tmp_path) as database:
        _make_tables(database.address)
        config = yaml.safe_load(generated()["exporters/aidin-hardening.sql.yml"])
        config["jobs"][0]["interval"] = "1s"
        config["jobs"][0]["connections"] = [
            f"postgres://handrail@{database.address}/postgres?sslmode=disable&application_name=exporter"
        ]
        (tmp_path / "sql.yml").write_text(yaml.safe_dump(config))
        address = free_address()
        argv: list[str | Path] = [
            "prometheus-sql-exporter",
            "-config.file",
            "sql.yml",
            "-web.listen-address",
            address,
        ]
        url = f"http://{address}/metrics"
        with running("sql", argv, folder=tmp_path, address=address, ready=lambda: answers(url)) as server:
            until(lambda: len(_values(server.url)) == 8, "all eight series")
            found = _values(server.url)
    assert found["audit_log_inserts_total"] == 3
    assert found["active_users"] == 2
    assert found["mutations_total"] == 5
    assert found["db_pool_size"] == 100
    assert found["db_pool_in_use"] >= 1
    assert (
        min(found[f"table_size_bytes {table}"] for table in ("audit_logs", "role_modules", "user_modules"))
        > 0
    )


def _make_tables(address: str) -> None:
    host, port = address.split(":")
    with psycopg.connect(
        host=host, port=port, user="handrail", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("CREATE TABLE audit_logs (user_id int, created_at timestamptz DEFAULT now())")
        connection.execute("CREATE TABLE role_modules (id serial PRIMARY KEY)")
        connection.execute("CREATE TABLE user_modules (id serial PRIMARY KEY)")
        connection.execute("INSERT INTO audit_logs (user_id) VALUES (1), (1), (2)")
        connection.execute("INSERT INTO role_modules SELECT generate_series(1, 4)")
        connection.execute("INSERT INTO user_modules DEFAULT VALUES")
        connection.execute("SELECT pg_stat_force_next_flush()")


def _values(url: str) -> dict[str, float]:
    found = {}
    for series, value in metrics(url, "sql_").items():
        name = series.partition("{")[0].removeprefix("sql_")
        if not name.startswith("exporter"):
            table = series.partition('table="')[2].partition('"')[0]
            found[f"{name} {table}".strip()] = value
    return found


def test_a_database_address_with_a_password_is_refused() -> None:
    with pytest.raises(ValidationError, match="without a password"):
        SqlSource("postgres://reader:secret@db/x", [SqlMetric("a_total", "SELECT 1 AS value", "x")])
    assert (
        SqlSource("postgres://reader@db/x", [SqlMetric("a_total", "SELECT 1 AS value", "x")]).every == "30s"
    )
