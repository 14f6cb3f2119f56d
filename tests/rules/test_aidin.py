"""aidin-hardening's own rules: what its team's document asks for, and what must not fire on an ordinary night."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from .aidin_rules import BEGAN, JOB, LOOK, STAGE, aidin, fires, hurried
from .judged import Asked, complaints


def errors(**values: str) -> dict[str, str]:
    """What each writes of database errors, scraped every 15 s."""
    return {
        'up{instance="a",job="aidin-log"}': "1x40",
        **{
            f'db_errors_total{{instance="a",job="aidin-log",source="{one}"}}': text
            for one, text in values.items()
        },
    }


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (errors(postgresql="0x40"), fires("5m")),
        (errors(postgresql="0x16 1x40"), fires("5m", warning="investigate")),
        (errors(postgresql="0x16 1x3 2x40"), fires("5m", warning="investigate")),
        (errors(postgresql="0x16 5x40"), fires("5m", warning="investigate")),
        (errors(postgresql="0x16 6x40"), fires("5m", warning="investigate", critical="rollback")),
        (errors(postgresql="0x16 3 5 8 10x40"), fires("5m", warning="investigate", critical="rollback")),
        (errors(postgresql="0x16 5x7 10x40"), fires("7m", warning="investigate")),
        (
            errors(postgresql="0x16 2x40", prisma="0x16 2x40", exception="0x16 2x40"),
            fires("5m", warning="investigate"),
        ),
        (
            errors(postgresql="0x40", exception="0x16 6x40"),
            fires("5m", warning="investigate", critical="rollback"),
        ),
    ],
    ids=[
        "none",
        "one",
        "two in a minute",
        "five in a minute",
        "six",
        "ten in a minute",
        "five in each of two",
        "two, each told three times",
        "six that only the application saw",
    ],
)
def test_database_errors_are_counted_by_the_minute(
    promtool: str, written: Mapping[str, str], found: Asked
) -> None:
    assert complaints(promtool, aidin("db-errors"), written, found) == ""


ACCESS, JOURNAL, BOTH = {""}, {"_2"}, {"_3", "_4"}


def test_each_figure_is_lost_with_its_own_log_alone() -> None:
    logs = {
        one.name: {
            number
            for signal in one.signals
            for silence in signal.silences
            for number in ("", *map("_{}".format, range(2, 5)))
            if f"aidin_hardening_log{number}_lines_total" in silence.lost
        }
        for one in aidin("http-5xx", "http-403", "p95-latency", "active-users", "db-errors").guardrails
    }
    assert logs == {
        "http-5xx": ACCESS,
        "http-403": ACCESS,
        "p95-latency": ACCESS,
        "active-users": JOURNAL,
        "db-errors": BOTH,
    }


def test_failing_requests_roll_back_while_postgresql_s_log_is_silent(promtool: str) -> None:
    lines = {
        f'aidin_hardening_log{number}_lines_total{{instance="a",job="aidin-log"}}': text
        for number, text in {"": "0+9x400", "_2": "0+9x400", "_3": "0+9x400", "_4": "7x400"}.items()
    }
    failing = {
        'http_requests_total{instance="a",job="aidin-log",status="500"}': "0+20x400",
        'up{instance="a",job="aidin-log"}': "1x400",
    }
    found = fires("80m", warning="investigate", critical="rollback", emergency="emergency_rollback")
    assert complaints(promtool, aidin("http-5xx"), lines | failing, found) == ""


REFUSED = 'db_connections_refused_total{instance="a",job="aidin-log"}'
POOL: Mapping[str, str] = {
    f"db_pool_in_use{{{JOB}}}": "5x40",
    f"db_pool_size{{{JOB}}}": "97x40",
    'up{instance="a",job="aidin-log"}': "1x40",
    REFUSED: "0x40",
}


@pytest.mark.parametrize(
    "exhausted",
    [{f"db_pool_in_use{{{JOB}}}": "97x40"}, {REFUSED: "0x16 1x40"}],
    ids=["every slot taken", "somebody refused"],
)
def test_an_exhausted_pool_is_an_emergency_whoever_sees_it(
    promtool: str, exhausted: Mapping[str, str]
) -> None:
    found = fires("5m", emergency="emergency_rollback")
    assert complaints(promtool, aidin("db-pool"), {**POOL, **exhausted}, found) == ""
    assert complaints(promtool, aidin("db-pool"), POOL, fires("5m")) == ""


def sizes(began: str = "0x600", **more: str) -> dict[str, str]:
    """The sizes of the tables and what was changed, in steps of five minutes: quiet, but for what is told."""
    quiet = {"role_modules": "8192x600", "user_modules": "8192x600", "audit_logs": "8192x600"}
    kept = {
        f'{metric}{{{JOB},table="{table}"}}': more.get(table, text)
        for metric in ("table_size_bytes", "table_rows_bytes")
        for table, text in quiet.items()
    }
    return {
        **STAGE,
        **kept,
        BEGAN: began,
        f"audit_log_inserts_total{{{JOB}}}": more.get("inserts", "7x600"),
        f'mutations_total{{{JOB},table="user_modules"}}': "0+1000x600",
        f'mutations_total{{{JOB},table="users"}}': more.get("users", "7x600"),
    }


@pytest.mark.parametrize(
    ("series", "alerts"),
    [
        (sizes(user_modules="8192+1000000x20", users="0+1000x20"), LOOK),
        (sizes(user_modules="8192x8 24576x20"), LOOK),
        (sizes(user_modules="8192x8 16384x20"), {}),
        (sizes(user_modules="8192x8 24576x20", users="0+1000x20"), {}),
        (sizes(role_modules="8192x8 16384x20", users="0+1000x20"), LOOK),
        (sizes(audit_logs="8192+500000x20", inserts="7x20"), LOOK),
        (sizes(audit_logs="8192+500000x20", inserts="0+1000x20"), {}),
        (sizes(), {}),
    ],
    ids=[
        "12 MB in an hour of ordinary work",
        "two pages while nothing else was changed",
        "one page, for a row that found no room",
        "two pages of ordinary work",
        "role_modules has twice its rows",
        "6 MB in the audit log without an entry",
        "6 MB in the audit log with 12,000 entries",
        "nothing grows",
    ],
)
def test_a_table_that_grows_without_reason_is_found(
    promtool: str, series: Mapping[str, str], alerts: Mapping[str, str]
) -> None:
    assert complaints(promtool, aidin("table-size"), series, fires("70m", **alerts), step="5m") == ""


def test_a_table_is_guarded_for_a_week_also_once_the_last_stage_is_over(promtool: str) -> None:
    """A week is half an hour: the stages are over after 13 minutes. audit_logs is too large from the 20th on."""
    series = {
        **{name: text.replace("x600", "x900") for name, text in sizes().items()},
        f'table_size_bytes{{{JOB},table="audit_logs"}}': "8192x300 2000000000x600",
        f"audit_log_inserts_total{{{JOB}}}": "0+1x900",
        next(iter(STAGE)): "1x195 0x700",
    }
    asked = [fires("19m"), fires("25m", **LOOK), fires("29m", **LOOK), fires("31m")]
    assert complaints(promtool, hurried("table-size"), series, *asked, step="4s") == ""


def requests(refused: int) -> dict[str, str]:
    """Requests of which so many in a hundred are refused."""
    counted = {"403": refused, "200": 100 - refused}
    series = {
        f'http_requests_total{{instance="a",job="aidin-log",status="{status}"}}': f"0+{number}x400"
        for status, number in counted.items()
    }
    return {**series, 'up{instance="a",job="aidin-log"}': "1x400"}


@pytest.mark.parametrize(
    ("refused", "found"),
    [
        (0, fires("80m")),
        (3, fires("80m", warning="investigate", critical="hold")),
        (6, fires("80m", warning="investigate", critical="hold", emergency="rollback")),
    ],
)
def test_refused_requests_hold_above_two_percent_and_roll_back_above_five(
    promtool: str, refused: int, found: Asked
) -> None:
    assert complaints(promtool, aidin("http-403"), requests(refused), found) == ""


def test_what_fails_elsewhere_is_not_aidin_s(promtool: str) -> None:
    """Not of a service whose name is longer, either."""
    sick = {
        f'http_requests_total{{instance="b",job="{job}",status="{status}"}}': "0+50x400"
        for job in ("checkout", "aidins", "my-aidin", "")
        for status in ("500", "403")
    }
    blind = Asked('count(ALERTS{alertstate="firing",tier="blind"})', "80m", {})
    for name in ("http-5xx", "http-403"):
        assert complaints(promtool, aidin(name), requests(0) | sick, fires("80m"), blind) == ""


@pytest.mark.parametrize(("then", "now", "broken"), [(2, 6, False), (2, 8, True), (6, 6, False)])
def test_a_small_rise_of_refused_requests_is_normal_and_more_than_half_a_point_breaks_the_criterion(
    promtool: str, then: int, now: int, broken: bool
) -> None:
    """A day is 257 s here."""
    rollout = hurried("daily-403")
    counted = {"403": now, "200": 1000 - now}
    series = {
        f'http_requests_total{{instance="a",job="aidin-log",status="{status}"}}': f"0+{number}x200"
        for status, number in counted.items()
    }
    before = 'handrail_reference{rollout="aidin-hardening",guardrail="daily-403",reference="before"}'
    breach = rollout.guardrails[0].success[1].breach
    asked = Asked(f"count({breach})", "8m", {"{}": 1} if broken else {})
    told = {before: f"{then / 1000}x200", 'up{instance="a",job="aidin-log"}': "1x200", **STAGE}
    assert complaints(promtool, rollout, {**series, **told}, asked, step="4s") == ""


LOG_READ = 'application_log_lines_total{instance="a",job="aidin-log"}'


def seen(*spells: tuple[int, str]) -> dict[str, str]:
    """So many people each, whom the log shows at some times, 336 times as fast: a week is half an hour, an hour 11 s."""
    people = {
        f'users_seen{{instance="a",job="aidin-log",user="{place}-{number}"}}': text
        for place, (count, text) in enumerate(spells)
        for number in range(count)
    }
    return {**people, LOG_READ: "1x800"}


ALWAYS, LEFT, CAME = "1x800", "1x640 _x160", "_x640 1x160"
FEW = {"warning": "investigate"}
ALL = {"warning": "investigate", "critical": "rollback", "emergency": "emergency_rollback"}


@pytest.mark.parametrize(
    ("people", "alerts"),
    [
        ([(5, ALWAYS), (7, LEFT)], []),
        ([(92, ALWAYS), (8, LEFT)], []),
        ([(70, ALWAYS), (30, LEFT)], ["warning", "critical"]),
        ([(40, ALWAYS), (60, LEFT)], ["warning", "critical", "emergency"]),
        ([(100, LEFT)], ["warning", "critical", "emergency"]),
        ([(40, ALWAYS), (60, LEFT), (60, CAME)], []),
        ([(5, ALWAYS), (25, LEFT)], ["emergency"]),
        ([(6, ALWAYS), (24, LEFT)], []),
        ([(29, LEFT)], []),
    ],
    ids=[
        "12 of a night, and 5",
        "100 and 92",
        "100 and 70",
        "100 and 40",
        "100 and none",
        "others came",
        "30 and 5",
        "30 and 6",
        "29 and none",
    ],
)
def test_users_are_compared_with_the_same_hour_of_last_week(
    promtool: str, people: list[tuple[int, str]], alerts: list[str]
) -> None:
    found = fires("45m", **{tier: ALL[tier] for tier in alerts})
    blind = Asked('count(ALERTS{alertstate="firing",tier="blind"})', "45m", {})
    assert complaints(promtool, hurried("active-users"), seen(*people), found, blind, step="4s") == ""


@pytest.mark.parametrize(
    ("hourly", "stage", "alerts"),
    [("60x200", "1x200", FEW), ("60x20 130x12 60x170", "1x200", {}), ("60x200", "0x200", {})],
    ids=["sixty in each hour", "130 at noon", "no stage is on"],
)
def test_whoever_has_no_hour_of_a_hundred_people_hears_that_none_is_compared(
    promtool: str, hourly: str, stage: str, alerts: Mapping[str, str]
) -> None:
    """Of four hundred users a day no hour may have a hundred."""
    people = 'handrail:guardrail:value{rollout="aidin-hardening",guardrail="active-users"}'
    series = {people: hourly, next(iter(STAGE)): stage}
    asked = fires("23h", **alerts)
    assert complaints(promtool, aidin("few-users"), series, asked, step="10m", all_rules=True) == ""


NO_FIGURE = {'{reason="its metrics are missing"}': 1.0}
NO_WEEK = {'{reason="there is no history of 30m"}': 1.0}
NOBODY = {'{reason="nothing can drop below its reference"}': 1.0}


@pytest.mark.parametrize(
    ("name", "mtail", "people", "reasons"),
    [
        ("active-users", "_x300 1x500", [(100, ALWAYS)], NO_WEEK),
        ("daily-users", "_x300 1x500", [(100, ALWAYS)], NO_WEEK),
        ("daily-users", "_x200 1x600", [(100, ALWAYS)], NO_WEEK),
        ("daily-users", "1x800", [(100, CAME)], NOBODY),
        ("active-users", "1x620 stale _x170", [(100, ALWAYS)], NO_FIGURE),
        ("daily-users", "1x800", [(100, ALWAYS)], {}),
    ],
    ids=[
        "the log is read for less than a week",
        "and so for a day",
        "a week ago it was read for half of the day",
        "nobody was seen a week ago",
        "mtail is gone",
        "all is there",
    ],
)
def test_users_who_nobody_counted_are_blindness_and_no_drop(
    promtool: str, name: str, mtail: str, people: list[tuple[int, str]], reasons: Mapping[str, float]
) -> None:
    series = seen(*people) | {LOG_READ: mtail}
    blind = Asked('count by (reason) (ALERTS{alertstate=~"pending|firing",tier="blind"})', "44m", reasons)
    assert complaints(promtool, hurried(name), series, fires("44m"), blind, step="4s") == ""


def test_users_are_counted_by_what_was_there_before_the_rollout() -> None:
    [hourly, daily] = aidin("active-users", "daily-users").guardrails
    assert {one.signals[0].measure.series.metric for one in (hourly, daily)} == {"users_seen"}  # type: ignore[union-attr]
    assert [criterion.text for criterion in (*hourly.success, *daily.success)] == [
        "not below 90 % of the figure of 7d ago"
    ]
