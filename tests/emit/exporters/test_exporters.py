"""The generated exporter input, read by the real mtail and the real sql_exporter on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from emit.each import of_each
from handrail.declare import (
    Environment,
    LogCounter,
    LogGauge,
    LogHistogram,
    LogSeen,
    LogSource,
    Rollout,
    SqlMetric,
    SqlSource,
)
from handrail.emit import exporters
from handrail.lower import lower
from pydantic import ValidationError
from servers import until

from .sources import generated, metrics, mtail

AIDIN = "exporters/aidin-hardening.mtail"
LINE = '10.0.0.7 - - [22/Jan/2026:19:34:21 +0000] "GET /modules HTTP/1.1" {status} 118 "-" "curl" {seconds}\n'


def test_an_access_log_becomes_requests_by_status_and_their_times(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.touch()
    with mtail(tmp_path, log, generated(AIDIN)) as server, log.open("a") as lines:
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
                *((bound, 3) for bound in ["0.075", "0.1", "0.15", "0.2", "0.3", "0.4", "0.5", "0.75", "1"]),
                *((bound, 4) for bound in ["1.5", "2", "3", "4", "5", "7.5", "10", "+Inf"]),
            )
        }


FAILED = """\
GET /api/users/7?tab=modules HTTP/1.1" 500
GET /api/users/8 HTTP/1.1" 502
POST /api/users/9c1f-44/modules HTTP/1.1" 403
GET /api/v2/modules?next=/api/users HTTP/1.1" 500
GET / HTTP/1.1" 500
GET /77 HTTP/1.1" 403
GET /api/users/7 HTTP/1.1" 200
GET /wp-admin/setup.php HTTP/1.1" 404
"""


def test_what_fails_or_is_refused_counts_for_its_route_whatever_ids_are_in_its_path(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.touch()
    with mtail(tmp_path, log, generated(AIDIN)) as server, log.open("a") as lines:
        for failed in FAILED.splitlines():
            lines.write(f'10.0.0.7 - - [22/Jan/2026:19:34:21 +0000] "{failed} 118 "-" "curl" 0.070\n')
        lines.flush()
        until(
            lambda: metrics(server.url, "http_requests_total").get('http_requests_total{status="404"}') == 1,
            "all",
        )
        assert metrics(server.url, "http_failures_total") == {
            f'http_failures_total{{route="{route}",status="{status}"}}': count
            for route, status, count in (
                ("/", "403", 1),
                ("/", "500", 1),
                ("/api/users", "403", 1),
                ("/api/users", "500", 1),
                ("/api/users", "502", 1),
                ("/api/v2/modules", "500", 1),
            )
        }


def test_database_errors_are_counted_out_of_the_log_and_nothing_else_is(tmp_path: Path) -> None:
    log = tmp_path / "postgresql.log"
    log.touch()
    with mtail(tmp_path, log, generated(AIDIN)) as server, log.open("a") as lines:
        lines.write("FATAL:  remaining connection slots are reserved\n")
        lines.write("ERROR:  deadlock detected\n")
        lines.write("LOG:  checkpoint complete\n")
        lines.write('ERROR:  insert or update on table "x" violates foreign key constraint\n')
        lines.write(LINE.format(status=200, seconds="0.001"))
        lines.flush()
        until(lambda: bool(metrics(server.url, "http_requests_total")), "the last line")
        assert metrics(server.url, "db_errors_total") == {
            'db_errors_total{source="postgresql"}': 3,
            'db_errors_total{source="prisma"}': 0,
            'db_errors_total{source="exception"}': 0,
            'db_errors_total{source="application"}': 0,
        }


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


def test_a_line_that_matches_two_patterns_counts_once(tmp_path: Path) -> None:
    source = LogSource(
        counters=[
            LogCounter("x_total", ["error", "database"]),
            LogCounter("by_total", [r"(?P<kind>\w+) error", r"(?P<kind>database)"], labels=["kind"]),
        ]
    )
    read = _read(tmp_path, source, "database error\nanother error\ndatabase\n")
    assert read == {"x_total": 3, 'by_total{kind="database"}': 2, 'by_total{kind="another"}': 1}


def test_a_failure_that_two_write_of_is_counted_by_each_and_what_is_ignored_by_none(tmp_path: Path) -> None:
    source = LogSource(
        counters=[
            LogCounter(
                "x_total",
                {"server": ["ERROR: ", "FATAL: "], "client": ["error", "fail"], "nobody": ["^never$"]},
                labels=["source"],
                ignoring=["^DETAIL", "no error"],
            )
        ]
    )
    lines = "ERROR: a\nDETAIL: fail\nclient: an error, a fail\nclient: no error\nFATAL: error\n"
    assert _read(tmp_path, source, lines) == {
        'x_total{source="server"}': 2,
        'x_total{source="client"}': 1,
        'x_total{source="nobody"}': 0,
    }


def test_numbers_and_states_of_lines_become_histograms_and_gauges(tmp_path: Path) -> None:
    source = LogSource(
        histograms=[LogHistogram("took_seconds", r"took (?P<value>[\d.]+) ms", [0.1, 1], unit="ms")],
        gauges=[
            LogGauge("rate", r"rate=(?P<value>[\d.]+)"),
            LogGauge("fast", r"fast=(?P<value>\w+)", values={"true": 1, "false": 0}),
        ],
    )
    lines = "took 50 ms\ntook 250.5 ms\nrate=0.5 fast=true\nrate=0.1 fast=false\nrate=1\n"
    assert _read(tmp_path, source, lines) == {
        'took_seconds_bucket{le="0.1"}': 1,
        'took_seconds_bucket{le="1"}': 2,
        'took_seconds_bucket{le="+Inf"}': 2,
        "took_seconds_sum": 0.3005,
        "took_seconds_count": 2,
        'rate{line="newest"}': 1,
        'fast{line="newest"}': 0,
    }


def test_what_no_line_has_said_yet_is_not_there(tmp_path: Path) -> None:
    source = LogSource(gauges=[LogGauge("fast", r"fast=(?P<value>\w+)", values={"true": 1, "false": 0})])
    assert _read(tmp_path, source, "another line\nfast=perhaps\n") == {}


def _read(folder: Path, source: LogSource, lines: str) -> dict[str, float]:
    """The metrics that mtail makes of these lines; one line more shows that it has read them all."""
    last = LogCounter("last_total", ["^the end$"])
    known = LogSource(
        counters=[*source.counters, last],
        histograms=source.histograms,
        gauges=source.gauges,
        seen=source.seen,
    )
    rollout = Rollout("shop", "shop", guardrails=[], logs=[known])
    [text] = of_each(exporters.emit, lower([rollout], Environment("here"))).values()
    log = folder / "the.log"
    log.touch()
    with mtail(folder, log, text) as server, log.open("a") as written:
        written.write(f"{lines}the end\n")
        written.flush()
        until(lambda: metrics(server.url, "last_total") == {"last_total": 1}, "the last line")
        names = [one.name for one in source.counters]
        names += [*(one.name for one in source.histograms), *(one.name for one in source.gauges)]
        return {series: value for name in names for series, value in metrics(server.url, name).items()}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (lambda: LogCounter("a_total", ["x"], labels=["kind"]), "has no group kind"),
        (lambda: LogCounter("a_total", {"one": ["x"]}), "the values of one label"),
        (lambda: LogHistogram("a_seconds", "x", [1]), "has no group value"),
        (lambda: LogGauge("a", "(?P<other>x)"), "has no group value"),
        (lambda: LogSeen("a", "x", "user"), "has no group user"),
    ],
)
def test_a_pattern_without_the_group_that_it_needs_is_refused(
    source: Callable[[], object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        source()


def test_a_database_address_with_a_password_is_refused() -> None:
    with pytest.raises(ValidationError, match="without a password"):
        SqlSource("postgres://reader:secret@db/x", [SqlMetric("a_total", "SELECT 1 AS value", "x")])
    assert (
        SqlSource("postgres://reader@db/x", [SqlMetric("a_total", "SELECT 1 AS value", "x")]).every == "30s"
    )
