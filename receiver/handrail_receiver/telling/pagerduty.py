"""PagerDuty → one alert per incident, by Events API v2: trigger, acknowledge, resolve under one dedup key.

202 means "taken", nothing more. 429 and 5xx are tried again by the queue; the dedup key makes that harmless. What was
acknowledged wakes nobody when it is triggered again: an incident that turns bad after that gets an alert of its own.
"""

from __future__ import annotations

import hashlib
from typing import Any

from handrail.contract import PagerDuty

from handrail_receiver.outside import Outside
from handrail_receiver.telling.fit import middle_out
from handrail_receiver.telling.incident import Incident
from handrail_receiver.telling.port import Plain, Writing

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

    async def send(self, to: PagerDuty, incident: Incident, text: str, receipt: str) -> str:
        """Send the event of the incident's status; the receipt is that status and the dedup keys of its alerts."""
        said, *keys = receipt.split() or [""]
        if not keys or (said == "acknowledged" and incident.status == "open"):
            number = len(keys) + 1
            keys.append(dedup_key(incident.key if number == 1 else f"{incident.key}-{number}"))
        action = ACTIONS[incident.status]
        for key in keys if action == "resolve" else keys[-1:]:
            await self._enqueue(to, action, key, _alert(incident, text))
        return " ".join([incident.status, *keys])

    async def _enqueue(self, to: PagerDuty, action: str, key: str, alert: dict[str, Any]) -> None:
        routing_key = self._outside.secrets.value(to.routing_key)
        event = {"routing_key": routing_key, "event_action": action, "dedup_key": key, **alert}
        url = f"{to.url.rstrip('/')}/v2/enqueue"
        (await self._outside.ask("PagerDuty", "POST", url, timeout=LIMIT, body=event)).is_api()


def dedup_key(key: str) -> str:
    """`key`, or when PagerDuty would refuse its length, its beginning and a hash of all of it."""
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: LONGEST_KEY - len(digest) - 1]}-{digest}"


def _alert(incident: Incident, text: str) -> dict[str, Any]:
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
