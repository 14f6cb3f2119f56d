"""What the compiler and the receiver agree on: the playbook (one JSON file per rollout) and the label names.

The only module of the compiler that the receiver imports. Durations are seconds, ratios 0..1, sizes bytes.
Times and texts are final: the receiver never computes a threshold and never takes a value from an alert.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from jinja2 import TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from handrail import names
from handrail.base import declared

__all__ = [
    "Action",
    "ActionName",
    "Arms",
    "Channel",
    "Command",
    "Confirmation",
    "Criterion",
    "DeploymentImage",
    "FlagOff",
    "Gate",
    "GitValue",
    "GuardrailFacts",
    "HAProxyState",
    "HAProxyWeight",
    "HttpCall",
    "LaunchDarklyOff",
    "LimitFacts",
    "PagerDuty",
    "Playbook",
    "Proof",
    "ReferenceQuery",
    "RolloutAbort",
    "Secret",
    "Slack",
    "StageFacts",
    "StageFigure",
    "StatusPage",
    "Step",
    "Tell",
    "TierFacts",
    "Webhook",
    "names",
]

ActionName = Literal["investigate", "hold", "rollback", "emergency-rollback", "security-rollback", "promote"]
OnFailure = Literal["next", "stop", "page"]
Scalar = str | int | float | bool | None
TEMPLATE_FILTERS = ("clock", "duration", "link", "strong")
"""What a `Tell`'s template may use beside jinja2's own filters."""


def _like(pattern: str, what: str) -> AfterValidator:
    """The check that a text matches all of `pattern`; `what` says what to write instead."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"this does not fit; write {what}")
        return text

    return AfterValidator(check)


Url = Annotated[
    str, _like(r"https?://[^\s/@?#]+([/?#]\S*)?", "http:// or https://, a host, no user and no password")
]
_HeaderName = Annotated[str, _like(r"[A-Za-z][A-Za-z0-9-]*", "a header's name, such as X-Api-Key")]
_Scheme = Annotated[str, _like(r"[\x21-\x7e]*", "one word, such as Bearer, or nothing")]
_Variable = Annotated[str, _like(r"[A-Za-z_][A-Za-z0-9_]*", "an environment variable's name")]
_Argv = Annotated[Sequence[Annotated[str, _like(r"[^\x00]*", "text without NUL")]], Field(min_length=1)]
_Repository = Annotated[
    str,
    _like(
        r"(?!-)(?!\w+::)(?!\w+://[^/]*:[^/]*@)\S+",
        "https://host/path, git@host:path or a folder, without a password",
    ),
]
_Branch = Annotated[str, _like(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", "a branch's name, such as main")]
_InRepository = Annotated[
    str, _like(r"(?!.*(^|/)\.{1,2}(/|$))[^/\s\x00][^\n\x00]*", "a file's path inside the repository")
]
_Pointer = Annotated[str, _like(r"(/([^~/]|~[01])*)*", "a JSON pointer, such as /environment/enabled")]


@declared
class Secret:
    """The name of a secret; the receiver reads it from its secrets folder or `HANDRAIL_SECRET_<NAME>`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


@declared
class _Bounded:
    """What every step has: a limit in time, tries, and what happens when it has failed for good."""

    timeout: Annotated[float, Field(gt=0, le=600)] = Field(default=10.0, kw_only=True)
    tries: Annotated[int, Field(ge=1, le=10)] = Field(default=3, kw_only=True)
    on_failure: OnFailure = Field(default="next", kw_only=True)


@declared
class HAProxyWeight(_Bounded):
    """Set one server's weight through HAProxy's Runtime API: absolute, 0 takes it out of the balance.

    `server` is `backend/server`; `sockets` has one `unix:/path` or `host:port` for each HAProxy node.
    """

    server: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+/[A-Za-z0-9_.:-]+$")]
    weight: Annotated[int, Field(ge=0, le=256)]
    sockets: Sequence[str]
    kind: Literal["haproxy-weight"] = Field(default="haproxy-weight", kw_only=True)


@declared
class HAProxyState(_Bounded):
    """Set one server's administrative state through HAProxy's Runtime API."""

    server: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+/[A-Za-z0-9_.:-]+$")]
    state: Literal["ready", "drain", "maint"]
    sockets: Sequence[str]
    kind: Literal["haproxy-state"] = Field(default="haproxy-state", kw_only=True)


@declared
class FlagOff(_Bounded):
    """Switch an Unleash feature off in one environment; `url` is where Unleash answers, without `/api`."""

    url: Url
    project: str
    feature: str
    environment: str
    token: Secret
    kind: Literal["unleash-off"] = Field(default="unleash-off", kw_only=True)


@declared
class LaunchDarklyOff(_Bounded):
    """Switch a LaunchDarkly flag off in one environment."""

    project: str
    flag: str
    environment: str
    token: Secret
    url: Url = "https://app.launchdarkly.com"
    kind: Literal["launchdarkly-off"] = Field(default="launchdarkly-off", kw_only=True)


@declared
class RolloutAbort(_Bounded):
    """Abort an Argo Rollout in progress; `api` is the address of the Kubernetes API server."""

    api: Url
    namespace: str
    rollout: str
    token: Secret
    kind: Literal["argo-abort"] = Field(default="argo-abort", kw_only=True)


@declared
class DeploymentImage(_Bounded):
    """Set a Kubernetes Deployment's container to an image.

    `image=None` means the image that was running when the attempt began, pinned then by its digest.
    """

    api: Url
    namespace: str
    deployment: str
    container: str
    token: Secret
    image: str | None = None
    kind: Literal["deployment-image"] = Field(default="deployment-image", kw_only=True)


@declared
class GitValue(_Bounded):
    """Commit a value into a GitOps repository and push it, fast-forward only.

    `path` is a YAML or JSON file in the repository, `key` the dotted place in it (`images.0.newTag`; a dot
    inside a name is written `\\.`). `value=None` means the value that stood there when the attempt began,
    pinned then. `token` is for https; ssh uses the keys of the user who runs the receiver.
    """

    repository: _Repository
    branch: _Branch
    path: _InRepository
    key: Annotated[str, Field(min_length=1)]
    value: Scalar = None
    token: Secret | None = None
    kind: Literal["git-value"] = Field(default="git-value", kw_only=True)


@declared
class HttpCall(_Bounded):
    """A request that sets an absolute value, and the request that reads it back.

    It is done when the read answers 2xx and the JSON value at `read_pointer` (RFC 6901) equals `read_equals`,
    in type as well. The token travels as `<token_header>: <token_scheme> <token>`.
    """

    method: Literal["PUT", "POST", "PATCH", "DELETE"]
    url: Url
    read_url: Url
    read_pointer: _Pointer
    read_equals: Scalar
    body: Mapping[str, object] | None = None
    token: Secret | None = None
    token_header: _HeaderName = Field(default="Authorization", kw_only=True)
    token_scheme: _Scheme = Field(default="Bearer", kw_only=True)
    kind: Literal["http"] = Field(default="http", kw_only=True)


@declared
class Command(_Bounded):
    """Run a program (an argv list, never a shell); `read` is an argv list that exits 0 exactly when it is done.

    `environment` gives both programs secrets as variables; they inherit the receiver's other variables
    except those that start with `HANDRAIL_`.
    """

    argv: _Argv
    read: _Argv
    environment: dict[_Variable, Secret] = Field(default_factory=dict, kw_only=True)
    kind: Literal["command"] = Field(default="command", kw_only=True)


Step = Annotated[
    HAProxyWeight
    | HAProxyState
    | FlagOff
    | LaunchDarklyOff
    | RolloutAbort
    | DeploymentImage
    | GitValue
    | HttpCall
    | Command,
    Field(discriminator="kind"),
]


@declared
class Slack:
    """A Slack channel, by bot token (one message per incident, updated) or by incoming webhook.

    `webhook` names the secret that holds the whole address of the incoming webhook; one of the two is needed.
    """

    channel: str
    token: Secret | None = None
    webhook: Secret | None = None
    url: Url = "https://slack.com/api"
    kind: Literal["slack"] = Field(default="slack", kw_only=True)

    @model_validator(mode="after")
    def _one_way(self) -> Slack:
        if (self.token is None) == (self.webhook is None):
            raise ValueError(
                "it needs a way in; give token= (bot token) or webhook= (incoming webhook), not both"
            )
        return self


@declared
class PagerDuty:
    """A PagerDuty service, by Events API v2 routing key."""

    routing_key: Secret
    url: Url = "https://events.pagerduty.com"
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
    token_header: _HeaderName = Field(default="Authorization", kw_only=True)
    token_scheme: _Scheme = Field(default="Bearer", kw_only=True)
    kind: Literal["status-page"] = Field(default="status-page", kw_only=True)


Channel = Annotated[Slack | PagerDuty | Webhook | StatusPage, Field(discriminator="kind")]


@declared
class Tell:
    """Tell a channel about an action; `template` is a jinja2 text about `incident` (see docs/telling.md)."""

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
            raise ValueError(f"line {error.lineno}: {what}; see docs/telling.md for templates") from None
        unknown = used - {"incident"} - jinja.globals.keys()
        if unknown:
            raise ValueError(f"it uses {', '.join(sorted(unknown))}, which no template has; write incident.…")
        return template


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arms(_Model):
    """The label that tells the versions apart, and its two values."""

    label: str
    canary: str
    stable: str


class StageFacts(_Model):
    """A share of traffic (0..1, None when it is not set by weight), held for `hold` seconds (None: for good)."""

    name: str
    weight: float | None
    hold: float | None
    enter: tuple[Step, ...] = ()


class Criterion(_Model):
    """One thing that must be true over the whole hold: `expr` gives a sample while it is *not* true."""

    guardrail: str
    text: str
    expr: str


class Gate(_Model):
    """What must be true to enter stage `into`."""

    into: str
    criteria: tuple[Criterion, ...] = ()
    manual: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    stable_for: float | None = None


class Confirmation(_Model):
    """Ask `expr` again after `after` seconds; a sample confirms. `unreachable` says what no answer means."""

    after: float
    expr: str
    unreachable: Literal["act", "hold", "page"]


class StageFigure(_Model):
    """A limit's figure in one stage; `stage` None: in all that have none of their own."""

    stage: str | None
    figure: Decimal


class LimitFacts(_Model):
    """One line a tier draws: it fires while the signal is `op` the figure, or the figure times its `reference`.

    With `points` the figure is added to the reference. `signal` is empty for the guardrail's own measure;
    `text` says the same for people.
    """

    signal: str
    op: Literal[">", ">=", "<", "<="]
    figures: tuple[StageFigure, ...]
    reference: str | None
    points: bool
    state: str | None
    text: str


class TierFacts(_Model):
    """One alert of a guardrail, as the receiver must know it to check what a notification claims."""

    tier: str
    alertname: str
    severity: str
    action: ActionName
    expr: str
    shadow: bool = False
    confirmation: Confirmation | None = None
    limits: tuple[LimitFacts, ...] = ()


class ReferenceQuery(_Model):
    """A figure to capture: `reference` is `before` (at start) or `stage:<name>` (when that stage ends)."""

    reference: str
    expr: str


class GuardrailFacts(_Model):
    """A guardrail as the receiver sees it."""

    name: str
    tiers: tuple[TierFacts, ...]
    references: tuple[ReferenceQuery, ...] = ()


class Proof(_Model):
    """The rollback is proved when `expr` (the arm's traffic) is at most `at_most`, or absent, within `within` seconds."""

    expr: str
    at_most: float
    within: float


class Action(_Model):
    """The steps of one action, in order, the proof that it worked, and who is told."""

    name: ActionName
    steps: tuple[Step, ...] = ()
    proof: Proof | None = None
    tell: tuple[Tell, ...] = ()


class Playbook(_Model):
    """All the receiver knows about one rollout."""

    version: Literal[1] = 1
    rollout: str
    service: str
    arms: Arms | None
    stages: tuple[StageFacts, ...]
    gates: tuple[Gate, ...]
    guardrails: tuple[GuardrailFacts, ...]
    actions: tuple[Action, ...]
    checks: tuple[float, ...] = ()
    budget_per_day: Annotated[int, Field(ge=0)] = 3
    runbook_url: str
    dashboard_url: str

    def action(self, name: str) -> Action | None:
        """The action called `name`, or None when this rollout does not have it."""
        return next((action for action in self.actions if action.name == name), None)
