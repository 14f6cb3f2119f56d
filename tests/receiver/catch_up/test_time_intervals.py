"""Time intervals of Alertmanager's routes: evaluated as Alertmanager does, and what they mute is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import servers
from apis import Inbox
from guarded.alertmanagers import VERSIONS, alertmanager, asked
from guarded.alerts import labels
from guarded.scraped import watched
from handrail_receiver.catch_up.mutes import configured
from handrail_receiver.catch_up.routes import Routing, routing_in
from handrail_receiver.catch_up.time_intervals import WEEKDAYS, intervals_in
from receiver.catch_up.test_missed import passing, reasons, watching

NIGHT = {
    "times": [{"start_time": "22:00", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "06:30"}]
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        (NIGHT, ["03-01T22:00", "03-01T23:59:59", "03-01T06:29:59"], ["03-01T21:59:59", "03-01T06:30"]),
        ({"weekdays": ["monday:friday", "Sunday"]}, ["03-01T12:00", "03-03T12:00"], ["03-02T12:00"]),
        ({"days_of_month": ["-1", "1:3"]}, ["02-29T12:00", "03-03T00:00"], ["02-28T12:00", "03-04T00:00"]),
        ({"days_of_month": ["30:31"]}, ["03-31T12:00"], ["02-29T12:00", "03-01T12:00"]),
        ({"days_of_month": ["-3:31"]}, ["02-27T12:00", "02-29T12:00"], ["02-26T12:00", "03-01T12:00"]),
        ({"months": ["january:february", "12"]}, ["02-01T00:00", "12-01T00:00"], ["03-01T00:00"]),
        ({"years": ["2020:2024"]}, ["03-01T00:00"], []),
        ({"years": ["2025"]}, [], ["03-01T00:00"]),
        ({"times": [{"start_time": 1020, "end_time": "18:00"}]}, ["03-01T17:00"], ["03-01T16:59"]),
        ({**NIGHT, "weekdays": ["friday"]}, ["03-01T22:30"], ["03-02T22:30", "03-01T12:00"]),
        ({"weekdays": ["saturday"], "location": "Australia/Sydney"}, ["03-01T13:30"], ["03-01T12:30"]),
        ({"times": []}, [], ["03-01T12:00"]),
        ({}, ["03-01T12:00"], []),
    ],
)
def test_an_instant_lies_in_an_interval(
    written: Mapping[str, Any], inside: list[str], outside: list[str]
) -> None:
    named = intervals_in({"time_intervals": [{"name": "one", "time_intervals": [written]}]})
    [interval] = named["one"] or ()
    assert [interval.holds(at(text)) for text in inside] == [True] * len(inside)
    assert [interval.holds(at(text)) for text in outside] == [False] * len(outside)


@pytest.mark.parametrize(
    "written",
    [
        {"location": "Nowhere/Else"},
        {"location": "Local"},
        {"weekdays": ["someday"]},
        {"times": [{"start_time": "25:00", "end_time": "26:00"}]},
        {"phases_of_the_moon": ["full"]},
    ],
)
def test_of_an_interval_that_cannot_be_read_nobody_knows(written: Mapping[str, Any]) -> None:
    named = [{"name": "odd", "time_intervals": [written]}]
    assert intervals_in({"mute_time_intervals": named}) == {"odd": None}
    odd, since = _routing("odd", named), at("03-01T12:00")
    assert odd.was_muted(labels(), ("handrail",), since, since + timedelta(hours=1)) is None


def _routing(name: str, named: list[Any], kind: str = "mute_time_intervals") -> Routing:
    route = {"receiver": "people", "routes": [{"receiver": "handrail", kind: [name]}]}
    return routing_in({"route": route, "time_intervals": named})


def test_what_is_muted_for_as_long_as_it_fires_is_never_sent_and_what_is_not_is_sent_then() -> None:
    muted, active = (
        _routing("night", [{"name": "night", "time_intervals": [NIGHT]}], kind)
        for kind in ("mute_time_intervals", "active_time_intervals")
    )

    def was_muted(routing: Routing, first: str, last: str, receiver: str = "handrail") -> bool | None:
        return routing.was_muted(labels(), (receiver,), at(first), at(last))

    assert was_muted(muted, "03-01T22:00", "03-02T06:29:30") is True
    assert was_muted(muted, "03-01T22:00", "03-02T06:30:01") is False
    assert was_muted(muted, "03-01T21:59:59", "03-01T23:00") is False
    assert was_muted(active, "03-01T06:30", "03-01T21:59:30") is True
    assert was_muted(active, "03-01T06:30", "03-01T22:00:01") is False
    assert was_muted(muted, "03-01T22:00", "03-01T23:00", "people") is False


def cases(now: datetime) -> dict[str, dict[str, Any]]:
    """Intervals around an instant, by their names."""
    there = now.astimezone(ZoneInfo("Pacific/Kiritimati"))
    today, tomorrow = WEEKDAYS[now.isoweekday() % 7], WEEKDAYS[(now.isoweekday() + 1) % 7]
    days = (now.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return {
        "today": {"weekdays": [today]},
        "tomorrow": {"weekdays": [tomorrow]},
        "this-month": {"months": [f"{now.month}:12"]},
        "another-month": {"months": [str(now.month % 12 + 1)]},
        "from-the-end": {"days_of_month": [str(now.day - days.day - 1)]},
        "the-day-before": {"days_of_month": [str(now.day - days.day - 2)]} if now.day > 1 else {"years": ["1999"]},
        "this-year": {"years": [f"2000:{now.year}"]},
        "all-day": {"times": [{"start_time": "00:00", "end_time": "24:00"}]},
        "elsewhere": {"weekdays": [WEEKDAYS[there.isoweekday() % 7]], "location": "Pacific/Kiritimati"},
        "the-day-there": {"days_of_month": [str(there.day)], "location": "Pacific/Kiritimati"},
    }  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_alertmanager_sends_just_what_is_not_muted_here(tmp_path: Path, version: str) -> None:
    now = datetime.now(UTC)
    intervals = cases(now)
    kinds = ("mute_time_intervals", "active_time_intervals")
    names = [(kind, name) for kind in kinds for name in intervals]
    with Inbox() as inbox:
        config = {
            "route": {
                "receiver": "handrail",
                "group_by": ["..."],
                "group_wait": "0s",
                "routes": [
                    {"matchers": [f'interval="{name}"', f'kind="{kind}"'], "receiver": "handrail", kind: [name]}
                    for kind, name in names
                ],
            },
            "receivers": [{"name": "handrail", "webhook_configs": [{"url": inbox.url}]}],
            "time_intervals": [{"name": name, "time_intervals": [one]} for name, one in intervals.items()],
        }  # fmt: skip
        with alertmanager(tmp_path, version, config) as server:
            shown = httpx.get(f"{server.url}/api/v2/status", trust_env=False).content
            routing = routing_in(configured(shown))
            sent = {
                (kind, name)
                for kind, name in names
                if routing.was_muted({"interval": name, "kind": kind}, ("handrail",), now, now) is False
            }
            for kind, name in names:
                server.say(firing=True, interval=name, kind=kind)

            def told() -> set[tuple[str, str]]:
                alerts = [one["labels"] for request in inbox.requests for one in request.json["alerts"]]
                return {(one["kind"], one["interval"]) for one in alerts}

            servers.until(lambda: len(told()) >= len(sent), "what is not muted", within=30)
            servers.until(lambda: server.count("alertmanager_notifications_total") >= len(sent), "all")
            assert told() == sent
            assert 0 < len(sent) < len(names)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_time_interval_mutes_is_left_alone_whether_it_fired_meanwhile_or_fires_now(
    tmp_path: Path, version: str
) -> None:
    alerting = servers.free_address()
    always = {"name": "always", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
    muted = {
        "route": {
            "receiver": "handrail",
            "routes": [
                {
                    "receiver": "handrail",
                    "matchers": ['guardrail="error-rate"'],
                    "mute_time_intervals": ["always"],
                }
            ],
        },
        "receivers": [{"name": "handrail"}],
        "time_intervals": [always],
    }
    with (
        alertmanager(tmp_path, version, muted, alerting),
        watched(tmp_path, {"bad": 0}, [alerting]) as application,
    ):
        with watching(tmp_path, application, alerting):
            pass
        passing(application, "ShopErrorRateCritical", bad=1)
        with watching(tmp_path, application, alerting) as shop:
            servers.until(lambda: len(reasons(shop)) == 1, "what was found")
            [(reason, text)] = reasons(shop)
            assert (reason, text.partition("; ")[2]) == (
                "muted",
                "found by asking Prometheus; in a time interval in which its route sends nothing: left alone",
            )
            application.values["bad"] = 1
            servers.until(lambda: bool(application.firing()), "the alert")
            asked(tmp_path)
            asked(tmp_path)
            assert (shop.runs(), shop.weights()) == ([("start", "done")], (10, 90))
