"""CDEvents → each event of an attempt's life, posted once as a CloudEvent: what was posted before is in the receipt."""

from __future__ import annotations

import json

from handrail.contract import CDEvents

from handrail_receiver.outside import Outside
from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import ToldIncident
from handrail_receiver.telling.life_events import cdevent

LIMIT = 15.0


class CloudEventSink:
    """Anything that takes CloudEvents over HTTP, structured mode. Only 2xx counts as taken."""

    opens_first = False
    longest = 1000

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def writing(self) -> Writing:
        """No markup."""
        return Plain()

    async def send(self, to: CDEvents, incident: ToldIncident, text: str, receipt: str) -> str:  # noqa: ARG002  the events say it
        """Post what is not in the receipt yet, in order; the receipt is the names of what was posted."""
        known, life = receipt.split(), incident.life
        if life is None:
            return receipt
        for event in life.events:
            if event.name not in known:
                told = json.dumps(cdevent(life, event, to.source), ensure_ascii=False)
                body = self._outside.secrets.redact(told).encode(errors="replace")
                headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
                headers |= self._outside.bearer(to.token)
                who = to.url.split("/")[2]
                await self._outside.ask(who, "POST", to.url, timeout=LIMIT, headers=headers, content=body)
                known.append(event.name)
        return " ".join(known)
