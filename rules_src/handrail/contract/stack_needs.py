"""What a running stack must have so that it can guard: what `handrail doctor` looks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handrail.contract.playbook import Playbook


@dataclass(frozen=True)
class SeriesNeed:
    """Series of one metric that a rollout's rules or dashboards read.

    `labels` must be set on them, `buckets` are matchers of single buckets. `above` are limits (the metric is a histogram):
    a bucket must end above each of them, or a quantile never gets there. `judged`: a guardrail reads them. `instead` are
    series that are added to these where they are read: one of all is enough. `seen` selects what remembers that one was
    there, where every guardrail that reads them is optional.
    """

    rollout: str
    metric: str
    matchers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    above: tuple[float, ...] = ()
    judged: bool = True
    instead: tuple[str, ...] = ()
    seen: str = ""

    def selector(self, *more: str) -> str:
        """The series, of which `more` matchers hold as well."""
        matchers = ",".join((*self.matchers, *more))
        return f"{self.metric}{{{matchers}}}" if matchers else self.metric


@dataclass(frozen=True)
class QueryNeed:
    """What one panel asks. `eventful`: what it shows need not have been yet, like events or an optional source, so no data is an answer."""

    rollout: str
    dashboard: str
    panel: str
    expr: str
    eventful: bool


@dataclass(frozen=True)
class DashboardNeed:
    """A dashboard that Grafana must show as it was generated.

    `content` is the generated JSON. `source` is the uid of the data source that it asks; `named` where the declaration
    says what the data source is called: then it is theirs, and may have another uid.
    """

    rollout: str
    uid: str
    title: str
    content: Mapping[str, Any]
    source: str
    named: bool


@dataclass(frozen=True)
class RoutingNeed:
    """What Alertmanager must have: receivers by their names, and the routes that take each alert to them.

    `webhooks` are the receivers that post to Handrail's, with its address. `route` is the generated tree as Alertmanager
    reads it, `alerts` are the labels of the alerts that the rules make.
    """

    receivers: tuple[str, ...]
    webhooks: tuple[tuple[str, str], ...]
    route: Mapping[str, object]
    alerts: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class StackNeeds:
    """All of it, for the rollouts that are meant."""

    playbooks: tuple[Playbook, ...]
    jobs: tuple[str, ...]
    routing: RoutingNeed
    series: tuple[SeriesNeed, ...]
    queries: tuple[QueryNeed, ...]
    dashboards: tuple[DashboardNeed, ...]
