"""The kind of a channel → what sends to it. Its class is in `handrail.contract.channels`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handrail.contract import Tell

from handrail_receiver.outside import Outside
from handrail_receiver.ports import Clock
from handrail_receiver.telling.cdevents import CloudEventSink
from handrail_receiver.telling.channel import Channel
from handrail_receiver.telling.incident import ToldIncident
from handrail_receiver.telling.mail import Mails
from handrail_receiver.telling.pagerduty import PagerDutyEvents
from handrail_receiver.telling.render import render
from handrail_receiver.telling.signed_webhook import SignedWebhooks
from handrail_receiver.telling.slack import SlackMessages
from handrail_receiver.telling.statuspage import StatusPages

__all__ = ["CHANNELS", "Teller"]

CHANNELS: tuple[tuple[str, Callable[[Outside, Clock], Channel]], ...] = (
    ("slack", lambda outside, _: SlackMessages(outside)),
    ("pagerduty", lambda outside, _: PagerDutyEvents(outside)),
    ("webhook", SignedWebhooks),
    ("status-page", lambda outside, _: StatusPages(outside)),
    ("cdevents", lambda outside, _: CloudEventSink(outside)),
    ("mail", lambda outside, _: Mails(outside)),
)


class Teller:
    """All channels: what the receiver's telling queue calls, once for each `Tell` and each change."""

    def __init__(self, outside: Outside, clock: Clock) -> None:
        self._outside = outside
        self._channels: Mapping[str, Channel] = {kind: make(outside, clock) for kind, make in CHANNELS}

    def opens_first(self, tell: Tell) -> bool:
        """Whether this channel must hear that an incident was opened before it hears that it is over."""
        return self._channels[tell.channel.kind].opens_first

    async def tell(self, tell: Tell, incident: ToldIncident, receipt: str = "") -> str:
        """Tell one channel the state of `incident`, with every secret taken out of it first.

        `receipt` is what the last call for this incident and this `tell` returned; keep what this one returns.
        Raises Retryable or Permanent.
        """
        clean = incident.cleaned(self._outside.secrets.redact)
        channel = self._channels[tell.channel.kind]
        text = render(tell.template, clean, channel.writing(), channel.longest)
        return await channel.send(tell.channel, clean, text, receipt)
