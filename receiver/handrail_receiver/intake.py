"""Body of a delivery → Notification.

Takes what Alertmanager has sent through its versions, and Grafana in the same shape. What names a thing is
ours, in the labels; what Alertmanager calls things is read, kept as it came and never used as a key.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from handrail_receiver.bodies import TooLarge
from handrail_receiver.errors import ReceiverError
from handrail_receiver.model import Notification, Signal

MAX_ALERTS = 1000
SMALL = 4 * 1024


class NotAlertmanagers(ReceiverError):
    """The body is nothing that Alertmanager sends; no retry can mend that."""


class AlertBody(BaseModel):
    """One alert. Very old versions send no fingerprint."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    startsAt: AwareDatetime | None = None  # noqa: N815  Alertmanager's spelling
    endsAt: AwareDatetime | None = None  # noqa: N815
    fingerprint: str = ""


class WebhookBody(BaseModel):
    """Alertmanager's webhook body; `version` is "4" there and "1" from Grafana. Unknown fields are allowed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal["4", "3", "2", "1"]
    alerts: Annotated[list[AlertBody], Field(max_length=MAX_ALERTS)]
    status: Literal["firing", "resolved"] = "firing"
    receiver: str = ""
    groupKey: str | int = ""  # noqa: N815
    truncatedAlerts: Annotated[int, Field(ge=0)] = 0  # noqa: N815


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
        place = ".".join(map(str, first["loc"])) or "body"
        raise NotAlertmanagers(
            f"{place}: {first['msg']}; send Alertmanager's webhook_configs here, and nothing else"
        ) from None
    return Notification(tuple(map(_signal, read.alerts)), read.truncatedAlerts, read.version)


_parse_again = functools.lru_cache(maxsize=1024)(_parse)


def compose(alerts: list[AlertBody], receiver: str) -> bytes:
    """A body for alerts that we found by asking, so that both ways in are one from here on."""
    firing = any(alert.status == "firing" for alert in alerts)
    body = WebhookBody(
        version="4", alerts=alerts, status="firing" if firing else "resolved", receiver=receiver
    )
    return body.model_dump_json().encode()


def _signal(alert: AlertBody) -> Signal:
    return Signal(
        firing=alert.status == "firing",
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=_sane(alert.startsAt),
        fingerprint=alert.fingerprint,
    )


def _sane(at: datetime | None) -> datetime | None:
    """0001-01-01 is Go for "not set"."""
    return at.astimezone(UTC) if at is not None and at.year > 1 else None
