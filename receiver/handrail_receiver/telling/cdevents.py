"""CDEvents → each event of an attempt's life, posted once as a CloudEvent: what was posted before is in the receipt."""

from __future__ import annotations

import json

from handrail.contract import CDEvents

from handrail_receiver.errors import Cause, PartRefused, TargetError
from handrail_receiver.outside import Outside, RefusedByService
from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import ToldIncident
from handrail_receiver.telling.life_events import Life, LifeEvent, cdevent

LIMIT = 15.0
REFUSED = "refused:"
"""Before the name of an event that the sink refused as it is."""


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
        """Post what is not in the receipt yet, in order; the receipt is the names of what was posted, or refused as it is.

        An event that the sink will never take holds up no other, and is not posted again.
        """
        known, life, refused = receipt.split(), incident.life, list[RefusedByService]()
        if life is None:
            return receipt
        for event in life.events:
            if event.name in known or f"{REFUSED}{event.name}" in known:
                continue
            try:
                await self._post(to, life, event)
            except TargetError as error:
                if not (isinstance(error, RefusedByService) and _for_good(error)):
                    error.receipt = " ".join(known)
                    raise
                refused.append(error)
                known.append(f"{REFUSED}{event.name}")
            else:
                known.append(event.name)
        if refused:
            raise PartRefused(refused[0].cause, "; ".join(map(str, refused)), " ".join(known))
        return " ".join(known)

    async def _post(self, to: CDEvents, life: Life, event: LifeEvent) -> None:
        told = json.dumps(cdevent(life, event, to.source), ensure_ascii=False)
        body = self._outside.secrets.redact(told).encode(errors="replace")
        headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
        headers |= self._outside.bearer(to.token)
        who = to.url.split("/")[2]
        try:
            await self._outside.ask(who, "POST", to.url, timeout=LIMIT, headers=headers, content=body)
        except RefusedByService as error:
            said = f"{event.type} of {event.subject}: {error}"
            raise RefusedByService(error.cause, said, error.status, error.body) from None


def _for_good(error: RefusedByService) -> bool:
    """Whether it is the event that is refused. A token, an address or a right can be fixed: the event waits for that."""
    return error.cause is Cause.invalid and 400 <= error.status < 500
