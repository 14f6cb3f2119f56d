"""Where a declaration runs → one Environment: addresses, and how much faster than real time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from handrail.base import declared
from handrail.contract.addresses import BaseUrl, HostPort, like
from handrail.declare.guardrail import Name
from handrail.declare.notify import Mutes, Routes
from handrail.declare.override import Override
from handrail.plan.versions import OLDEST, OLDEST_PROMETHEUS, Version, numbers


@declared
class Container:
    """A container of compose.yaml in which an application or an exporter runs: `Container("registry.example.com/shop:1.4.2")`.

    `command` are the arguments of its program, `environment` its variables, `volumes` what is mounted, as Compose writes it.
    `sees_machine=True` shows it the machine's processes, and the machine's files at `/host`, to read: for node_exporter.
    """

    image: Annotated[str, like(r"\S+", "an image, like registry.example.com/shop:1.4.2")]
    command: Sequence[str] = Field(default=(), kw_only=True)
    environment: Mapping[str, str] = Field(default_factory=dict, kw_only=True)
    volumes: Sequence[str] = Field(default=(), kw_only=True)
    sees_machine: bool = Field(default=False, kw_only=True)


@declared
class Targets:
    """One scrape job: `addresses` are host:port, `labels` are added to every series.

    Several with the same job name are groups of one job, with the path and the prefix of the first. `drop_prefix` is
    removed from the names of metrics: sql_exporter puts `sql_` before them.
    `container` is what answers at the one address, where compose.yaml is to start it; without one it runs already.
    """

    job: str
    addresses: Sequence[HostPort]
    path: Annotated[str, like(r"/\S*", "a path that begins with /")] = Field(default="/metrics", kw_only=True)
    labels: Mapping[str, str] = Field(default_factory=dict, kw_only=True)
    drop_prefix: Annotated[str, like(r"[a-zA-Z0-9_:]*", "letters, digits, _ and :")] = Field(
        default="", kw_only=True
    )
    container: Container | None = Field(default=None, kw_only=True)

    @model_validator(mode="after")
    def _one_address(self) -> Targets:
        if self.container is not None and len(self.addresses) != 1:
            raise ValueError("container= answers at one address; write a Targets for each")
        return self


@declared
class Cluster:
    """Where the Kubernetes objects go; `labels` are the ones that the operator's selectors ask for.

    `secret` is the Secret in that namespace that holds every token and address Alertmanager needs; its keys are the
    last parts of the paths given elsewhere (`/etc/alertmanager/handrail-token` → `handrail-token`).
    """

    namespace: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
            max_length=63,
            description="a name of small letters, digits and - between them, like monitoring",
        ),
    ] = "monitoring"
    labels: Mapping[str, str] = Field(default_factory=dict, kw_only=True)
    secret: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
            max_length=253,
            description="the name of a Secret: small letters, digits, - and . between them",
        ),
    ] = Field(default="handrail", kw_only=True)


def _at_least(oldest: Version, like: str) -> Callable[[str], str]:
    def supported(text: str) -> str:
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?", text):
            raise ValueError(f"'{text}' is not a version; write it like {like}")
        if numbers(text) < oldest:
            least = ".".join(map(str, oldest))
            raise ValueError(f"'{text}' is older than what Handrail writes for; {least} is the oldest")
        return text

    return supported


PrometheusVersion = Annotated[
    str,
    AfterValidator(_at_least(OLDEST_PROMETHEUS, "2.42 or 3.5")),
    Field(description="a version of Prometheus, like 2.42 or 3.5"),
]
AlertmanagerVersion = Annotated[
    str,
    AfterValidator(_at_least(OLDEST, "0.25 or 0.33")),
    Field(description="a version of Alertmanager, like 0.25 or 0.33"),
]


Tenant = Annotated[
    str,
    like(
        r"(?!\.{1,2}$)[A-Za-z0-9!_.*'()-]{1,150}",
        "a tenant of Mimir: letters, digits and !-_.*'(), at most 150",
    ),
]
Existing = Literal["prometheus", "alertmanager", "grafana"]
"""What may run there before Handrail comes."""


@declared
class Environment:
    """One place the rollouts run in.

    Every alert carries `name` in its label `environment`, so no measure can use a label of that name.
    `receiver`, `alertmanagers` and `prometheus` (for Grafana) are addresses; `datasource` is the name of Grafana's data
    source for that Prometheus; if it is given, dashboards use no other. `token_file` is the file with the token that
    Alertmanager posts with, `viewer_token_file` the one with which Prometheus scrapes the receiver.
    `prometheus_version` is the oldest Prometheus that evaluates the rules here; free PromQL is checked against it.
    `alertmanager_version` is the oldest Alertmanager that reads the files made for here; `--target-version` says another.
    `runbooks` and `dashboards` are the bases of the links in every alert. `faster` divides every duration of the
    declarations, for rehearsals: with 20, five minutes become fifteen seconds. No interval may become less than 100ms.
    `existing` names what runs there already, of `"prometheus"`, `"alertmanager"` and `"grafana"`: it gets files to put
    beside its own instead of a configuration of its own. `datasource_file=False` makes no file that provisions Grafana's
    data source.
    `mimir_tenant` is a tenant of Mimir or Cortex whose ruler evaluates the rules: they come in its form as well, and
    Grafana's data source asks as that tenant.
    `overrides` is what is different here: `ForGuardrail("checkout", "error-rate", mode="shadow")`.
    `services` says where a service answers, by its name: for the paths of probes and load bursts.
    `match` adds label matchers to a rollout's measures here, by rollout name. `routes` replaces the routes of every
    rollout for these severities, actions or levels; an empty list tells nobody. `mute` does the same for mute times.
    """

    name: Name
    receiver: BaseUrl = Field(default="http://127.0.0.1:8080", kw_only=True)
    token_file: str = Field(default="/etc/alertmanager/handrail-token", kw_only=True)
    viewer_token_file: str = Field(default="/etc/prometheus/handrail-token", kw_only=True)
    alertmanagers: Sequence[HostPort] = Field(default=("127.0.0.1:9093",), kw_only=True)
    prometheus: BaseUrl = Field(default="http://127.0.0.1:9090", kw_only=True)
    prometheus_version: PrometheusVersion = Field(default="2.42", kw_only=True)
    alertmanager_version: AlertmanagerVersion = Field(default="0.25", kw_only=True)
    mimir_tenant: Tenant | None = Field(default=None, kw_only=True)
    existing: Sequence[Existing] = Field(default=(), kw_only=True)
    scrape: Sequence[Targets] = Field(default=(), kw_only=True)
    datasource: Annotated[str, Field(pattern=r"\S", description="a data source's name")] | None = Field(
        default=None, kw_only=True
    )
    datasource_file: bool = Field(default=True, kw_only=True)
    runbooks: BaseUrl = Field(default="https://runbooks.example.com", kw_only=True)
    dashboards: BaseUrl = Field(default="https://grafana.example.com/d", kw_only=True)
    faster: Annotated[int, Field(ge=1, le=1000)] = Field(default=1, kw_only=True)
    services: Mapping[Name, BaseUrl] = Field(default_factory=dict, kw_only=True)
    match: Mapping[str, Mapping[str, str]] = Field(default_factory=dict, kw_only=True)
    routes: Routes = Field(default_factory=dict, kw_only=True)
    mute: Mutes = Field(default_factory=dict, kw_only=True)
    overrides: Sequence[Override] = Field(default=(), kw_only=True)
    cluster: Cluster = Field(default_factory=Cluster, kw_only=True)
