"""PagerDuty → one alert per incident, by Events API v2: trigger, acknowledge, resolve under one dedup key.

202 means "taken", nothing more. 429 and 5xx are tried again by the queue; the dedup key makes that harmless. An alert
that is triggered again wakes nobody, and its severity stays what it was: an incident that becomes more severe, or turns bad
after it was acknowledged, gets another alert.
"""

from __future__ import annotations

import hashlib
from typing import Any

from handrail.contract import PagerDuty

from handrail_receiver.outside import Outside
from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import SEVERITIES, LastReceipt, ToldIncident
from handrail_receiver.telling.shorten import middle_out

LIMIT = 10.0
LONGEST_KEY = 255
LONGEST_SUMMARY = 1024
ACTIONS = {"open": "trigger", "acknowledged": "acknowledge", "resolved": "resolve"}


class PagerDutyEvents:
    """A PagerDuty service."""

    opens_first = True
    longest = 8000

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def writing(self) -> Writing:
        """No markup."""
        return Plain()

    async def send(self, to: PagerDuty, incident: ToldIncident, text: str, receipt: str) -> str:
        """Send the event of the incident's status; the receipt is what is known then, and its alerts' dedup keys."""
        known, keys = _read(receipt)
        if not keys or (known.is_news(incident) and known.status != "resolved"):
            number = len(keys) + 1
            keys.append(dedup_key(incident.key if number == 1 else f"{incident.key}-{number}"))
        action = ACTIONS[incident.status]
        for key in keys if action == "resolve" else keys[-1:]:
            await self._enqueue(to, action, key, _alert(incident, text))
        return " ".join([incident.status, incident.severity, *keys])

    async def _enqueue(self, to: PagerDuty, action: str, key: str, alert: dict[str, Any]) -> None:
        routing_key = self._outside.secrets.value(to.routing_key)
        event = {"routing_key": routing_key, "event_action": action, "dedup_key": key, **alert}
        url = f"{to.url}/v2/enqueue"
        (await self._outside.ask("PagerDuty", "POST", url, timeout=LIMIT, body=event)).is_api()


def _read(receipt: str) -> tuple[LastReceipt, list[str]]:
    """What was told last and the keys; receipts of older versions have no severity."""
    said, *words = receipt.split() or [""]
    severity = words.pop(0) if words and words[0] in SEVERITIES else ""
    return LastReceipt(said, severity), words


def dedup_key(key: str) -> str:
    """`key`, or when PagerDuty would refuse its length, its beginning and a hash of all of it."""
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: LONGEST_KEY - len(digest) - 1]}-{digest}"


def _alert(incident: ToldIncident, text: str) -> dict[str, Any]:
    """What is shown; PagerDuty wants it with a trigger and passes over it otherwise."""
    return {
        "client": "Handrail",
        "links": [{"href": link.url, "text": link.text} for link in incident.links],
        "payload": {
            "summary": middle_out(incident.title, LONGEST_SUMMARY),
            "source": incident.service,
            "severity": incident.severity,
            "timestamp": incident.opened.isoformat(),
            "component": incident.service,
            "group": incident.rollout,
            "class": "rollout",
            "custom_details": {"text": text},
        },
    }
