"""A guardrail → what its scenarios need to know: good values, figures to compare with, a stage to be in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail import names
from handrail.emit.promtool.events import still
from handrail.emit.promtool.judge import compared_with, limit_in
from handrail.emit.promtool.scene import Scene, surroundings
from handrail.emit.promtool.series import Key
from handrail.emit.promtool.stimulus import Feeds, Impossible, Pace, feeds
from handrail.plan import (
    Alert,
    Condition,
    Count,
    Free,
    Gone,
    Guardrail,
    InState,
    Measure,
    Only,
    Op,
    Quantile,
    ReferenceKind,
    Rollout,
    Signal,
    StateChanges,
)
from handrail.units import Unit

UPWARDS = (Op.above, Op.at_least)
_USUAL = {
    Unit.ratio: Decimal("0.2"),
    Unit.seconds: Decimal("0.4"),
    Unit.number: Decimal(100),
    Unit.bytes: Decimal(1_000_000_000),
    Unit.per_second: Decimal(100),
}


@dataclass(frozen=True)
class Frame:
    """One guardrail in its rollout, and how its scenarios are played."""

    rollout: Rollout
    guardrail: Guardrail
    own_pace: Pace | None = None

    @cached_property
    def pace(self) -> Pace:
        """How many events go by from scrape to scrape: more than any limit or minimum needs."""
        if self.own_pace is not None:
            return self.own_pace
        least = [getattr(inner(signal.measure), "min_events", 0) for signal in self.guardrail.signals]
        figures = [figure for condition in self.conditions() for figure in condition.figures]
        digits = max([-int(figure.as_tuple().exponent) for figure in figures] or [0]) + 2
        return Pace(self.rollout.scrape, max(10 ** min(max(digits, 5), 9), *least, 1))

    def conditions(self, signal: Signal | None = None) -> list[Condition]:
        """The conditions of all tiers, or those on one signal; a condition on the changes is not on the state."""
        return [
            condition
            for alert in self.guardrail.alerts
            for condition in alert.conditions
            if signal is None or condition.signal.name == signal.name
        ]

    def arm(self, signal: Signal) -> dict[str, str]:
        """The arm's label, where the signal has one."""
        arms = self.guardrail.arms
        if arms is None or arms.label not in signal.by[:1]:
            return {}
        return {arms.label: arms.canary}

    def stable(self, feeds: Feeds) -> Feeds:
        """The same happening to the stable arm."""
        arms = self.guardrail.arms
        if arms is None:
            raise Impossible("there is no stable arm")
        swap = {arms.label: arms.stable}
        return {
            Key(key.metric, tuple((label, swap.get(label, value)) for label, value in key.labels)): feed
            for key, feed in feeds.items()
            if (arms.label, arms.canary) in key.labels
        }

    def fixed(self, signal: Signal, state: str | None = None) -> dict[str, str]:
        """The labels the signal's series need."""
        found = self.arm(signal)
        measure = inner(signal.measure)
        if isinstance(measure, InState):
            found[measure.label] = state or self._calm_state(signal)
        known = {label for matchers in _matchers(measure) for label, _, _ in matchers}
        for label in signal.by:
            if label not in found and label not in known:
                found[label] = "one"
        return found

    def _calm_state(self, signal: Signal) -> str:
        bad = {condition.state for condition in self.conditions(signal)}
        return next(state for state in ("closed", "up", "calm") if state not in bad)

    def stage(self, condition: Condition | None = None) -> str | None:
        """A stage in which the condition can be judged: with a limit, a reference and both arms."""
        for stage in self.rollout.stages:
            if stage.weight != 0 and (condition is None or self.judged_in(condition, stage.name)):
                return stage.name
        return None

    def judged_in(self, condition: Condition, stage: str) -> bool:
        """Whether there is a limit and something to compare with in this stage."""
        if limit_in(condition, stage) is None:
            return False
        reference = condition.reference
        if reference is None or reference.kind in (ReferenceKind.before, ReferenceKind.ago):
            return True
        if reference.kind is ReferenceKind.stable:
            return any(s.name == stage and s.weight not in (0, 1) for s in self.rollout.stages)
        return any(now == stage for _, now in compared_with(reference, self.rollout))

    def base(self, signal: Signal) -> Decimal:
        """The figure the signal is compared with: good by its fixed limits, and within its buckets."""
        fixed = [condition for condition in self.conditions(signal) if condition.reference is None]
        if fixed and (found := _between(fixed, signal.unit)) is not None:
            return found
        measure = inner(signal.measure)
        if isinstance(measure, Quantile) and measure.buckets:
            middle = measure.buckets[len(measure.buckets) // 2 - 1]
            return middle * measure.scale
        return _USUAL[signal.unit]

    def good(self, signal: Signal) -> Decimal:
        """A value that breaches nothing."""
        conditions = self.conditions(signal)
        relative = [condition for condition in conditions if condition.reference is not None]
        if relative:
            return self.base(signal)
        found = _between(conditions, signal.unit)
        return _USUAL[signal.unit] if found is None else found

    def limit(self, condition: Condition, stage: str | None) -> Decimal:
        """The limit in a stage, the reference being `base`."""
        figure = limit_in(condition, stage)
        if figure is None:
            raise Impossible(f"there is no limit in stage {stage}")
        if condition.reference is None:
            return figure
        base = self.base(condition.signal)
        return base + figure if condition.points else base * figure

    def around(self, stage: str | None, *, entered: Decimal = Decimal(0), entering: bool = True) -> Feeds:
        """What is there beside the service's metrics."""
        found = surroundings(self.rollout, stage, self.captured(), entered)
        if entering and any(alert.during is not None for alert in self.guardrail.alerts):
            return found
        return {key: feed for key, feed in found.items() if key.metric != names.STAGE_ENTERED_METRIC}

    def captured(self) -> dict[tuple[str, str], Decimal]:
        """The figures the receiver tells that this guardrail compares with."""
        found: dict[tuple[str, str], Decimal] = {}
        for condition in self.relative():
            base = self.base(condition.signal)
            if condition.reference is None:
                continue
            if condition.reference.kind is ReferenceKind.before:
                found[self.guardrail.name, names.BEFORE] = base
            if condition.reference.kind is ReferenceKind.previous_stage:
                for before, _ in compared_with(condition.reference, self.rollout):
                    found[self.guardrail.name, names.stage_reference(before)] = base
        return found

    def relative(self) -> list[Condition]:
        """The conditions with a reference, those of the success criteria included."""
        conditions = self.conditions() + [criterion.condition for criterion in self.guardrail.success]
        return [condition for condition in conditions if condition.reference is not None]

    def calm(self) -> tuple[Alert, ...]:
        """Every alert but a `blind` that misses a past which no short test has."""
        past = any(c.reference is not None and c.reference.ago is not None for c in self.relative())
        return self.guardrail.alerts if past else (*self.guardrail.alerts, self.guardrail.blind)

    def compares_arms(self) -> bool:
        """Whether the stable arm is what something is compared with."""
        return any(
            c.reference is not None and c.reference.kind is ReferenceKind.stable for c in self.relative()
        )

    def needs_stable(self) -> bool:
        """Whether something is compared with the stable arm, now or some time ago."""
        ago = any(c.reference is not None and c.reference.ago is not None for c in self.relative())
        return self.compares_arms() or (self.guardrail.arms is not None and ago)

    def well(self) -> Feeds:
        """Every signal at a good value; both arms where they are compared."""
        canary = self.canary_well()
        return {**self.stable(canary), **canary} if self.needs_stable() else canary

    def canary_well(self) -> Feeds:
        """Every signal of one arm at a good value."""
        found: Feeds = {}
        for signal in self.guardrail.signals:
            for key, feed in self.at(signal, self.good(signal)).items():
                found.setdefault(key, feed)
        return found

    def at(self, signal: Signal, value: Decimal, *, state: str | None = None) -> Feeds:
        """The series that give one signal a value that lasts; what only happens once is not happening."""
        return lasting(signal.measure, value, self.pace, self.fixed(signal, state))

    def bad(self, condition: Condition, value: Decimal) -> Feeds:
        """Every signal well but the one, which is at `value`."""
        if condition.state is not None:
            alone = self.at(condition.signal, value, state=condition.state)
            calm = {
                key: feed for key, feed in self.well().items() if key.metric not in {k.metric for k in alone}
            }
            return {**calm, **alone}
        if isinstance(inner(condition.signal.measure), Gone):
            there = self.at(condition.signal, Decimal(0))
            return {key: feed for key, feed in self.well().items() if key not in there}
        return {**self.well(), **self.at(condition.signal, value)}

    def unmet(self, signal: Signal) -> Feeds:
        """The series that keep a measure's condition from holding; nothing where it is bound to none."""
        measure = signal.measure
        if not isinstance(measure, Only):
            return {}
        off = measure.bound if measure.op is Op.above else measure.bound + Decimal("0.1")
        return feeds(measure.condition, off, self.pace, self.fixed(signal))

    def scene(self) -> Scene:
        """An empty scene."""
        return Scene(self.rollout)


def lasting(measure: Measure, value: Decimal, pace: Pace, fixed: dict[str, str]) -> Feeds:
    """Series that hold `value`; counters that count what must not happen stand still at 0."""
    quiet = still(measure, pace, fixed)
    return feeds(measure, value, pace, fixed) if quiet is None else quiet


def inner(measure: Measure) -> Measure:
    """What is measured, without the condition it is bound to."""
    return measure.measure if isinstance(measure, Only) else measure


def window(measure: Measure) -> timedelta:
    """How long the past counts."""
    return getattr(inner(measure), "window", None) or timedelta()


def _matchers(measure: Measure) -> Iterator[tuple[tuple[str, str, str], ...]]:
    for name in ("metric", "counter", "used", "part", "whole", "histogram"):
        series = getattr(measure, name, None)
        if series is not None:
            yield series.matchers


def _between(conditions: list[Condition], unit: Unit) -> Decimal | None:
    """A value that breaches none of these fixed limits, in no stage."""
    fixed = [condition for condition in conditions if condition.reference is None and condition.state is None]
    highs = [figure for c in fixed if c.op in UPWARDS for figure in c.figures]
    lows = [figure for c in fixed if c.op not in UPWARDS for figure in c.figures]
    if highs and lows:
        return (min(highs) + max(lows)) / 2
    if highs:
        return min(highs) / 2
    if lows:
        return (9 + max(lows)) / 10 if unit is Unit.ratio else max(lows) * 2
    return None


def tiers(guardrail: Guardrail) -> Iterator[tuple[Alert, Condition]]:
    """Every reason of every tier."""
    for alert in guardrail.alerts:
        for condition in alert.conditions:
            yield alert, condition


def once(measure: Measure) -> bool:
    """Whether the value is that of something that happens, and not of something that lasts."""
    return isinstance(inner(measure), Count | StateChanges)


def free(guardrail: Guardrail) -> bool:
    """Whether a free expression is among the measures."""
    return any(isinstance(inner(signal.measure), Free) for signal in guardrail.signals)
