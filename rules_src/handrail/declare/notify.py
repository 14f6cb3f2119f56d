"""Whom Alertmanager tells by itself, without the receiver: `routes={"P1": [PagerDutyReceiver(…)]}`.

Secrets are in files on the machine that runs Alertmanager. On Kubernetes the last part of the path is the key in
the cluster's secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, model_validator

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
class EmailReceiver:
    """A mail address; `smarthost` is host:port of the server that takes the mail."""

    to: str
    sender: str = Field(kw_only=True)
    smarthost: Annotated[
        str, Field(pattern=r"^[^\s:]+:\d+$", description="host:port, like mail.internal:587")
    ] = Field(kw_only=True)
    username: str | None = Field(default=None, kw_only=True)
    password_file: str | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _whole_login(self) -> EmailReceiver:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("a login has two parts; give username= and password_file=, or neither")
        return self


@declared
class WebhookReceiver:
    """Somebody else's HTTP endpoint; `token_file` holds the bearer token it asks for.

    The address is readable in the configuration: the oldest supported Alertmanager cannot read it from a file.
    """

    url: Url
    token_file: str | None = Field(default=None, kw_only=True)


Receiver = SlackReceiver | PagerDutyReceiver | EmailReceiver | WebhookReceiver

Word = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="one word of letters, digits, - and _, like P1"
    ),
]
Routes = Mapping[Word, Sequence[Receiver]]
