"""Signals, conditions and alerts: the chain of one guardrail or one objective."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from handrail.contract import names
from handrail.errors import Where
from handrail.plan.measurements import EventMeasure, Latency, Measure, Ratio, SlowerThan, While
from handrail.plan.selectors import Matcher, Op, Selector
from handrail.plan.split_evidence import SampleRatio
from handrail.units import Unit


@dataclass(frozen=True)
class Recording:
    """A recorded series: its name, its labels and the expression behind it."""

    record: str
    expr: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Silence:
    """A source that may stop while what it exported stays: `lost` has a sample while it does, `reason` says so.

    The series of `shown_by` show it: counters that do not rise for `after`, or without that a gauge that is 1.
    """

    reason: str
    lost: str
    shown_by: tuple[Selector, ...]
    after: timedelta | None = None


@dataclass(frozen=True)
class Signal:
    """One measure of a guardrail with what is recorded of it. `name` is empty for the guardrail's own measure.

    `value`, `events` (in the measure's window) and `traffic` (the same per second) select the recorded series of the
    judged arm; the latter two are None where the measure counts no events. `by` are the labels its series are kept
    apart by, the arm's label first. Nothing is recorded while one of `silences` is there.
    `filled` selects a quantile as it would be with quick events beside the few that there are, `part` the events that a
    share is the share of.
    """

    name: str
    measure: Measure
    unit: Unit
    value: Selector
    events: Selector | None
    traffic: Selector | None
    by: tuple[str, ...]
    recordings: tuple[Recording, ...]
    silences: tuple[Silence, ...] = ()
    filled: Selector | None = None
    part: Selector | None = None

    @property
    def arm_labels(self) -> tuple[str, ...]:
        """The arm's label alone, or none."""
        return self.by[: len(self.by) - len(self.measure.labels)]

    @property
    def needs_traffic(self) -> bool:
        """Whether it has a verdict only while enough events happen, or the condition of its measure holds."""
        return isinstance(self.measure, While) or isinstance(self.measure.inner, EventMeasure)


class ReferenceKind(StrEnum):
    """What a relative limit is relative to."""

    before = "before"
    stable = "stable"
    previous_stage = "previous-stage"
    ago = "ago"


@dataclass(frozen=True)
class Reference:
    """A reference whose figure is known only at run time.

    `ago` is how far back it looks, if it does; `stage` is the stage to compare with (None: the one before the current
    one); `over` is the time before the rollout of which it is the mean (None: the last hour that was recorded).
    """

    kind: ReferenceKind
    ago: timedelta | None = None
    stage: str | None = None
    over: timedelta | None = None


@dataclass(frozen=True)
class StageLimit:
    """A limit in one stage. `stage` None: everywhere else, that is in all other stages and outside of stages.

    `figure` None: no limit in that stage, whatever holds elsewhere.
    """

    stage: str | None
    figure: Decimal | None


@dataclass(frozen=True)
class Condition:
    """`signal op limit`. With a reference the limit is `reference * factor + offset`, the figure being
    the factor (`points` False) or the offset (`points` True, factor 1); without, the figure is the limit.

    `state` narrows the signal to one state. A relative limit is never below `floor`, and a reference below `least` is none.
    """

    signal: Signal
    op: Op
    limits: tuple[StageLimit, ...]
    reference: Reference | None = None
    points: bool = False
    state: str | None = None
    floor: Decimal | None = None
    least: Decimal | None = None

    def limit_from(self, base: Decimal, figure: Decimal) -> Decimal:
        """The limit where the reference is `base`, with one of the figures."""
        line = base + figure if self.points else base * figure
        return line if self.floor is None else max(line, self.floor)

    @cached_property
    def is_upper(self) -> bool:
        """Whether the limit is an upper one: more is worse."""
        return self.op.is_upper

    def figure_in(self, stage: str | None) -> Decimal | None:
        """The figure in a stage (None: outside of all stages); None where there is no limit."""
        return self._by_stage.get(stage, self._by_stage.get(None))

    @cached_property
    def _by_stage(self) -> dict[str | None, Decimal | None]:
        return {limit.stage: limit.figure for limit in self.limits}

    @property
    def staged(self) -> bool:
        """Whether the limit depends on the stage."""
        return any(limit.stage is not None for limit in self.limits)

    @cached_property
    def figures(self) -> tuple[Decimal, ...]:
        """Every figure, whatever the stage."""
        return tuple(limit.figure for limit in self.limits if limit.figure is not None)

    @cached_property
    def judges_filled(self) -> bool:
        """Whether few events break the limit where so many of them are slow that more quick ones would not fix it."""
        return self.is_upper and self.signal.filled is not None

    @cached_property
    def least_bad(self) -> int | None:
        """So many bad events break the limit though there are fewer than the measure's `min_events`.

        They would break it even if all that is missing up to `min_events` were good; of a quantile those are bad that are
        slower than its limit. None where no number of them would: a share's relative limit has no figure.
        """
        measure = self.signal.measure.inner
        if self.judges_filled and isinstance(measure, Latency):
            return measure.least_slow if measure.least_slow < measure.min_events else None
        if self.reference is not None or not isinstance(measure, Ratio | SlowerThan):
            return None
        bad = measure.bad if isinstance(measure, Ratio) else True
        if bad is not self.is_upper:
            return None
        shares = [figure if bad else 1 - figure for figure in self.figures]
        needed = max(measure.min_bad, *(int(share * measure.min_events) + 1 for share in shares))
        return needed if needed < measure.min_events else None


@dataclass(frozen=True)
class Alert:
    """One alert rule; `conditions` are the reasons it fires for (any of them).

    It counts only `during` the beginning of each stage, or of the attempt (`since_attempt`).
    """

    name: str
    tier: str
    severity: str
    action: str
    expr: str
    sustained: timedelta
    keep_firing_for: timedelta
    labels: tuple[tuple[str, str], ...]
    summary: str
    description: str
    conditions: tuple[Condition, ...]
    during: timedelta | None
    note: str | None
    where: Where
    since_attempt: bool = False


@dataclass(frozen=True)
class StageCount:
    """A criterion that is judged by all events since the stage began, once there were so many (None: as many as its limit
    asks for).
    """

    least: int | None


@dataclass(frozen=True)
class Success:
    """What must hold for the guardrail to pass.

    `condition` and `breach` say when it does not hold, `seen` whether it can be judged, `text` what must hold. `there` says
    whether its data is there, though there may be too little traffic to judge it by; empty where it needs none.
    With `counted` neither a breach nor what was seen in a window counts, but all of the stage.
    """

    condition: Condition
    text: str
    breach: str
    seen: str
    there: str
    counted: StageCount | None = None


@dataclass(frozen=True)
class Instruction:
    """One thing to do by hand; `language` is that of the command to copy, as Markdown names it, empty without one."""

    does: str
    language: str
    command: str
    see: str


@dataclass(frozen=True)
class Runbook:
    """What a person does."""

    impact: str
    look: tuple[str, ...]
    fix: tuple[str, ...]
    steps: tuple[Instruction, ...] = ()


@dataclass(frozen=True)
class Arms:
    """The label that tells the versions of raw series apart, and the values by which recorded series of an arm are known.

    `told`: which versions they are is said when an attempt starts. What is recorded then says the arm in a label of its
    own.
    """

    label: str
    canary: str
    stable: str
    told: bool = False

    @property
    def recorded(self) -> str:
        """The label that tells recorded series of the arms apart."""
        return names.ARM if self.told else self.label

    @property
    def of_canary(self) -> Matcher:
        """Selects what is recorded of the canary."""
        return (self.recorded, "=", self.canary)

    @property
    def of_stable(self) -> Matcher:
        """Selects what is recorded of the stable arm."""
        return (self.recorded, "=", self.stable)


@dataclass(frozen=True)
class Guardrail:
    """One ordered chain: recordings, then alerts from the mildest tier to the most severe, then `blind` and `thin`.

    `arms` are the versions it tells apart; None if it judges the whole service. `alert_labels` are the labels by which
    alerts of one tier differ; None if a user's own expression decides and nobody can know. `versions` records which version
    each arm is, where that is told; `seen` remembers that a metric of it was seen, where its source is optional. `split` is there for the one that compares the arms' traffic with the asked share.
    """

    name: str
    title: str
    arms: Arms | None
    alert_labels: tuple[str, ...] | None
    signals: tuple[Signal, ...]
    info: Recording
    versions: Recording | None
    alerts: tuple[Alert, ...]
    blind: Alert
    thin: Alert | None
    success: tuple[Success, ...]
    shadow: bool
    runbook: Runbook
    where: Where
    split: SampleRatio | None = None
    seen: Recording | None = None

    @cached_property
    def every_alert(self) -> tuple[Alert, ...]:
        """Those of its tiers, and those that say that it cannot judge."""
        return (*self.alerts, self.blind, *(() if self.thin is None else (self.thin,)))


@dataclass(frozen=True)
class Burn:
    """A pair of windows that together show `share` of the budget gone in the long one, a burn rate of `factor`."""

    share: Decimal
    factor: Decimal
    long: timedelta
    short: timedelta


@dataclass(frozen=True)
class TimeSlices:
    """Slices of time so long, each of which is bad when its value breaches `condition`."""

    condition: Condition
    length: timedelta

    @property
    def measure(self) -> Measure:
        """What is measured in a slice."""
        return self.condition.signal.measure

    @property
    def limit(self) -> Decimal:
        """The figure that makes a slice bad."""
        return self.condition.figures[0]


@dataclass(frozen=True)
class Slo:
    """An objective (share of good events or slices, 0..1) over `window`, or in each calendar month (`monthly`).

    `counted` are the recordings of each evaluation's errors and events; every longer window is a sum over them. `ratios`
    are the recorded error ratios by window, that of the whole period last; `burns` are the windows that each tier's alert
    looks at. A window with less than `least` events or slices says nothing.
    """

    name: str
    title: str
    objective: Decimal
    window: timedelta
    monthly: bool
    measure: Ratio | SlowerThan | TimeSlices
    least: int
    counted: tuple[Recording, ...]
    ratios: tuple[Recording, ...]
    burns: tuple[tuple[str, tuple[Burn, ...]], ...]
    alerts: tuple[Alert, ...]
    blind: Alert
    runbook: Runbook
    where: Where

    @property
    def every_alert(self) -> tuple[Alert, ...]:
        """Those of its tiers, and the one that says that it cannot see."""
        return (*self.alerts, self.blind)

    @property
    def counts(self) -> str:
        """What it counts: events, or slices of time."""
        return "slices of time" if isinstance(self.measure, TimeSlices) else "events"
