"""Whom Alertmanager tells directly, without the receiver, and when it does not: `routes={"P1": [PagerDutyReceiver(…)]}`.

Secrets are in files on the machine that runs Alertmanager. On Kubernetes the last part of the path is the key in
the cluster's secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from handrail.base import declared
from handrail.contract import Url


@declared
class SlackReceiver:
    """A Slack channel; `url_file` holds the address of an incoming webhook."""

    channel: str
    url_file: str


@declared
class PagerDutyReceiver:
    """A PagerDuty service; `routing_key_file` holds the routing key of its Events API v2 integration."""

    routing_key_file: str
    url: Url = Field(default="https://events.pagerduty.com/v2/enqueue", kw_only=True)


@declared
class OpsGenieReceiver:
    """A team of OpsGenie; `api_key_file` holds the key of its API integration.

    `team` is who is responsible, where the integration does not say so. `url` is `https://api.eu.opsgenie.com/` in
    Europe. The priority is P1 for critical and emergency, P3 for all else.
    """

    api_key_file: str
    team: Annotated[str, Field(pattern=r"\S", description="a team's name")] | None = Field(
        default=None, kw_only=True
    )
    url: Url = Field(default="https://api.opsgenie.com/", kw_only=True)


@declared
class TeamsReceiver:
    """A channel of Microsoft Teams; `url_file` holds the address of its workflow for incoming webhooks.

    Alertmanager knows this from 0.28 on: say so with `Environment(alertmanager_version="0.28")`.
    """

    url_file: str


@declared
class EmailReceiver:
    """A mail address; `smarthost` is host:port of the server that takes the mail.

    The mail goes over TLS (STARTTLS, or TLS from the first byte on port 465), or not at all; `require_tls=False` sends
    it anyway. `ca_file` holds the authorities to trust instead of the system's, `server_name` the name in the server's
    certificate where it is not that of the smarthost. `cert_file` and `key_file` are Alertmanager's own certificate.
    """

    to: str
    sender: str = Field(kw_only=True)
    smarthost: Annotated[
        str, Field(pattern=r"^[^\s:]+:\d+$", description="host:port, like mail.internal:587")
    ] = Field(kw_only=True)
    username: str | None = Field(default=None, kw_only=True)
    password_file: str | None = Field(default=None, kw_only=True)
    require_tls: bool = Field(default=True, kw_only=True)
    ca_file: str | None = Field(default=None, kw_only=True)
    server_name: str | None = Field(default=None, kw_only=True)
    cert_file: str | None = Field(default=None, kw_only=True)
    key_file: str | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _whole_login(self) -> EmailReceiver:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("a login has two parts; give username= and password_file=, or neither")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("a certificate has a key; give cert_file= and key_file=, or neither")
        return self


@declared
class WebhookReceiver:
    """Somebody else's HTTP endpoint; `token_file` holds the bearer token it asks for.

    The address is readable in the configuration: the oldest supported Alertmanager cannot read it from a file.
    """

    url: Url
    token_file: str | None = Field(default=None, kw_only=True)


Receiver = (
    SlackReceiver | PagerDutyReceiver | OpsGenieReceiver | TeamsReceiver | EmailReceiver | WebhookReceiver
)

Word = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="one word of letters, digits, - and _, like P1"
    ),
]
Routes = Mapping[Word, Sequence[Receiver]]
"""Severity, action or escalation level → who is told of it."""

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Month = Literal[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)")


def _hours(text: str) -> str:
    if not _HOURS.fullmatch(text):
        raise ValueError(f"'{text}' is not a span of a day; write it like 22:00-07:00 or 12:00-24:00")
    begin, _, end = text.partition("-")
    if begin == end:
        raise ValueError(f"'{text}' begins and ends at once; leave hours= out for whole days")
    return text


def _zone(name: str) -> str:
    for known in (name, "Etc/UTC"):
        try:
            ZoneInfo(known)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        if known == name:
            return name
        raise ValueError(f"'{name}' is not a time zone; write it like Europe/Berlin")
    return name  # this machine knows no time zones, and Alertmanager judges


@declared
class MuteTime:
    """When people are not told: `MuteTime(hours="22:00-07:00", zone="Europe/Berlin")`.

    A field that is left out matches any time. `hours` that end in the morning belong to the day on which they begin. `days` are days of the month, -1 the last
    one. Handrail's own receiver is never muted: it decides and rolls back at night as well, and tells those in `tell=`.
    An alert that still fires when the mute time is over is sent then. The operator's AlertmanagerConfig has no time
    zones: in a cluster a mute time of another zone than UTC mutes nothing.
    """

    hours: (
        Annotated[str, AfterValidator(_hours), Field(description="hours of a day, like 22:00-07:00")] | None
    ) = Field(default=None, kw_only=True)
    weekdays: Sequence[Weekday] = Field(default=(), kw_only=True)
    days: Sequence[Annotated[int, Field(ge=-31, le=31)]] = Field(default=(), kw_only=True)
    months: Sequence[Month] = Field(default=(), kw_only=True)
    zone: Annotated[str, AfterValidator(_zone), Field(description="a time zone, like Europe/Berlin")] = Field(
        default="UTC", kw_only=True
    )

    @model_validator(mode="after")
    def _says_when(self) -> MuteTime:
        if not (self.hours or self.weekdays or self.days or self.months):
            raise ValueError("it would mute for ever; say when, or tell nobody: routes={…: []}")
        if 0 in self.days:
            raise ValueError("days= has a day 0; count from 1, or from -1 for the last day of the month")
        if self.over_midnight and (self.days or self.months):
            raise ValueError(
                "hours= go over midnight, into a day that days= or months= may not have; write two mute times"
            )
        return self

    @property
    def over_midnight(self) -> bool:
        """Whether its hours end on the day after they begin."""
        if self.hours is None:
            return False
        begin, _, end = self.hours.partition("-")
        return end < begin


Mutes = Mapping[Word, Sequence[MuteTime]]
"""Severity, action or escalation level → when nobody is told of it."""
