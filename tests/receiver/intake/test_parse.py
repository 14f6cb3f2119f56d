"""What is Alertmanager's and what is not: old shapes, new fields, Grafana, and anything at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from guarded import NOW, alert, body
from guarded.alerts import labels
from handrail_receiver.intake.bodies import TooLarge
from handrail_receiver.intake.parse import MAX_ALERTS, AlertBody, NotAlertmanagers, compose, parse
from handrail_receiver.model import Notification, Signal
from hypothesis import given
from hypothesis import strategies as st


def test_a_delivery_of_alertmanager_0_25() -> None:
    assert parse(body(alert(starts_at=NOW))) == Notification(
        (Signal(True, labels(), {"summary": "error-rate is bad"}, NOW, "0123456789abcdef"),), 0, "4"
    )


def test_fields_of_versions_to_come_are_allowed() -> None:
    later = json.loads(body(alert(starts_at=NOW)))
    later["notification_reason"] = {"any": ["thing"]}
    later["alerts"][0]["new"] = 1
    assert parse(json.dumps(later).encode()) == parse(body(alert(starts_at=NOW)))


def test_a_delivery_of_a_very_old_version() -> None:
    old: dict[str, Any] = json.loads(body(alert(starts_at=NOW), groupKey=1234567890))
    del old["truncatedAlerts"], old["alerts"][0]["fingerprint"]
    (read,) = parse(json.dumps(old).encode()).signals
    assert (read.fingerprint, read.labels) == ("", labels())


def test_a_delivery_of_grafana() -> None:
    grafana = body(alert(starts_at=NOW), version="1", orgId=1, title="x", state="alerting", message="y")
    assert (parse(grafana).dialect, len(parse(grafana).signals)) == ("1", 1)


def test_each_alert_s_own_status_counts_not_the_root_s() -> None:
    mixed = body(alert(), alert("leaks", status="resolved"), status="resolved")
    assert [one.firing for one in parse(mixed).signals] == [True, False]


def test_alerts_that_were_cut_off_are_counted() -> None:
    assert parse(body(truncatedAlerts=2)).truncated == 2


def test_a_quoted_receiver_and_a_strange_group_key_are_nothing_to_us() -> None:
    plain = alert(starts_at=NOW)
    assert parse(body(plain, receiver="hand\\.rail", groupKey="{}:{}")) == parse(body(plain))


@pytest.mark.parametrize(
    "written",
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00", "", None],
)
def test_a_time_that_is_none_means_not_set(written: str | None) -> None:
    odd = {**alert(), "startsAt": written, "endsAt": written}
    assert parse(body(odd)).signals == (
        Signal(True, labels(), {"summary": "error-rate is bad"}, None, "0123456789abcdef"),
    )


def test_an_end_that_is_said_is_read() -> None:
    [read] = parse(body(alert(status="resolved", starts_at=NOW))).signals
    assert (read.firing, read.starts_at, read.ends_at) == (False, NOW, NOW)


def test_what_relays_make_of_empty_maps_is_read_as_empty() -> None:
    odd = {**alert(starts_at=NOW), "annotations": None, "fingerprint": None}
    read = parse(body(odd, commonAnnotations=None, groupLabels=None, truncatedAlerts=None, receiver=None))
    assert read == Notification((Signal(True, labels(), {}, NOW, ""),), 0, "4")


def test_a_number_that_no_alertmanager_counts_to_is_refused() -> None:
    for digits in (11, 4000, 500_000):
        with pytest.raises(NotAlertmanagers, match=r"truncatedAlerts|body"):
            parse(b'{"version": "4", "alerts": [], "truncatedAlerts": ' + b"9" * digits + b"}")


def test_a_refusal_quotes_names_on_one_line_and_briefly() -> None:
    odd = {"status": "firing", "labels": {"x\n2026-11-27 INFO handrail: proved\x1b[2K" + "y" * 500: 5}}
    with pytest.raises(NotAlertmanagers) as refused:
        parse(json.dumps({"version": "4", "alerts": [odd]}).encode())
    place, _, rest = str(refused.value).partition(": Input")
    assert place.startswith(r"alerts.0.labels.x\n2026-11-27 INFO handrail: proved\x1b[2Ky")
    assert (len(place) < 120, rest) == (
        True,
        " should be a valid string; send Alertmanager's webhook_configs here, and nothing else",
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "body: Invalid JSON: EOF while parsing"),
        (b"[]", "body: Input should be an object"),
        (b"{}", "version: Field required"),
        (b'{"version": "5", "alerts": []}', "version: Input should be '4'"),
        (b'{"version": "4"}', "alerts: Field required"),
        (b'{"version": "4", "alerts": [{"status": "firing"}]}', "alerts.0.labels: Field required"),
        (
            b'{"version": "4", "alerts": [{"status": "on", "labels": {}}]}',
            "alerts.0.status: Input should be 'firing'",
        ),
        (
            b'{"version": "4", "alerts": [{"status": "firing", "labels": {"a": 1}}]}',
            "alerts.0.labels.a: Input should be",
        ),
        (b"[" * 100_000, "body: Invalid JSON: recursion limit exceeded"),
        (b"\xff\xfe", "body: Invalid JSON"),
    ],
)
def test_what_is_not_alertmanager_s_is_refused_with_the_place_and_the_cure(
    content: bytes, problem: str
) -> None:
    with pytest.raises(NotAlertmanagers) as refused:
        parse(content)
    assert str(refused.value).startswith(problem)
    assert str(refused.value).endswith("; send Alertmanager's webhook_configs here, and nothing else")


def test_more_alerts_than_any_group_of_ours_are_too_many() -> None:
    assert len(parse(body(*[alert()] * MAX_ALERTS)).signals) == MAX_ALERTS
    with pytest.raises(TooLarge, match="group by rollout and service"):
        parse(body(*[alert()] * (MAX_ALERTS + 1)))


def test_what_we_found_by_asking_reads_like_a_delivery() -> None:
    found = AlertBody(status="firing", labels=labels(), startsAt=NOW)
    assert parse(compose([found])).signals == (Signal(True, labels(), {}, NOW, ""),)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises((NotAlertmanagers, TooLarge)):
        parse(content)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {"version": st.sampled_from(["4", "1", "9", 4]), "alerts": ANYTHING},
    optional={
        "status": ANYTHING,
        "truncatedAlerts": ANYTHING,
        "groupKey": ANYTHING,
        "receiver": ANYTHING,
    },
)
ALERT = st.fixed_dictionaries(
    {"status": st.sampled_from(["firing", "resolved", "x"]), "labels": st.dictionaries(st.text(), st.text())},
    optional={
        "startsAt": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | ANYTHING,
        "annotations": ANYTHING,
    },
)


@given(NEARLY | st.fixed_dictionaries({"version": st.just("4"), "alerts": st.lists(ALERT, max_size=4)}))
def test_anything_that_looks_like_it_is_read_or_refused(content: dict[str, object]) -> None:
    try:
        read = parse(json.dumps(content).encode())
    except NotAlertmanagers:
        return
    assert read.truncated >= 0
    assert all(one.starts_at is None or one.starts_at.tzinfo is UTC for one in read.signals)
