"""What a rollback can do: one class for each kind of step, every value absolute.

Each field says whether it is the step's identity, its value, or a means (`step_fields`). The identity is what the step
reads back: whoever reads the same place wants it to be one thing.

docs/reference/targets has a page for each; docs/maintainers/development.md says how to add one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field

from handrail.base import declared
from handrail.contract.addresses import HeaderName, NormalBase, NormalUrl, Scheme, Secret, like, normal_base
from handrail.contract.step_fields import FieldRole, Identity, Means, Value, roles_of

OnFailure = Literal["next", "stop", "page"]
Scalar = str | int | float | bool | None


@declared
class Written:
    """A scalar exactly as written in a file, with its quotes, so that a pinned value is restored exactly."""

    text: str


_Variable = Annotated[str, like(r"[A-Za-z_][A-Za-z0-9_]*", "an environment variable's name")]
_Argv = Annotated[Sequence[Annotated[str, like(r"[^\x00]*", "text without NUL")]], Field(min_length=1)]


def _normal_repository(text: str) -> str:
    if re.match("https?://", text):
        return normal_base(text)
    return text.rstrip("/") or text


_Repository = Annotated[
    str,
    like(
        r"(?!-)(?!\w+::)(?!\w+://[^/]*:[^/]*@)\S+",
        "https://host/path, git@host:path or a folder, without a password",
    ),
    AfterValidator(_normal_repository),
]
_Branch = Annotated[str, like(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", "a branch's name, such as main")]
_InRepository = Annotated[
    str, like(r"(?!.*(^|/)\.{1,2}(/|$))[^/\s\x00][^\n\x00]*", "a file's path inside the repository")
]
_PART = "[A-Za-z0-9_.:-]+"
_Server = Annotated[
    str, Field(pattern=rf"^{_PART}/{_PART}$", description="backend/server, such as web/canary")
]
ServerPart = Annotated[str, Field(pattern=rf"^{_PART}$", description="a name of letters, digits and _.:-")]


def _normal_socket(text: str) -> str:
    return text if text.startswith("unix:") else text.lower()


_Socket = Annotated[
    str,
    Field(pattern=r"^(unix:\S.*|[^\s/]+:\d+)$", description="unix:/path or host:port"),
    AfterValidator(_normal_socket),
]
Sockets = Annotated[Sequence[_Socket], Field(min_length=1)]
"""One for each HAProxy node: of none it would be true that all are as asked."""
Pointer = Annotated[str, like(r"(/([^~/]|~[01])*)*", "a JSON pointer, such as /environment/enabled")]


@declared
class _Bounded:
    """What every step has: a timeout for each call, the time for all tries, and what to do when it has finally failed.

    A step is tried for `within` seconds, or for `tries` times `timeout` where that is longer.
    """

    timeout: Means[Annotated[float, Field(gt=0, le=600)]] = Field(default=10.0, kw_only=True)
    within: Means[Annotated[float, Field(gt=0, le=3600)]] = Field(default=35.0, kw_only=True)
    tries: Means[Annotated[int, Field(ge=1, le=10)]] = Field(default=3, kw_only=True)
    on_failure: Means[OnFailure] = Field(default="next", kw_only=True)


@declared
class HAProxyWeight(_Bounded):
    """Set one server's weight through HAProxy's Runtime API: an absolute weight; 0 takes the server out of rotation.

    `server` is `backend/server`; `sockets` has one `unix:/path` or `host:port` for each HAProxy node.
    """

    server: Identity[_Server]
    weight: Value[Annotated[int, Field(ge=0, le=256)]]
    sockets: Identity[Sockets]
    kind: Identity[Literal["haproxy-weight"]] = Field(default="haproxy-weight", kw_only=True)


@declared
class HAProxyState(_Bounded):
    """Set one server's administrative state through HAProxy's Runtime API."""

    server: Identity[_Server]
    state: Value[Literal["ready", "drain", "maint"]]
    sockets: Identity[Sockets]
    kind: Identity[Literal["haproxy-state"]] = Field(default="haproxy-state", kw_only=True)


@declared
class FlagOff(_Bounded):
    """Switch an Unleash feature off in one environment; `url` is where Unleash answers, without `/api`."""

    url: Identity[NormalBase]
    project: Identity[str]
    feature: Identity[str]
    environment: Identity[str]
    token: Means[Secret]
    kind: Value[Literal["unleash-off"]] = Field(default="unleash-off", kw_only=True)


@declared
class FlagShare(_Bounded):
    """Switch an Unleash feature on in one environment, for so many `percent` of its users.

    The share is that of the one gradual rollout strategy which the feature has there; where it has none, it gets one.
    """

    url: Identity[NormalBase]
    project: Identity[str]
    feature: Identity[str]
    environment: Identity[str]
    token: Means[Secret]
    percent: Value[Annotated[int, Field(ge=0, le=100)]]
    kind: Value[Literal["unleash-share"]] = Field(default="unleash-share", kw_only=True)


@declared
class LaunchDarklyOff(_Bounded):
    """Switch a LaunchDarkly flag off in one environment.

    `bypasses_approval` states that the token's role has `bypassRequiredApproval`, where the environment asks for it.
    """

    project: Identity[str]
    flag: Identity[str]
    environment: Identity[str]
    token: Means[Secret]
    url: Identity[NormalBase] = "https://app.launchdarkly.com"
    bypasses_approval: Means[bool] = Field(default=False, kw_only=True)
    kind: Identity[Literal["launchdarkly-off"]] = Field(default="launchdarkly-off", kw_only=True)


@declared
class RolloutAbort(_Bounded):
    """Abort an Argo Rollout in progress; `api` is the address of the Kubernetes API server."""

    api: Identity[NormalBase]
    namespace: Identity[str]
    rollout: Identity[str]
    token: Means[Secret]
    kind: Identity[Literal["argo-abort"]] = Field(default="argo-abort", kw_only=True)


@declared
class DeploymentImage(_Bounded):
    """Set a Kubernetes Deployment's container to an image.

    `image=None` means the image that was running when the attempt began, pinned then by its digest.
    """

    api: Identity[NormalBase]
    namespace: Identity[str]
    deployment: Identity[str]
    container: Identity[str]
    token: Means[Secret]
    image: Value[str | None] = None
    kind: Identity[Literal["deployment-image"]] = Field(default="deployment-image", kw_only=True)


@declared
class GitValue(_Bounded):
    """Commit a value into a GitOps repository and push it, fast-forward only.

    `path` is a YAML or JSON file in the repository, `key` the dotted place in it (`images.0.newTag`; a dot
    inside a name is written `\\.`). `value=None` means the value that was there when the attempt
    began, pinned then exactly as it is written. `token` is for https; ssh uses the keys of the user who runs the receiver.
    """

    repository: Identity[_Repository]
    branch: Identity[_Branch]
    path: Identity[_InRepository]
    key: Identity[Annotated[str, Field(min_length=1)]]
    value: Value[Scalar | Written] = None
    token: Means[Secret | None] = None
    kind: Identity[Literal["git-value"]] = Field(default="git-value", kw_only=True)


@declared
class HttpCall(_Bounded):
    """A request that sets an absolute value, and the request that reads it back.

    It is done when the read answers 2xx and the JSON value at `read_pointer` (RFC 6901) equals `read_equals`,
    in type as well. The token travels as `<token_header>: <token_scheme> <token>`.
    """

    method: Value[Literal["PUT", "POST", "PATCH", "DELETE"]]
    url: Value[NormalUrl]
    read_url: Identity[NormalUrl]
    read_pointer: Identity[Pointer]
    read_equals: Value[Scalar]
    body: Value[Mapping[str, object] | None] = None
    token: Means[Secret | None] = None
    token_header: Means[HeaderName] = Field(default="Authorization", kw_only=True)
    token_scheme: Means[Scheme] = Field(default="Bearer", kw_only=True)
    kind: Identity[Literal["http"]] = Field(default="http", kw_only=True)


@declared
class Command(_Bounded):
    """Run a program (an argv list, never a shell); `read` is an argv list that exits 0 exactly when it is done.

    `can` is one that exits 0 when `argv` would be allowed to do its work; a rehearsal runs it, and it changes nothing.
    `environment` gives both programs secrets as variables; they inherit the receiver's other variables
    except those that start with `HANDRAIL_`.
    """

    argv: Value[_Argv]
    read: Identity[_Argv]
    can: Means[_Argv | None] = Field(default=None, kw_only=True)
    environment: Identity[dict[_Variable, Secret]] = Field(default_factory=dict, kw_only=True)
    kind: Identity[Literal["command"]] = Field(default="command", kw_only=True)


Step = Annotated[
    HAProxyWeight
    | HAProxyState
    | FlagOff
    | FlagShare
    | LaunchDarklyOff
    | RolloutAbort
    | DeploymentImage
    | GitValue
    | HttpCall
    | Command,
    Field(discriminator="kind"),
]

STEP_CLASSES: Final[tuple[type, ...]] = get_args(get_args(Step)[0])
"""The classes of which a step is one."""
_ROLES: Final = {one: roles_of(one) for one in STEP_CLASSES}


def fields_of(step: Step, role: FieldRole) -> tuple[tuple[str, object], ...]:
    """The names and values of a step's fields that have a role, in the order of their names."""
    roles = _ROLES[type(step)]
    return tuple((name, getattr(step, name)) for name in sorted(roles) if roles[name] is role)
