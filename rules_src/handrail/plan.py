"""What every target must agree on: rollouts, signals, alerts and figures, with every default resolved.

No YAML, no Grafana, no user's words. PromQL texts are final: an emitter places them and never edits them.
Durations are timedelta, figures Decimal in base units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from handrail.contract import Playbook
from handrail.errors import Where
from handrail.routing import Routing, merged
from handrail.units import Unit


class Op(StrEnum):
    """How a value is compared with a limit: the alert fires while `value op limit`."""

    above = ">"
    at_least = ">="
    below = "<"
    at_most = "<="

    def breached(self, value: Decimal, limit: Decimal) -> bool:
        """Whether `value` breaches `limit`."""
        return {
            Op.above: value > limit,
            Op.at_least: value >= limit,
            Op.below: value < limit,
            Op.at_most: value <= limit,
        }[self]


@dataclass(frozen=True)
class Selector:
    """A series selector: metric name and matchers as (label, operator, value)."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...] = ()

    def where(self, *more: tuple[str, str, str]) -> Selector:
        """This selector with matchers added; one for the same label and operator replaces the old one."""
        new = {(label, op) for label, op, _ in more}
        return Selector(self.metric, tuple(m for m in self.matchers if m[:2] not in new) + more)

    def suffixed(self, suffix: str) -> Selector:
        """The same with `_bucket`, `_count` or `_sum` behind the metric's name."""
        return Selector(self.metric + suffix, self.matchers)

    def __str__(self) -> str:
        inner = ",".join(f"{label}{op}{_quoted(value)}" for label, op, value in self.matchers)
        return f"{self.metric}{{{inner}}}" if inner else self.metric


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@dataclass(frozen=True)
class Share:
    """part / whole over `window`; `bad` says whether the part is what should not happen."""

    part: Selector
    whole: Selector
    window: timedelta
    min_events: int
    bad: bool


@dataclass(frozen=True)
class Quantile:
    """The `q` quantile (0..1) of a histogram, times `scale` to get seconds."""

    histogram: Selector
    q: Decimal
    window: timedelta
    min_events: int
    scale: Decimal
    native: bool
    buckets: tuple[Decimal, ...]


@dataclass(frozen=True)
class Slow:
    """The share of observations above `bound` (in the histogram's own unit)."""

    histogram: Selector
    bound: Decimal
    window: timedelta
    min_events: int
    native: bool
    buckets: tuple[Decimal, ...]


@dataclass(frozen=True)
class Count:
    """How many events in `window`, newborn series included whole; with `bound`, slow observations only."""

    counter: Selector
    window: timedelta
    bound: Decimal | None = None


@dataclass(frozen=True)
class PerSecond:
    """Events per second over `window`."""

    counter: Selector
    window: timedelta


@dataclass(frozen=True)
class Level:
    """A gauge over its series, times `scale`; with a window, each series' extreme within it."""

    metric: Selector
    over: str
    by: tuple[str, ...]
    scale: Decimal
    window: timedelta | None = None


@dataclass(frozen=True)
class Fill:
    """used / size; `size` is a selector or a figure."""

    used: Selector
    size: Selector | Decimal
    by: tuple[str, ...]


@dataclass(frozen=True)
class InState:
    """1 for the state something is in, kept apart by `label`."""

    metric: Selector
    label: str


@dataclass(frozen=True)
class StateChanges:
    """How often a state changed in `window`."""

    metric: Selector
    window: timedelta


@dataclass(frozen=True)
class Only:
    """`measure` while `condition op bound` (op: above or at_most)."""

    measure: Measure
    condition: Measure
    op: Op
    bound: Decimal


@dataclass(frozen=True)
class Grown:
    """By how much a gauge grew in `window`."""

    metric: Selector
    window: timedelta
    by: tuple[str, ...]


@dataclass(frozen=True)
class Gone:
    """1 while no series was seen for `window`, else 0."""

    metric: Selector
    window: timedelta


@dataclass(frozen=True)
class Free:
    """An expression somebody wrote."""

    expr: str


Measure = (
    Share
    | Quantile
    | Slow
    | Count
    | PerSecond
    | Level
    | Fill
    | InState
    | StateChanges
    | Only
    | Grown
    | Gone
    | Free
)


@dataclass(frozen=True)
class Recording:
    """A recorded series: its name, its labels and the expression behind it."""

    record: str
    expr: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Signal:
    """One measure of a guardrail with what is recorded of it. `name` is empty for the guardrail's own measure.

    `value` and `traffic` select the recorded series of the judged arm; `traffic` is None where the measure
    counts no events. `by` are the labels its series are kept apart by, the arm's label first.
    """

    name: str
    measure: Measure
    unit: Unit
    value: Selector
    traffic: Selector | None
    by: tuple[str, ...]
    recordings: tuple[Recording, ...]


class ReferenceKind(StrEnum):
    """What a relative limit is relative to."""

    before = "before"
    stable = "stable"
    previous_stage = "previous-stage"
    ago = "ago"


@dataclass(frozen=True)
class Reference:
    """A reference whose figure is known only at run time.

    `ago` is how far back where it looks back; `stage` is the stage it always compares with (None: the one
    before the current one).
    """

    kind: ReferenceKind
    ago: timedelta | None = None
    stage: str | None = None


@dataclass(frozen=True)
class StageLimit:
    """A limit in one stage; `stage` None: in every stage and outside of them (or outside, beside others)."""

    stage: str | None
    figure: Decimal


@dataclass(frozen=True)
class Condition:
    """`signal op limit`. With a reference the limit is `reference * factor + offset`, the figure being
    the factor (`points` False) or the offset (`points` True, factor 1); without, the figure is the limit.

    `state` narrows the signal to one state.
    """

    signal: Signal
    op: Op
    limits: tuple[StageLimit, ...]
    reference: Reference | None = None
    points: bool = False
    state: str | None = None

    @property
    def staged(self) -> bool:
        """Whether the limit depends on the stage."""
        return any(limit.stage is not None for limit in self.limits)


@dataclass(frozen=True)
class Alert:
    """One alert rule; `conditions` are the reasons it fires for (any of them)."""

    name: str
    tier: str
    severity: str
    action: str
    expr: str
    hold: timedelta
    keep_firing_for: timedelta
    labels: tuple[tuple[str, str], ...]
    summary: str
    description: str
    conditions: tuple[Condition, ...]
    during: timedelta | None
    note: str | None
    where: Where


@dataclass(frozen=True)
class Success:
    """What must hold for the guardrail to pass: `condition` and `breach` say when it does not, `text` when it does."""

    condition: Condition
    text: str
    breach: str


@dataclass(frozen=True)
class Runbook:
    """What a person does."""

    impact: str
    look: tuple[str, ...]
    mend: tuple[str, ...]


@dataclass(frozen=True)
class Guardrail:
    """One ordered chain: recordings, then alerts from the mildest tier to the gravest, then `blind`.

    `arms` are the versions it tells apart; None where it judges the whole service.
    """

    name: str
    title: str
    arms: Arms | None
    signals: tuple[Signal, ...]
    info: Recording
    alerts: tuple[Alert, ...]
    blind: Alert
    success: tuple[Success, ...]
    shadow: bool
    runbook: Runbook
    where: Where


@dataclass(frozen=True)
class Burn:
    """A pair of windows that together show the budget burning `factor` times too fast."""

    factor: Decimal
    long: timedelta
    short: timedelta


@dataclass(frozen=True)
class Slo:
    """An objective (share of good events, 0..1) over `window`.

    `errors` and `total` are recorded per evaluation; every longer window is a sum over these two. `ratios` are
    the recorded error ratios by window; `burns` by tier are what each alert looks at.
    """

    name: str
    title: str
    objective: Decimal
    window: timedelta
    measure: Share | Slow
    errors: Recording
    total: Recording
    ratios: tuple[Recording, ...]
    burns: tuple[tuple[str, tuple[Burn, ...]], ...]
    alerts: tuple[Alert, ...]
    blind: Alert
    runbook: Runbook
    where: Where


@dataclass(frozen=True)
class Arms:
    """The label that tells the versions apart."""

    label: str
    canary: str
    stable: str


@dataclass(frozen=True)
class Stage:
    """A stage: its share of traffic 0..1 (None: not set by weight), how long it is held (None: for good)."""

    name: str
    weight: Decimal | None
    hold: timedelta | None


@dataclass(frozen=True)
class EscalationLevel:
    """Whom an alert reaches that stays unresolved for `after`."""

    name: str
    after: timedelta
    tell: str
    alert: Alert


@dataclass(frozen=True)
class Curve:
    """One query of a panel: `name` (may be empty) and the labels `by` tell its series apart."""

    name: str
    expr: str
    unit: Unit
    by: tuple[str, ...]


class Shown(StrEnum):
    """How a panel shows its curves: over time, as states over time, as the figure of now, as a table of now."""

    curves = "curves"
    states = "states"
    figure = "figure"
    table = "table"


@dataclass(frozen=True)
class Panel:
    """What somebody wanted to see; `limits_of` names the guardrail whose limits are drawn into it."""

    title: str
    shown: Shown
    curves: tuple[Curve, ...]
    limits_of: str | None
    note: str | None


@dataclass(frozen=True)
class Dashboard:
    """A page: the rollout's own one has no name. `last` is the time it shows, `refresh` how often it asks."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    refresh: timedelta
    last: timedelta


@dataclass(frozen=True)
class SqlMetric:
    """One metric from one query."""

    name: str
    query: str
    help: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class SqlSource:
    """A database, asked `every` so often."""

    database: str
    metrics: tuple[SqlMetric, ...]
    every: timedelta


@dataclass(frozen=True)
class AccessLog:
    """Requests by status and their times, out of an access log; buckets in seconds."""

    requests: str
    duration: str
    buckets: tuple[Decimal, ...]
    pattern: str


@dataclass(frozen=True)
class LogSource:
    """Log lines: an access log, and counters as (name, patterns)."""

    access: AccessLog | None
    counters: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class ScrapeJob:
    """One Prometheus scrape job."""

    job: str
    addresses: tuple[str, ...]
    path: str
    labels: tuple[tuple[str, str], ...]
    drop_prefix: str


@dataclass(frozen=True)
class Cluster:
    """Where objects of a cluster go: namespace, labels, and the name of the secret that holds every token."""

    namespace: str
    labels: tuple[tuple[str, str], ...]
    secret: str


@dataclass(frozen=True)
class Environment:
    """Where it runs: addresses and link bases; `alertmanager` is the oldest version that runs there."""

    name: str
    receiver: str
    token_file: str
    viewer_token_file: str
    alertmanagers: tuple[str, ...]
    prometheus: str
    scrape: tuple[ScrapeJob, ...]
    cluster: Cluster
    alertmanager: tuple[int, int]


@dataclass(frozen=True)
class Rollout:
    """One rollout, ready for every target."""

    name: str
    service: str
    title: str
    arms: Arms | None
    stages: tuple[Stage, ...]
    guardrails: tuple[Guardrail, ...]
    slos: tuple[Slo, ...]
    dashboards: tuple[Dashboard, ...]
    escalation: tuple[EscalationLevel, ...]
    heartbeat: Alert
    sql: tuple[SqlSource, ...]
    logs: tuple[LogSource, ...]
    routing: Routing
    contacts: tuple[str, ...]
    severities: tuple[tuple[str, str], ...]
    scrape: timedelta
    evaluate: timedelta
    decide_within: timedelta | None
    recover_within: timedelta | None
    runbook_url: str
    dashboard_url: str
    playbook: Playbook
    source: str
    where: Where

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Every alert of the rollout, in the order of its rules."""
        chains: tuple[Guardrail | Slo, ...] = (*self.guardrails, *self.slos)
        return (
            *(alert for chain in chains for alert in (*chain.alerts, chain.blind)),
            *(level.alert for level in self.escalation),
        )


@dataclass(frozen=True)
class Plan:
    """Everything there is to emit."""

    rollouts: tuple[Rollout, ...]
    environment: Environment

    @property
    def routing(self) -> Routing:
        """Who hears of which alert of any rollout."""
        return merged(rollout.routing for rollout in self.rollouts)

    @property
    def source(self) -> str:
        """The declarations behind a file that belongs to all of them."""
        return ", ".join(rollout.source for rollout in self.rollouts)
