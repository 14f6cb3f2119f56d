"""Channels that can be told: one class for each kind. docs/reference/telling.md says what each is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from jinja2 import TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, field_validator, model_validator

from handrail.base import declared
from handrail.contract.addresses import HeaderName, NormalBase, Scheme, Secret, Url

TEMPLATE_FILTERS = ("clock", "duration", "link", "strong")
"""What a `Tell`'s template may use beside jinja2's own filters."""


@declared
class Slack:
    """A Slack channel, by bot token (one message per incident, updated) or by incoming webhook.

    `webhook` names the secret that holds the whole address of the incoming webhook; one of the two is needed.
    """

    channel: str
    token: Secret | None = None
    webhook: Secret | None = None
    url: NormalBase = "https://slack.com/api"
    kind: Literal["slack"] = Field(default="slack", kw_only=True)

    @model_validator(mode="after")
    def _one_way(self) -> Slack:
        if (self.token is None) == (self.webhook is None):
            raise ValueError("Slack is told by a bot or by an incoming webhook; write token= or webhook=")
        return self


@declared
class PagerDuty:
    """A PagerDuty service, by Events API v2 routing key."""

    routing_key: Secret
    url: NormalBase = "https://events.pagerduty.com"
    kind: Literal["pagerduty"] = Field(default="pagerduty", kw_only=True)


@declared
class Webhook:
    """Somebody else's HTTP endpoint: signed by Standard Webhooks when it has a secret.

    The secret's value may hold several keys (`whsec_…`, one a line): each signs, so that keys can rotate.
    """

    url: Url
    secret: Secret | None = None
    kind: Literal["webhook"] = Field(default="webhook", kw_only=True)


@declared
class StatusPage:
    """A status page's component, by HTTP: `opened` is sent while the incident lasts, `resolved` when it is over.

    `resolved=None` leaves the page to people when the incident is over.
    """

    method: Literal["PUT", "POST", "PATCH"]
    url: Url
    opened: Mapping[str, object]
    resolved: Mapping[str, object] | None
    token: Secret
    token_header: HeaderName = Field(default="Authorization", kw_only=True)
    token_scheme: Scheme = Field(default="Bearer", kw_only=True)
    kind: Literal["status-page"] = Field(default="status-page", kw_only=True)


@declared
class Mail:
    """A mail address; `smarthost` is host:port of the server that takes the mail.

    It goes over TLS (STARTTLS, or TLS from the first byte on port 465), or not at all; `require_tls=False` sends it
    anyway. An incident is a mail for each change of its status, severity or title.
    """

    to: Annotated[str, Field(pattern=r"^[^\s@,]+@[^\s@,]+$", description="one mail address")]
    sender: Annotated[str, Field(pattern=r"^[^\s@,]+@[^\s@,]+$", description="one mail address")] = Field(
        kw_only=True
    )
    smarthost: Annotated[
        str, Field(pattern=r"^[^\s:]+:\d+$", description="host:port, like mail.internal:587")
    ] = Field(kw_only=True)
    username: str | None = Field(default=None, kw_only=True)
    password: Secret | None = Field(default=None, kw_only=True)
    require_tls: bool = Field(default=True, kw_only=True)
    kind: Literal["mail"] = Field(default="mail", kw_only=True)

    @model_validator(mode="after")
    def _whole_login(self) -> Mail:
        if (self.username is None) != (self.password is None):
            raise ValueError("username= and password= belong together; give both or neither")
        return self


@declared
class CDEvents:
    """An address that takes CDEvents 0.5.1 as CloudEvents (structured JSON), with a bearer token where it wants one.

    It gets an event when an attempt starts and ends, when a service was upgraded or rolled back, and when an incident is
    detected and resolved. `source` is the source that the events name, a URI or a path.
    """

    url: Url
    source: Annotated[str, Field(pattern=r"^[^\s#]+$", description="a URI or a path without #")] = Field(
        default="/handrail", kw_only=True
    )
    token: Secret | None = Field(default=None, kw_only=True)
    kind: Literal["cdevents"] = Field(default="cdevents", kw_only=True)


Channel = Annotated[Slack | PagerDuty | Webhook | StatusPage | Mail | CDEvents, Field(discriminator="kind")]


@declared
class Tell:
    """Tell a channel about an action; `template` is a jinja2 text about `incident` (see docs/reference/telling.md)."""

    channel: Channel
    template: str | None = None

    @field_validator("template")
    @classmethod
    def _knows_only_incident(cls, template: str | None) -> str | None:
        jinja = ImmutableSandboxedEnvironment(autoescape=False)
        jinja.filters |= dict.fromkeys(TEMPLATE_FILTERS, str)
        try:
            used = meta.find_undeclared_variables(jinja.parse(template or ""))
        except TemplateSyntaxError as error:
            what = (error.message or "it is no jinja2 text").rstrip(".")
            raise ValueError(
                f"line {error.lineno}: {what}; `handrail docs telling` says what a template knows"
            ) from None
        unknown = used - {"incident"} - jinja.globals.keys()
        if unknown:
            raise ValueError(f"it uses {', '.join(sorted(unknown))}, which no template has; write incident.…")
        return template
