"""PagerDuty → one alert for an incident, by its dedup key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from apis import Inbox, Trouble
from handrail.contract import PagerDuty, Secret, Tell
from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.telling import Teller
from handrail_receiver.telling.pagerduty import dedup_key
from starlette.responses import JSONResponse

from .conftest import OPEN

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> Iterator[Inbox]:
    with Inbox() as api:
        yield api


@pytest.fixture
def tell(api: Inbox) -> Tell:
    return Tell(PagerDuty(Secret("routing_key"), api.url), "{{ incident.status }}")


async def test_a_trigger_says_all_that_the_person_on_call_needs(
    api: Inbox, tell: Tell, teller: Teller
) -> None:
    await teller.tell(tell, OPEN)
    assert [(request.path, request.json) for request in api.requests] == [
        (
            "/v2/enqueue",
            {
                "routing_key": "planted-routing-key",
                "event_action": "trigger",
                "dedup_key": "checkout/7/rollback",
                "client": "Handrail",
                "links": [{"href": "https://runbooks.example/checkout?a=1&b=2", "text": "Runbook"}],
                "payload": {
                    "summary": "checkout: rolled back because error-rate > 1 %",
                    "source": "shop",
                    "severity": "critical",
                    "timestamp": "2026-11-21T12:00:00+00:00",
                    "component": "shop",
                    "group": "checkout",
                    "class": "rollout",
                    "custom_details": {"text": "open"},
                },
            },
        )
    ]


async def test_an_incident_is_triggered_acknowledged_and_resolved_under_one_key(
    api: Inbox, tell: Tell, teller: Teller
) -> None:
    receipt = ""
    for status in ("open", "acknowledged", "resolved"):
        receipt = await teller.tell(tell, replace(OPEN, status=status), receipt)
    sent = [(request.json["event_action"], request.json["dedup_key"]) for request in api.requests]
    assert sent == [(action, "checkout/7/rollback") for action in ("trigger", "acknowledge", "resolve")]


async def test_what_turns_bad_after_it_was_acknowledged_wakes_somebody_again(
    api: Inbox, tell: Tell, teller: Teller
) -> None:
    """A trigger under the key of an acknowledged alert is only added to its log."""
    receipt = ""
    for status in ("open", "acknowledged", "open", "open", "resolved"):
        receipt = await teller.tell(tell, replace(OPEN, status=status), receipt)
    sent = [(request.json["event_action"], request.json["dedup_key"]) for request in api.requests]
    assert sent == [
        ("trigger", "checkout/7/rollback"),
        ("acknowledge", "checkout/7/rollback"),
        ("trigger", "checkout/7/rollback-2"),
        ("trigger", "checkout/7/rollback-2"),
        ("resolve", "checkout/7/rollback"),
        ("resolve", "checkout/7/rollback-2"),
    ]


async def test_what_becomes_graver_wakes_somebody_again(api: Inbox, tell: Tell, teller: Teller) -> None:
    """A warning that somebody has seen does not hide that the rollback failed."""
    milder, receipt = replace(OPEN, severity="warning"), ""
    for incident in (milder, milder, OPEN, replace(OPEN, status="resolved"), OPEN):
        receipt = await teller.tell(tell, incident, receipt)
    sent = [
        (request.json["event_action"], request.json["dedup_key"], request.json["payload"]["severity"])
        for request in api.requests
    ]
    assert sent == [
        ("trigger", "checkout/7/rollback", "warning"),
        ("trigger", "checkout/7/rollback", "warning"),
        ("trigger", "checkout/7/rollback-2", "critical"),
        ("resolve", "checkout/7/rollback", "critical"),
        ("resolve", "checkout/7/rollback-2", "critical"),
        ("trigger", "checkout/7/rollback-2", "critical"),
    ]


async def test_a_receipt_of_an_older_version_is_understood(api: Inbox, tell: Tell, teller: Teller) -> None:
    receipt = await teller.tell(tell, replace(OPEN, status="resolved"), "open key-1 key-2")
    assert [request.json["dedup_key"] for request in api.requests] == ["key-1", "key-2"]
    assert receipt == "resolved critical key-1 key-2"


@pytest.mark.parametrize("length", [255, 256, 5000])
def test_a_long_key_stays_unique_and_within_what_pagerduty_takes(length: int) -> None:
    one, other = dedup_key("k" * length), dedup_key("k" * (length - 1) + "x")
    assert (len(one) <= 255, len(other) <= 255, one == other) == (True, True, False)


async def test_a_long_title_keeps_its_ends_within_what_pagerduty_takes(
    api: Inbox, tell: Tell, teller: Teller
) -> None:
    await teller.tell(tell, replace(OPEN, title=f"begin{'x' * 5000}end"))
    summary = api.requests[0].json["payload"]["summary"]
    assert (len(summary), summary[:6], summary[-4:], summary.count("…")) == (1024, "beginx", "xend", 1)


@pytest.mark.parametrize(("status", "cause"), [(429, Cause.busy), (500, Cause.broken), (503, Cause.busy)])
async def test_what_may_pass_is_tried_again(
    api: Inbox, tell: Tell, teller: Teller, status: int, cause: Cause
) -> None:
    api.queue = [JSONResponse({"status": "throttle exceeded"}, status)]
    with pytest.raises(Retryable) as raised:
        await teller.tell(tell, OPEN)
    assert raised.value.cause == cause


async def test_a_refused_event_is_permanent_and_does_not_show_the_routing_key(
    api: Inbox, tell: Tell, teller: Teller
) -> None:
    api.queue = [JSONResponse({"errors": ["'routing_key' planted-routing-key is invalid"]}, 400)]
    with pytest.raises(Permanent) as raised:
        await teller.tell(tell, OPEN)
    assert (raised.value.cause, "planted-routing-key" in str(raised.value)) == (Cause.invalid, False)


async def test_silence_is_not_taken_for_yes(
    api: Inbox, tell: Tell, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handrail_receiver.telling.pagerduty.LIMIT", 0.3)
    api.trouble = Trouble.silent
    with pytest.raises(Retryable) as raised:
        await teller.tell(tell, OPEN)
    assert raised.value.cause == Cause.timeout
