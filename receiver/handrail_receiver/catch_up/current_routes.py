"""What Alertmanager calls active → the same, muted where a time interval of its routes keeps it from us now.

Alertmanager's own list of alerts does not say that.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import yaml
from pydantic import ValidationError

from handrail_receiver.catch_up.lookback import ANSWER_WITHIN, CurrentAlert
from handrail_receiver.catch_up.mutes import configured
from handrail_receiver.catch_up.routes import Routing, routing_in
from handrail_receiver.errors import TargetError
from handrail_receiver.outside import Outside

log = logging.getLogger("handrail")
MENTIONED = b"time_intervals"


@dataclass
class CurrentRoutes:
    """Knows the routes of each Alertmanager, and reads them again when they change."""

    outside: Outside
    receivers: tuple[str, ...]
    _known: dict[str, tuple[str, Routing | None]] = field(default_factory=dict)

    async def as_sent(
        self, url: str, alerts: Sequence[CurrentAlert], now: datetime
    ) -> tuple[CurrentAlert, ...]:
        """The alerts that the Alertmanager at `url` has; as they are where it does not say when it mutes them."""
        routing = await self._routing(url) if alerts else None
        if routing is None:
            return tuple(alerts)
        return await asyncio.to_thread(self._as_sent, routing, alerts, now)

    def _as_sent(
        self, routing: Routing, alerts: Sequence[CurrentAlert], now: datetime
    ) -> tuple[CurrentAlert, ...]:
        muted = (routing.was_muted(one.labels, self.receivers, now, now) for one in alerts)
        return tuple(one.muted() if out else one for one, out in zip(alerts, muted, strict=True))

    async def _routing(self, url: str) -> Routing | None:
        """Its routes where they have time intervals, else None."""
        address = f"{url.rstrip('/')}/api/v2/status"
        try:
            answer = await self.outside.ask("Alertmanager", "GET", address, timeout=ANSWER_WITHIN)
            seen = hashlib.sha256(answer.body).hexdigest()
            if self._known.get(url, ("", None))[0] != seen:
                read = await asyncio.to_thread(_read, answer.body) if MENTIONED in answer.body else None
                self._known[url] = seen, read
        except (TargetError, ValidationError, yaml.YAMLError) as error:
            log.warning("%s does not say when its routes are muted: %s", url, error)
            return None
        return self._known[url][1]


def _read(body: bytes) -> Routing:
    return routing_in(configured(body))
