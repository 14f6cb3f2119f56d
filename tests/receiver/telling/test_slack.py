"""Slack → one message for an incident, however often it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from apis import Slack, Trouble
from handrail.contract import Secret, Tell
from handrail.contract import Slack as Channel
from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import Outside
from handrail_receiver.secrets import Secrets
from handrail_receiver.telling import Teller
from handrail_receiver.telling.slack import SlackMessages
from starlette.responses import JSONResponse, Response

from .conftest import OPEN

pytestmark = pytest.mark.anyio
RESOLVED = replace(OPEN, status="resolved", resolved=OPEN.updated)


@pytest.fixture
def api() -> Iterator[Slack]:
    with Slack() as api:
        yield api


@pytest.fixture
def slack(api: Slack) -> Channel:
    return Channel("#incidents", Secret("token"), url=f"{api.url}/api")


@pytest.fixture
def bot(slack: Channel) -> Tell:
    return Tell(slack, "{{ incident.title }}: {{ incident.status }}")


@pytest.fixture
def through_webhook(api: Slack, outside: Outside, monkeypatch: pytest.MonkeyPatch) -> Tell:
    address = f"{api.url}/services/T0/B0/planted-secret-path"
    monkeypatch.setattr(outside, "secrets", Secrets(None, {"HANDRAIL_SECRET_HOOK": address}))
    return Tell(Channel("#incidents", webhook=Secret("hook")), "{{ incident.status }}")


async def test_an_incident_is_one_message_that_changes(api: Slack, bot: Tell, teller: Teller) -> None:
    receipt = await teller.tell(bot, OPEN)
    await teller.tell(bot, RESOLVED, receipt)
    title = "checkout: rolled back because error-rate &gt; 1 %"
    assert api.messages == {"1700000000.000001": f"{title}: resolved"}


async def test_what_becomes_graver_or_is_open_again_is_a_message_of_its_own(
    api: Slack, bot: Tell, teller: Teller
) -> None:
    """Nobody notices an update; the answer is shown in the channel."""
    milder = replace(OPEN, severity="warning", title="a look")
    receipt = ""
    for incident in (
        milder,
        replace(OPEN, title="failed"),
        replace(RESOLVED, title="over"),
        replace(OPEN, title="again"),
    ):
        receipt = await teller.tell(bot, incident, receipt)
    assert list(api.messages.values()) == ["a look: open", "over: resolved", "again: open"]
    posted = [request.json for request in api.requests if request.path.endswith("postMessage")]
    assert [(body.get("thread_ts"), body.get("reply_broadcast")) for body in posted] == [
        (None, None),
        ("1700000000.000001", True),
        ("1700000000.000002", True),
    ]


@pytest.mark.parametrize("receipt", ["C123 1700000000.000001", "C123 1700000000.000001 resolved critical x"])
async def test_a_receipt_of_an_older_version_is_understood(
    api: Slack, bot: Tell, teller: Teller, receipt: str
) -> None:
    await teller.tell(bot, OPEN)
    await teller.tell(bot, RESOLVED, receipt)
    assert [text.rpartition(": ")[2] for text in api.messages.values()] == ["resolved"]


async def test_a_message_that_somebody_deleted_is_posted_anew(api: Slack, bot: Tell, teller: Teller) -> None:
    receipt = await teller.tell(bot, OPEN)
    api.messages = {"elsewhere": "x"}
    assert (await teller.tell(bot, RESOLVED, receipt)).startswith("C123 1700000000.000002 resolved critical ")


async def test_a_webhook_is_told_each_status_severity_and_title_once(
    api: Slack, through_webhook: Tell, teller: Teller
) -> None:
    receipt, more = "", replace(OPEN, lines=OPEN.lines[:1])
    milder = replace(OPEN, severity="warning")
    for incident in (milder, OPEN, more, replace(OPEN, title="it failed"), RESOLVED, RESOLVED):
        receipt = await teller.tell(through_webhook, incident, receipt)
    assert list(api.messages.values()) == ["open", "open", "open", "resolved"]


async def test_a_webhook_s_address_is_a_secret(api: Slack, through_webhook: Tell, teller: Teller) -> None:
    api.queue = [Response(f"{api.url}/services/T0/B0/planted-secret-path is gone", 404)]
    with pytest.raises(Permanent) as raised:
        await teller.tell(through_webhook, OPEN)
    assert str(raised.value) == f"Slack at {api.url} answered 404 Not Found: [secret hook] is gone"


async def test_what_slack_took_without_saying_where_is_not_posted_again_and_again(
    api: Slack, bot: Tell, teller: Teller
) -> None:
    api.queue = [JSONResponse({"ok": True})]
    receipt = await teller.tell(bot, OPEN)
    await teller.tell(bot, RESOLVED, receipt)
    assert [request.path for request in api.requests] == ["/api/chat.postMessage"] * 2


@pytest.mark.parametrize(
    ("error", "kind", "cause"),
    [
        ("ratelimited", Retryable, Cause.busy),
        ("internal_error", Retryable, Cause.busy),
        ("channel_not_found", Permanent, Cause.missing),
        ("is_archived", Permanent, Cause.missing),
        ("invalid_auth", Permanent, Cause.refused),
        ("not_in_channel", Permanent, Cause.refused),
    ],
)
async def test_an_answer_that_is_not_ok_has_a_cause(
    api: Slack, bot: Tell, teller: Teller, error: str, kind: type[TargetError], cause: Cause
) -> None:
    api.queue = [JSONResponse({"ok": False, "error": error})]
    with pytest.raises(kind) as raised:
        await teller.tell(bot, OPEN)
    assert (raised.value.cause, error in str(raised.value)) == (cause, True)


async def test_one_channel_gets_no_more_than_its_pace(api: Slack, slack: Channel, outside: Outside) -> None:
    messages = SlackMessages(outside, pace=0.2)
    began = time.monotonic()
    await asyncio.gather(*(messages.send(slack, OPEN, f"text {number}", "") for number in range(4)))
    took = time.monotonic() - began
    assert (took >= 0.6, list(api.messages.values())) == (True, [f"text {number}" for number in range(4)])


async def test_another_channel_does_not_wait(api: Slack, slack: Channel, outside: Outside) -> None:
    messages = SlackMessages(outside, pace=30)
    began = time.monotonic()
    await messages.send(slack, OPEN, "one", "")
    with pytest.raises(Permanent, match="channel_not_found"):
        await messages.send(replace(slack, channel="#other"), OPEN, "two", "")
    assert time.monotonic() - began < 10


async def test_when_slack_asks_to_wait_nothing_is_sent_before(
    api: Slack, slack: Channel, outside: Outside
) -> None:
    messages = SlackMessages(outside, pace=0)
    api.queue = [Response(status_code=429, headers={"retry-after": "1"})]
    began = time.monotonic()
    with pytest.raises(Retryable):
        await messages.send(slack, OPEN, "one", "")
    await messages.send(slack, OPEN, "one", "")
    assert (time.monotonic() - began >= 0.95, list(api.messages.values())) == (True, ["one"])


async def test_a_proxy_s_page_is_not_taken_for_a_webhook_s_answer(
    api: Slack, through_webhook: Tell, teller: Teller
) -> None:
    api.trouble = Trouble.babbling
    with pytest.raises(Permanent) as raised:
        await teller.tell(through_webhook, OPEN)
    said = f"Slack at {api.url} answered 200 with a web page; check the url, and any proxy between"
    assert str(raised.value) == said


async def test_nor_for_that_of_slack_s_api(api: Slack, bot: Tell, teller: Teller) -> None:
    api.trouble = Trouble.babbling
    with pytest.raises(Permanent, match=r"^Slack at [^ ]* answered 200, but the body is not as expected "):
        await teller.tell(bot, OPEN)


async def test_whom_slack_lets_wait_long_does_not_keep_others_waiting(
    api: Slack, slack: Channel, outside: Outside
) -> None:
    messages = SlackMessages(outside)
    api.queue = [Response(status_code=429, headers={"retry-after": "90"})]
    waits = []
    for _ in range(2):
        with pytest.raises(Retryable) as raised:
            await messages.send(slack, OPEN, "one", "")
        waits.append(round(raised.value.after or 0))
    assert (waits, len(api.requests)) == ([90, 90], 1)


async def test_no_secret_leaves_in_a_message_or_an_error(api: Slack, bot: Tell, teller: Teller) -> None:
    await teller.tell(bot, replace(OPEN, title=f"failed with {api.token}"))
    api.trouble = Trouble.refused
    with pytest.raises(Permanent) as raised:
        await teller.tell(bot, OPEN)
    assert (list(api.messages.values()), api.token in str(raised.value)) == (
        ["failed with [secret token]: open"],
        False,
    )
