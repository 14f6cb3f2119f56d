"""Webhook → an HTTP request with the incident as JSON, signed as Standard Webhooks asks.

The id is the same for each try at telling one state, so that the other side can drop what it has. Each key in the
secret signs, so that the other side may change from one to the next at its own time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict
from datetime import datetime

from handrail.contract import Webhook

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Clock
from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import ToldIncident
from handrail_receiver.telling.shorten import shortened

LIMIT = 15.0
PREFIX = "whsec_"
LONGEST_LINE = 2000
TYPES = {"checked": "rollout.check", "report": "rollout.report"}


class SignedWebhooks:
    """Anybody's endpoint. Only 2xx counts as told; a redirect is an error."""

    opens_first = True
    longest = 20_000

    def __init__(self, outside: Outside, clock: Clock) -> None:
        self._outside = outside
        self._clock = clock

    def writing(self) -> Writing:
        """No markup."""
        return Plain()

    async def send(self, to: Webhook, incident: ToldIncident, text: str, receipt: str) -> str:  # noqa: ARG002  the id is known
        """Send the state; the receipt is its id."""
        name, now = message_id(incident), self._clock.now()
        body = _body(incident, text)
        headers = {"content-type": "application/json", "webhook-id": name}
        headers |= {"webhook-timestamp": str(int(now.timestamp())), "user-agent": "Handrail"}
        if to.secret is not None:
            headers["webhook-signature"] = self._signatures(to, name, now, body)
        who = to.url.split("/")[2]
        await self._outside.ask(who, "POST", to.url, timeout=LIMIT, headers=headers, content=body)
        return name

    def _signatures(self, to: Webhook, name: str, now: datetime, body: bytes) -> str:
        if to.secret is None:
            return ""
        try:
            keys = [_key(written) for written in self._outside.secrets.value(to.secret).split()]
        except binascii.Error:
            raise Permanent(
                Cause.invalid,
                f"the secret {to.secret.name} is not a key; write whsec_ and base64, one key a line",
            ) from None
        signed = f"{name}.{int(now.timestamp())}.".encode() + body
        return " ".join(f"v1,{_signature(key, signed)}" for key in keys)


def message_id(incident: ToldIncident) -> str:
    """The same for the same state of the same incident whenever it is sent, different for any other."""
    state = json.dumps([incident.key, incident.version, incident.status])
    return f"msg_{hashlib.sha256(state.encode()).hexdigest()[:32]}"


def _body(incident: ToldIncident, text: str) -> bytes:
    data = asdict(shortened(incident, LONGEST_LINE, LONGEST_LINE, len(incident.lines))) | {"text": text}
    del data["life"]
    if not incident.html:
        del data["html"]
    message = {
        "type": TYPES.get(incident.status, f"rollout.incident.{incident.status}"),
        "timestamp": incident.updated.isoformat(),
        "data": data,
    }
    return json.dumps(message, default=datetime.isoformat, ensure_ascii=False).encode(errors="replace")


def _key(written: str) -> bytes:
    return base64.b64decode(written.removeprefix(PREFIX), validate=True)


def _signature(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
