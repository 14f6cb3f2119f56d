"""Slack → one message per incident, updated until it becomes more severe (bot token); or one for each change
(webhook).

Slack takes about one message a second for a channel. Neither way is idempotent: if an answer is lost, the next try
may send a message twice, but never loses it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from handrail.contract import Slack

from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import AnswerBody, Outside
from handrail_receiver.telling.channel import Writing
from handrail_receiver.telling.incident import LastReceipt, ToldIncident, words_of

LIMIT = 10.0
LONGEST = 3900  # what is longer is shown in several pieces, and an update of it is refused
LONGEST_TURN = 5.0
NOWHERE = "-"  # it was taken, and cannot be updated
AGAIN = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
}
GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}
CAUSES = {
    "channel_not_found": Cause.missing,
    "is_archived": Cause.missing,
    "msg_too_long": Cause.invalid,
    "no_text": Cause.invalid,
    "invalid_arguments": Cause.invalid,
}


class SlackMessages:
    """Slack's Web API or an incoming webhook. `pace` is the least time between messages to one channel."""

    opens_first = False
    longest = LONGEST

    def __init__(self, outside: Outside, pace: float = 1.0) -> None:
        self._outside = outside
        self._turns = _Turns(pace)

    def writing(self) -> Writing:
        """Slack's mrkdwn."""
        return Mrkdwn()

    async def send(self, to: Slack, incident: ToldIncident, text: str, receipt: str) -> str:
        """Post or update; the receipt is what is known then, after `channel-id ts` where it can be updated."""
        await self._turns.wait(to.channel)
        try:
            if to.webhook is not None:
                return await self._through_webhook(to, incident, text, receipt)
            return await self._by_bot(to, incident, text, receipt)
        except Retryable as error:
            self._turns.hold(to.channel, error.after)
            raise

    async def _through_webhook(self, to: Slack, incident: ToldIncident, text: str, receipt: str) -> str:
        """A webhook cannot update: it is told when the status, the severity or the title is another."""
        if to.webhook is not None and receipt != words_of(incident):
            url = self._outside.secrets.value(to.webhook)
            answer = await self._outside.ask("Slack", "POST", url, timeout=LIMIT, body={"text": text})
            answer.is_api()
        return words_of(incident)

    async def _by_bot(self, to: Slack, incident: ToldIncident, text: str, receipt: str) -> str:
        """Update the message; what is news answers it and is shown in the channel, for nobody notices an update."""
        channel, ts, status, severity, *_ = [*receipt.split(), *[""] * 4]
        flags: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
        if ts == NOWHERE:
            ts = ""
        if ts and not LastReceipt(status, severity).is_news(incident):
            answer = await self._call(to, "chat.update", {"channel": channel, "ts": ts, "text": text})
            if answer.error not in GONE:
                return f"{_place(answer)} {words_of(incident)}"
        elif ts:
            flags |= {"thread_ts": ts, "reply_broadcast": True}
        answer = await self._call(to, "chat.postMessage", {"channel": to.channel, "text": text, **flags})
        return f"{_place(answer)} {words_of(incident)}"

    async def _call(self, to: Slack, method: str, body: dict[str, Any]) -> _SlackAnswer:
        answer = await self._outside.ask(
            "Slack",
            "POST",
            f"{to.url}/{method}",
            timeout=LIMIT,
            headers=self._outside.bearer(to.token) | {"content-type": "application/json; charset=utf-8"},
            body=body,
        )
        return answer.into(_SlackAnswer)


class _SlackAnswer(AnswerBody):
    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


class Mrkdwn:
    """Slack's writing: `& < >` are all that can call somebody or make a link."""

    def escape(self, text: str) -> str:
        """Those three as entities."""
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def link(self, text: str, url: str) -> str:
        """`<url|text>`."""
        return f"<{self.escape(url.replace('|', '%7C'))}|{self.escape(text)}>"

    def strong(self, text: str) -> str:
        """`*text*`."""
        return f"*{self.escape(text)}*"


class _Turns:
    """At most one message each `pace` seconds for one channel, and none before Slack wants one again."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._next: dict[str, float] = {}

    async def wait(self, channel: str) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next.get(channel, now))
        if turn - now > LONGEST_TURN:
            said = f"Slack wants no message to {channel} for {turn - now:.0f} s"
            raise Retryable(Cause.busy, said, turn - now)
        self._next[channel] = turn + self._pace
        await asyncio.sleep(turn - now)

    def hold(self, channel: str, seconds: float | None) -> None:
        self._next[channel] = asyncio.get_running_loop().time() + (seconds or self._pace)


def _place(answer: _SlackAnswer) -> str:
    if answer.ok:
        return f"{answer.channel or NOWHERE} {answer.ts or NOWHERE}"
    said = f"Slack answered {answer.error or 'that it is not ok'}"
    if answer.error in AGAIN:
        raise Retryable(Cause.busy, said)
    raise Permanent(
        CAUSES.get(answer.error, Cause.refused), f"{said}; `handrail docs telling` says what the token needs"
    )
