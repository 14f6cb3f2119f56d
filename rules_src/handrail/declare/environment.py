"""Where a declaration runs → one Environment: addresses, and how much faster than real time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from handrail.base import declared
from handrail.declare.guardrail import Name


@declared
class Targets:
    """One scrape job: `addresses` are host:port, `labels` are added to every series."""

    job: str
    addresses: Sequence[str]
    path: str = Field(default="/metrics", kw_only=True)
    labels: Mapping[str, str] = Field(default_factory=dict, kw_only=True)


@declared
class Environment:
    """One place the rollouts run in.

    `receiver`, `alertmanagers` and `prometheus` (for Grafana) are addresses; `token_file` is where Alertmanager reads the token it posts
    with, `viewer_token_file` where Prometheus reads the one it scrapes the receiver with. `runbooks` and `dashboards` are the bases of the links in every alert. `faster` divides every duration
    of the declarations, for rehearsals: with 20, five minutes become fifteen seconds.
    `match` adds label matchers to a rollout's measures here, by rollout name.
    """

    name: Name
    receiver: str = Field(default="http://127.0.0.1:8080", kw_only=True)
    token_file: str = Field(default="/etc/alertmanager/handrail-token", kw_only=True)
    viewer_token_file: str = Field(default="/etc/prometheus/handrail-token", kw_only=True)
    alertmanagers: Sequence[str] = Field(default=("127.0.0.1:9093",), kw_only=True)
    prometheus: str = Field(default="http://127.0.0.1:9090", kw_only=True)
    scrape: Sequence[Targets] = Field(default=(), kw_only=True)
    runbooks: str = Field(default="https://runbooks.example.com", kw_only=True)
    dashboards: str = Field(default="https://grafana.example.com/d", kw_only=True)
    faster: Annotated[int, Field(ge=1, le=1000)] = Field(default=1, kw_only=True)
    match: Mapping[str, Mapping[str, str]] = Field(default_factory=dict, kw_only=True)
