"""aidin-hardening's own rules: what its team's document asks for, and what must not fire on an ordinary night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from handrail.declare import Environment
from handrail.loading.load import load
from handrail.lower import lower
from handrail.plan import Rollout

from .judged import Asked, complaints

SOURCE = Path(__file__).parents[2] / "rules_src"
JOB = 'instance="a",job="aidin-sql"'
STAGE = {f'handrail_rollout_stage{{rollout="aidin-hardening",stage="{s}"}}': "1x20" for s in ("10%",)}


@cache
def aidin(*guardrails: str) -> Rollout:
    """The rollout with these of its guardrails."""
    loaded = load(SOURCE)
    own = next(
        one
        for one in lower(loaded.rollouts, loaded.environment(None)).rollouts
        if one.name == "aidin-hardening"
    )
    return replace(own, guardrails=tuple(one for one in own.guardrails if one.name in guardrails))


def fires(at: str, **alerts: str) -> Asked:
    """Exactly these tiers fire at `at`, with these actions; blindness apart."""
    expr = 'count by (tier, action) (ALERTS{alertstate="firing",rollout="aidin-hardening",tier=~"warning|critical|emergency|thin"})'
    samples = {
        f'{{action="{action.replace("_", "-")}",tier="{tier}"}}': 1.0 for tier, action in alerts.items()
    }
    return Asked(expr, at, samples)


def errors(values: str) -> dict[str, str]:
    """Database errors, scraped every 15 s."""
    return {
        'db_errors_total{instance="a",job="aidin-log"}': values,
        'up{instance="a",job="aidin-log"}': "1x40",
    }


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ("0x40", fires("5m")),
        ("0x16 1x40", fires("5m", warning="investigate")),
        ("0x16 1x3 2x40", fires("5m", warning="investigate")),
        ("0x16 5x40", fires("5m", warning="investigate")),
        ("0x16 6x40", fires("5m", warning="investigate", critical="rollback")),
        ("0x16 3 5 8 10x40", fires("5m", warning="investigate", critical="rollback")),
        ("0x16 5x7 10x40", fires("7m", warning="investigate")),
    ],
    ids=[
        "none",
        "one",
        "two in a minute",
        "five in a minute",
        "six",
        "ten in a minute",
        "five in each of two",
    ],
)
def test_database_errors_are_counted_by_the_minute(promtool: str, values: str, found: Asked) -> None:
    assert complaints(promtool, aidin("db-errors"), errors(values), found) == ""


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


def sizes(user_modules: str, sessions: str) -> dict[str, str]:
    """The size of user_modules, and rows changed in it and in another table."""
    return {
        **STAGE,
        'handrail_rollout_stage_entered_timestamp_seconds{rollout="aidin-hardening",stage="10%"}': "0x20",
        f'table_size_bytes{{{JOB},table="user_modules"}}': user_modules,
        f'mutations_total{{{JOB},table="user_modules"}}': "0+1000x20",
        f'mutations_total{{{JOB},table="sessions"}}': sessions,
    }


@pytest.mark.parametrize(
    ("user_modules", "sessions", "found"),
    [
        (
            "8192+1000000x20",
            "0+1000x20",
            fires("70m", critical="investigate"),
        ),  # 12 MB in an hour of ordinary work
        (
            "8192+1024x20",
            "7x20",
            fires("70m", critical="investigate"),
        ),  # 12 KB while nothing else was changed
        ("8192+1024x20", "0+1000x20", fires("70m")),
        ("8192x20", "7x20", fires("70m")),
    ],
)
def test_assignments_that_explode_are_found_though_they_are_changes_themselves(
    promtool: str, user_modules: str, sessions: str, found: Asked
) -> None:
    series = sizes(user_modules, sessions)
    assert complaints(promtool, aidin("table-size"), series, found, step="5m") == ""


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


def audited(before: int, now: int) -> dict[str, str]:
    """So many of 40 changes a minute leave an entry in the audit log, and after 80 minutes so many."""
    return {
        f'mutations_total{{{JOB},table="documents"}}': "0+40x200",
        f"audit_log_inserts_total{{{JOB}}}": f"0+{before}x80 {80 * before}+{now}x119",
        'up{instance="a",job="aidin-sql"}': "1x200",
    }


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (40, 16, {"critical": "investigate"}),
        (40, 24, {}),
        (16, 16, {}),
    ],
    ids=["to less than half", "to more than half", "as an hour ago"],
)
def test_audit_entries_are_compared_with_their_share_of_an_hour_ago(
    before: int, now: int, found: dict[str, str]
) -> None:
    asked = fires("78m"), fires("100m", **found)
    assert complaints("promtool", aidin("audit-writes"), audited(before, now), *asked, step="1m") == ""


@pytest.mark.parametrize(("then", "now", "broken"), [(2, 6, False), (2, 8, True), (6, 6, False)])
def test_a_small_rise_of_refused_requests_is_normal_and_more_than_half_a_point_breaks_the_criterion(
    then: int, now: int, broken: bool
) -> None:
    [guardrail] = aidin("http-403").guardrails
    counted = {"403": (then, now), "200": (1000 - then, 1000 - now)}
    series = {
        f'http_requests_total{{instance="a",job="aidin-log",status="{status}"}}': (
            f"0+{before}x80 {80 * before}+{after}x40"
        )
        for status, (before, after) in counted.items()
    }
    breach = Asked(f"count({guardrail.success[1].breach})", "100m", {"{}": 1} if broken else {})
    up = {'up{instance="a",job="aidin-log"}': "1x200"}
    assert complaints("promtool", aidin("http-403"), {**series, **up}, breach, step="1m") == ""


def users(then: int, now: int) -> dict[str, str]:
    """Users of an hour a week ago and now; a week is half an hour here."""
    return {
        f"active_users{{{JOB}}}": f"{then}x160 {now}x40",
        f"active_users_week_ago{{{JOB}}}": f"{then}x200",
    }


def hurried() -> Rollout:
    """The hourly guardrail, 336 times faster."""
    declared = next(one for one in load(SOURCE).rollouts if one.name == "aidin-hardening")
    hourly = [one for one in declared.guardrails if one.name == "active-users"]
    here = Environment("test", faster=336)
    return lower([replace(declared, guardrails=hourly, sql=(), logs=(), dashboards=())], here).rollouts[0]


@pytest.mark.parametrize(
    ("then", "now", "found"),
    [
        (12, 5, fires("45m")),  # a night: too few were there a week ago to say anything
        (100, 92, fires("45m")),
        (100, 70, fires("45m", warning="investigate", critical="rollback")),
        (100, 40, fires("45m", warning="investigate", critical="rollback", emergency="emergency_rollback")),
    ],
)
def test_users_are_compared_with_the_same_hour_of_last_week(
    promtool: str, then: int, now: int, found: Asked
) -> None:
    assert complaints(promtool, hurried(), users(then, now), found) == ""


def test_users_are_compared_with_last_week_and_only_where_enough_were_there() -> None:
    [hourly, daily] = aidin("active-users", "daily-users").guardrails
    assert ["7d" in alert.expr or "1w" in alert.expr for alert in (*hourly.alerts, *daily.alerts)] == [
        True
    ] * 4
    assert 'active_users_week_ago{job=~"aidin(-.+)?"}) > 20' in hourly.signals[0].recordings[-1].expr
    assert [criterion.text for criterion in (*hourly.success, *daily.success)] == [
        "not below 90 % of the figure of 7d ago"
    ]
