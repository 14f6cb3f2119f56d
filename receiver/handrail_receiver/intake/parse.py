"""Body of a delivery → Notification.

Takes what Alertmanager has sent through its versions, what others send in the same shape (Grafana, OpenShift,
Google's managed Alertmanager), and what relays between make of it: null for an empty map, an empty text for no
time. What names a thing is ours, in the labels; what Alertmanager calls things stays in the body and is not read.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from handrail_receiver.errors import ReceiverError
from handrail_receiver.intake.bodies import TooLarge
from handrail_receiver.logs import printable
from handrail_receiver.model import Notification, Signal

MAX_ALERTS = 1000
MOST_TRUNCATED = 2**31
SMALL = 4 * 1024
LONGEST_PLACE = 100
CURE = "send Alertmanager's webhook_configs here, and nothing else"
CURES = {
    "version": "only Alertmanager's webhook and Grafana's unified alerting say one: "
    "Grafana's legacy alerts, Azure, SNS and others must go through an Alertmanager",
}
Instant = AwareDatetime | Literal[""] | None


class NotAlertmanagers(ReceiverError):
    """The body is nothing that Alertmanager sends; no retry can fix that."""


class AlertBody(BaseModel):
    """One alert. Very old versions send no fingerprint."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    status: Literal["firing", "resolved"]
    labels: dict[str, str] | None
    annotations: dict[str, str] | None = None
    startsAt: Instant = None  # noqa: N815  Alertmanager's spelling
    endsAt: Instant = None  # noqa: N815
    fingerprint: str | None = None


class WebhookBody(BaseModel):
    """Alertmanager's webhook body; `version` is "4" there and "1" from Grafana. Unknown fields are allowed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal["4", "3", "2", "1"]
    alerts: Annotated[list[AlertBody], Field(max_length=MAX_ALERTS)]
    truncatedAlerts: Annotated[int, Field(ge=0, le=MOST_TRUNCATED)] | None = None  # noqa: N815


def parse(body: bytes) -> Notification:
    """What a body says; the same small body is read once, since Alertmanager repeats itself byte by byte.

    Raises NotAlertmanagers, or TooLarge when it has more alerts than any group of ours.
    """
    return _parse_again(body) if len(body) <= SMALL else _parse(body)


def _parse(body: bytes) -> Notification:
    try:
        read = WebhookBody.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "too_long":
            raise TooLarge(
                f"more than {MAX_ALERTS} alerts in one body; group by rollout and service"
            ) from None
        raise NotAlertmanagers(_said(first)) from None
    return Notification(tuple(map(_signal, read.alerts)), read.truncatedAlerts or 0, read.version)


_parse_again = functools.lru_cache(maxsize=1024)(_parse)


def _said(first: ErrorDetails) -> str:
    """What is wrong, where, and what to do; names in the body are not ours, and may be long."""
    place = printable(".".join(map(str, first["loc"]))[:LONGEST_PLACE]) or "body"
    cure = f"{CURES[place]}; {CURE}" if place in CURES else CURE
    return f"{place}: {first['msg']}; {cure}"


def compose(alerts: list[AlertBody]) -> bytes:
    """A body for alerts that we found by asking, so that both ways in are one from here on."""
    return WebhookBody(version="4", alerts=alerts).model_dump_json().encode()


def _signal(alert: AlertBody) -> Signal:
    return Signal(
        firing=alert.status == "firing",
        labels=alert.labels or {},
        annotations=alert.annotations or {},
        starts_at=in_utc(alert.startsAt or None),
        ends_at=in_utc(alert.endsAt or None),
        fingerprint=alert.fingerprint or "",
    )


def in_utc(at: datetime | None) -> datetime | None:
    """An instant that others wrote; None for what is none: 0001-01-01 is Go for "not set", and 9999 has an end."""
    try:
        return at.astimezone(UTC) if at is not None and at.year > 1 else None
    except OverflowError:
        return None
