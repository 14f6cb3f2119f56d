"""One rollout with all that belongs to it, what it has in common with others, and the plan of them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from handrail.contract import Playbook
from handrail.errors import Where
from handrail.plan.alerting import (
    Alert,
    Arms,
    Condition,
    Guardrail,
    Instruction,
    Reference,
    ReferenceKind,
    Slo,
)
from handrail.plan.metric_sources import LogSource, ScrapeJob, SqlSource
from handrail.plan.routing import Routing, merged
from handrail.plan.selectors import Op
from handrail.units import Unit


@dataclass(frozen=True)
class Stage:
    """A stage: its share of traffic 0..1 (None: not set by weight), how long it bakes (None: for good)."""

    name: str
    weight: Decimal | None
    bake: timedelta | None

    @property
    def has_canary(self) -> bool:
        """Whether the canary has traffic in it."""
        return self.weight != 0

    @property
    def has_both(self) -> bool:
        """Whether both arms have traffic in it."""
        return self.weight not in (0, 1)


def compared_stages(reference: Reference, stages: Iterable[Stage], arms: Arms | None) -> dict[str, str]:
    """Each stage that is compared with an earlier one, and that one: the named one, or the last in which what is judged
    had traffic.
    """
    every = [stage.name for stage in stages if reference.stage or arms is None or stage.has_canary]
    if reference.stage is None:
        return {now: before for before, now in pairwise(every)}
    return dict.fromkeys(every[every.index(reference.stage) + 1 :], reference.stage)


@dataclass(frozen=True)
class Level:
    """Who is told of an alert that stays unresolved for `after`; `severities` empty: of any severity."""

    name: str
    after: timedelta
    tell: str
    severities: tuple[str, ...]
    alert: Alert

    def hears(self, alert: Alert) -> bool:
        """Whether an alert of a tier, or that somebody is blind, escalates to this level."""
        return not self.severities or alert.severity in self.severities


@dataclass(frozen=True)
class Curve:
    """One query of a panel; its series differ by the labels `by`. `name` may be empty.

    Of a heatmap `scale` makes the bounds of its buckets the unit's.
    """

    name: str
    expr: str
    unit: Unit
    by: tuple[str, ...]
    scale: Decimal = Decimal(1)


class Shown(StrEnum):
    """How a panel shows its curves: over time, as states or buckets over time; or what is now, in one of four ways."""

    curves = "curves"
    states = "states"
    heatmap = "heatmap"
    figure = "figure"
    gauge = "gauge"
    bars = "bars"
    table = "table"


@dataclass(frozen=True)
class Bound:
    """A figure that values are held against: a target is met while `value op figure`, and a limit is passed then."""

    name: str
    op: Op
    figure: Decimal
    is_target: bool


@dataclass(frozen=True)
class Panel:
    """A declared panel; `limits_of` names the guardrail whose limits are drawn into it."""

    title: str
    shown: Shown
    curves: tuple[Curve, ...]
    bounds: tuple[Bound, ...]
    limits_of: str | None
    note: str | None


@dataclass(frozen=True)
class Text:
    """Words in Markdown beside the panels."""

    title: str
    text: str


@dataclass(frozen=True)
class Row:
    """Panels below a heading; without one if the title is empty."""

    title: str
    panels: tuple[Panel | Text, ...]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard; the rollout's own one has no name. `last` is the time range, `refresh` how often it is updated."""

    name: str
    title: str
    rows: tuple[Row, ...]
    refresh: timedelta
    last: timedelta


@dataclass(frozen=True)
class Cluster:
    """Where objects of a cluster go: namespace, labels, and the name of the secret that holds every token."""

    namespace: str
    labels: tuple[tuple[str, str], ...]
    secret: str


@dataclass(frozen=True, order=True)
class ClusterAccess:
    """One thing that is done to one object of the cluster that the receiver runs in; to any of that kind without a name.

    `token` is what the secret is called by which it is done.
    """

    namespace: str
    group: str
    resource: str
    verb: str
    name: str
    token: str


@dataclass(frozen=True)
class Environment:
    """Where it runs: addresses and link bases; `alertmanager` is the oldest version that runs there.

    `datasource` is the name of its Prometheus in Grafana; None if not declared. `datasource_file` says whether Grafana gets
    it from a file of ours. `existing` are the programs that run
    there already, with a configuration of their own.
    """

    name: str
    receiver: str
    token_file: str
    viewer_token_file: str
    alertmanagers: tuple[str, ...]
    prometheus: str
    datasource: str | None
    datasource_file: bool
    scrape: tuple[ScrapeJob, ...]
    cluster: Cluster
    alertmanager: tuple[int, int]
    existing: frozenset[str] = frozenset()
    mimir_tenant: str | None = None


@dataclass(frozen=True)
class Rollout:
    """One rollout, ready for every emitter. `promotion` asks to go on; None where a person promotes from every stage."""

    name: str
    service: str
    title: str
    arms: Arms | None
    stages: tuple[Stage, ...]
    guardrails: tuple[Guardrail, ...]
    slos: tuple[Slo, ...]
    dashboards: tuple[Dashboard, ...]
    escalation: tuple[Level, ...]
    heartbeat: Alert
    receiver_down: Alert | None
    promotion: Alert | None
    sql: tuple[SqlSource, ...]
    logs: tuple[LogSource, ...]
    routing: Routing
    contacts: tuple[str, ...]
    procedures: tuple[tuple[str, tuple[Instruction, ...]], ...]
    quick_reference: tuple[Instruction, ...]
    severities: tuple[tuple[str, str], ...]
    scrape: timedelta
    evaluate: timedelta
    decide_within: timedelta | None
    recover_within: timedelta | None
    runbook_url: str
    dashboard_url: str
    playbook: Playbook
    cluster_access: tuple[ClusterAccess, ...]
    source: str
    where: Where

    @cached_property
    def alerts(self) -> tuple[Alert, ...]:
        """Every alert of the rollout, in the order of its rules."""
        chains: tuple[Guardrail | Slo, ...] = (*self.guardrails, *self.slos)
        return (
            *(alert for chain in chains for alert in chain.every_alert),
            *(level.alert for level in self.escalation),
            *(() if self.receiver_down is None else (self.receiver_down,)),
        )

    def judges(self, condition: Condition, guardrail: Guardrail, stage: Stage) -> bool:
        """Whether the condition is looked at in a stage: with a figure, a canary, and something to compare it with."""
        if condition.figure_in(stage.name) is None or (guardrail.arms is not None and not stage.has_canary):
            return False
        reference = condition.reference
        if reference is None or reference.kind is not ReferenceKind.previous_stage:
            return stage.has_both or reference is None or reference.kind is not ReferenceKind.stable
        return stage.name in compared_stages(reference, self.stages, guardrail.arms)

    @cached_property
    def telling_stages(self) -> tuple[str, ...]:
        """The stages, those first in which both arms have traffic, and of these one in which most is judged."""
        conditions = [(c, g) for g in self.guardrails for alert in g.alerts for c in alert.conditions]

        def rank(stage: Stage) -> tuple[bool, bool, int]:
            own = sum(self.judges(condition, guardrail, stage) for condition, guardrail in conditions)
            return not stage.has_both, not stage.has_canary, -own

        return tuple(stage.name for stage in sorted(self.stages, key=rank))


@dataclass(frozen=True)
class Common:
    """What rollouts of one environment share: routing, the shortest intervals, what they change in the cluster, the source files."""

    environment: Environment
    routing: Routing
    scrape: timedelta
    evaluate: timedelta
    cluster_access: tuple[ClusterAccess, ...]
    source: str


def common_of(parts: Iterable[Common]) -> Common:
    """What the rollouts of one environment share; there is at least one."""
    known = list(parts)
    return Common(
        environment=known[0].environment,
        routing=merged(part.routing for part in known),
        scrape=min(part.scrape for part in known),
        evaluate=min(part.evaluate for part in known),
        cluster_access=tuple(sorted({access for part in known for access in part.cluster_access})),
        source=", ".join(part.source for part in known),
    )


@dataclass(frozen=True)
class Plan:
    """Everything there is to emit."""

    rollouts: tuple[Rollout, ...]
    environment: Environment

    @property
    def common(self) -> Common:
        """What its rollouts share: all that is kept when their plans are dropped."""
        return common_of(
            Common(
                self.environment,
                rollout.routing,
                rollout.scrape,
                rollout.evaluate,
                rollout.cluster_access,
                rollout.source,
            )
            for rollout in self.rollouts
        )
