"""What is looked at while a stage lasts → checks at their moments, probes, and load bursts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from handrail.base import declared
from handrail.contract import CDEvents, PagerDuty, Scalar, Secret, StatusPage, Tell
from handrail.contract.addresses import HeaderName, Scheme, like
from handrail.contract.steps import Pointer
from handrail.declare.field_types import StageName
from handrail.declare.guardrail import Name
from handrail.units import Duration, Period, Share, duration

_LONGEST_BODY = 64 * 1024
_MOST_BODIES = 1000
_LONGEST = {"timeout": "1m", "within": "1h"}
_LONGEST_PROBE = "30s"

Address = Annotated[
    str,
    like(
        r"/\S*|https?://[^\s/@?#]+([/?#]\S*)?",
        "a path of the service like /health, or http:// or https:// with a host, no user and no password",
    ),
]
Status = Annotated[int, Field(ge=100, le=599, description="a status like 200")]


@declared
class Check:
    """A check of all guardrails, probes and targets, `at` this time after a stage was entered; it is kept as evidence.

    `name` is its name, like `T+15` or `Hour 1`. From then on people can answer its `questions`, one by one; the gate out
    of the stage needs a yes to each. The result is sent to `tell`.
    """

    at: Period
    name: StageName | None = Field(default=None, kw_only=True)
    questions: Sequence[Annotated[str, Field(min_length=1, max_length=500)]] = Field(default=(), kw_only=True)
    tell: Sequence[Tell] = Field(default=(), kw_only=True)

    @model_validator(mode="after")
    def _pages_nobody(self) -> Check:
        if any(isinstance(one.channel, PagerDuty | StatusPage | CDEvents) for one in self.tell):
            raise ValueError(
                "tell= sends what a check found, and that is no incident; give Slack, Mail or Webhook"
            )
        return self


@declared
class Probe:
    """A GET request that must be answered with the status `expect` and within the time `within`.

    It is sent at each check, by each gate, and every ten seconds while an attempt goes forward; people are told when it
    fails. `url` is a path of the service, whose address the environment knows (`Environment(services=…)`), or a whole
    address. `json` has JSON pointers and the values that must be there: `{"/status": "UP"}`; `contains` is a text that
    the body must have. With `proves_rollback` a rollback is proved only once it is answered: for the stable version's own
    health. Redirects are not followed. The token is sent as `<token_header>: <token_scheme> <token>`.
    """

    name: Name
    url: Address
    expect: Status = Field(default=200, kw_only=True)
    json: Mapping[Pointer, Scalar] = Field(default_factory=dict, kw_only=True)
    contains: str = Field(default="", kw_only=True)
    within: Period = Field(default="5s", kw_only=True)
    proves_rollback: bool = Field(default=False, kw_only=True)
    token: Secret | None = Field(default=None, kw_only=True)
    token_header: HeaderName = Field(default="Authorization", kw_only=True)
    token_scheme: Scheme = Field(default="Bearer", kw_only=True)

    @model_validator(mode="after")
    def _bounded(self) -> Probe:
        if duration(self.within) > duration(_LONGEST_PROBE):
            raise ValueError(
                f"within= is longer than {_LONGEST_PROBE}, the longest that a check waits; shorten it"
            )
        return self


@declared
class LoadBurst:
    """A burst of load, `at` this time after a stage was entered: `requests` in all, from `users` who send in parallel.

    `url` is a path of the service, whose address the environment knows (`Environment(services=…)`), or an address that
    begins with one of those; redirects are not followed. `bodies` are sent in turn as JSON, with `${user}` and
    `${request}` replaced by their numbers. User n sends line n of the secret `tokens` as bearer token. Each user waits for
    `pause` between two requests. The burst ends after `within`, whatever is left. It is good when at most
    `at_most_failed` of the requests had no answer, or one with another status than `expect`.
    """

    at: Period
    url: Address
    requests: Annotated[int, Field(ge=1, le=10_000)] = Field(kw_only=True)
    users: Annotated[int, Field(ge=1, le=100)] = Field(default=1, kw_only=True)
    method: Literal["GET", "POST", "PUT"] = Field(default="GET", kw_only=True)
    bodies: Sequence[Mapping[str, object]] = Field(default=(), kw_only=True)
    pause: Duration = Field(default="100ms", kw_only=True)
    timeout: Period = Field(default="10s", kw_only=True)
    within: Period = Field(default="10m", kw_only=True)
    expect: Status = Field(default=200, kw_only=True)
    at_most_failed: Share = Field(default="0%", kw_only=True)
    tokens: Secret | None = Field(default=None, kw_only=True)
    name: StageName | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _bounded(self) -> LoadBurst:
        for word, longest in _LONGEST.items():
            if duration(getattr(self, word)) > duration(longest):
                raise ValueError(f"{word}= is longer than {longest}; shorten it")
        if self.bodies and self.method == "GET":
            raise ValueError("bodies= go with POST or PUT; write method=")
        if len(self.bodies) > _MOST_BODIES:
            raise ValueError(f"it has more than {_MOST_BODIES} bodies; leave some out")
        if any(len(json.dumps(body, default=str)) > _LONGEST_BODY for body in self.bodies):
            raise ValueError(f"one of its bodies is longer than {_LONGEST_BODY >> 10} KiB; shorten it")
        return self
