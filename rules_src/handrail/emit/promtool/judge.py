"""One guardrail + what was scraped → which of its conditions hold at a time, and why it is blind.

Computed from the plan's conditions (limit, operator, stage, reference, least number of events), never from
the texts of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from handrail import names
from handrail.emit.promtool.measure import OPS, ms, seen, traffic, value
from handrail.emit.promtool.series import Labels, labels_of
from handrail.emit.promtool.storage import Storage, Values
from handrail.plan import (
    Alert,
    Condition,
    Free,
    Guardrail,
    Measure,
    Only,
    Op,
    PerSecond,
    Quantile,
    Reference,
    ReferenceKind,
    Rollout,
    Selector,
    Share,
    Signal,
    Slow,
)
from handrail.promql.conditions import REMEMBER
from handrail.units import plain, span


def limit_in(condition: Condition, stage: str | None) -> Decimal | None:
    """The figure of a condition in a stage (None: outside of all), None where it has no limit there."""
    by_stage = {limit.stage: limit.figure for limit in condition.limits}
    return by_stage.get(stage, by_stage.get(None))


def compared_with(reference: Reference, rollout: Rollout) -> list[tuple[str, str]]:
    """(stage whose figure was captured, stage in which it is compared with)."""
    stages = [stage.name for stage in rollout.stages]
    if reference.stage is None:
        return list(pairwise(stages))
    return [(reference.stage, later) for later in stages[stages.index(reference.stage) + 1 :]]


@dataclass(frozen=True)
class _Watched:
    """A condition as it is asked at every evaluation: worked out once."""

    condition: Condition
    arm: Labels
    limits: dict[str, float | None]
    """By stage; the empty one is outside of all that are named."""

    @classmethod
    def of(cls, condition: Condition, arm: Labels) -> _Watched:
        limits = {
            limit.stage or "": None if limit.figure is None else float(plain(limit.figure))
            for limit in condition.limits
        }
        return cls(condition, arm, limits)

    def limit(self, stage: str) -> float | None:
        """The figure in a stage."""
        return self.limits.get(stage, self.limits.get(""))


@dataclass
class Judge:
    """What the declaration says about the samples of one storage."""

    rollout: Rollout
    guardrail: Guardrail
    storage: Storage
    _watched: dict[str, list[_Watched]] = field(default_factory=dict)
    _values: dict[tuple[str, int], Values] = field(default_factory=dict)
    _stages_at: dict[int, set[str]] = field(default_factory=dict)

    def values(self, signal: Signal, time: int) -> Values:
        """The signal's value, by the labels its series are kept apart by."""
        known = self._values.get((signal.name, time))
        if known is None:
            known = value(signal.measure, self.parts(signal), self.storage, time)
            self._values[signal.name, time] = known
        return known

    def parts(self, signal: Signal) -> tuple[str, ...]:
        """The labels that part the arms."""
        arms = self.guardrail.arms
        return (arms.label,) if arms is not None and arms.label in signal.by[:1] else ()

    def arm(self, signal: Signal, *, stable: bool = False) -> Labels:
        """The labels of the judged arm, or of the other."""
        arms = self.guardrail.arms
        if arms is None or not self.parts(signal):
            return ()
        return ((arms.label, arms.stable if stable else arms.canary),)

    def stages(self, time: int) -> set[str]:
        """The stages the receiver's last word says the rollout is in."""
        known = self._stages_at.get(time)
        if known is None:
            told = self.storage.ranges(self._stage_series, time, ms(REMEMBER))
            known = {dict(key.labels)[names.STAGE] for key, values in told if values[-1] == 1}
            self._stages_at[time] = known
        return known

    @cached_property
    def _stage_series(self) -> Selector:
        return Selector(names.STAGE_METRIC, ((names.ROLLOUT, "=", self.rollout.name),))

    def breaches(self, alert: Alert, time: int) -> dict[Labels, float]:
        """Every series that is in breach, by its labels without those the alert adds."""
        if alert.during is not None and not self._young(ms(alert.during), time):
            return {}
        watched = self._watched.get(alert.name)
        if watched is None:
            watched = [_Watched.of(condition, self.arm(condition.signal)) for condition in alert.conditions]
            self._watched[alert.name] = watched
        found: dict[Labels, float] = {}
        for one in watched:
            for labels, number in self._breaches(one, time):
                found.setdefault(labels, number)
        return found

    def _young(self, during: int, time: int) -> bool:
        series = Selector(names.STAGE_ENTERED_METRIC, ((names.ROLLOUT, "=", self.rollout.name),))
        entered = [values[-1] for _, values in self.storage.ranges(series, time, ms(REMEMBER))]
        return bool(entered) and time / 1000 - min(entered) < during / 1000

    def _breaches(self, watched: _Watched, time: int) -> Iterator[tuple[Labels, float]]:
        condition, signal = watched.condition, watched.condition.signal
        beyond = OPS[condition.op]
        for labels, number in self.values(signal, time).items():
            if not all(pair in labels for pair in watched.arm) or not self._in_state(condition, labels):
                continue
            known = [
                (self._limit(watched, stage, labels, time), stage) for stage in self._stages(watched, time)
            ]
            limits = [(limit, stage) for limit, stage in known if limit is not None]
            if not limits:
                continue
            limit, stage = (min if condition.op in (Op.above, Op.at_least) else max)(limits)
            if beyond(number, limit) and self._enough(condition, time):
                staged = ((names.STAGE, stage),) if stage and condition.staged else ()
                yield labels_of((*self.own(signal), *labels, *staged)), number

    def own(self, signal: Signal) -> Labels:
        """The labels a recorded series of the signal carries."""
        return (
            (names.ROLLOUT, self.rollout.name),
            (names.GUARDRAIL, self.guardrail.name),
            (names.SIGNAL, signal.name),
        )

    def _in_state(self, condition: Condition, labels: Labels) -> bool:
        return condition.state is None or (condition.signal.by[-1], condition.state) in labels

    def _stages(self, watched: _Watched, time: int) -> list[str]:
        """The stage whose limit is in force; the empty one is outside of all that are named."""
        if not watched.condition.staged:
            return [""]
        inside = sorted(self.stages(time) & watched.limits.keys())
        return inside or [""]

    def _limit(self, watched: _Watched, stage: str, labels: Labels, time: int) -> float | None:
        condition, number = watched.condition, watched.limit(stage)
        if number is None or condition.reference is None:
            return number
        base = self.reference(condition, labels, time)
        if base is None:
            return None
        return base + number if condition.points else base * number

    def reference(self, condition: Condition, labels: Labels, time: int) -> float | None:
        """The figure a relative limit is relative to."""
        reference = condition.reference
        if reference is None:
            return None
        if reference.kind is ReferenceKind.before:
            return self.captured(names.BEFORE, time)
        if reference.kind in (ReferenceKind.ago, ReferenceKind.stable):
            arm, other = self.arm(condition.signal), self.arm(condition.signal, stable=True)
            there = labels_of((set(labels) - set(arm)) | set(other))
            then = time - (ms(reference.ago) if reference.ago is not None else 0)
            return self.values(condition.signal, then).get(there)
        for before, now in compared_with(reference, self.rollout):
            if now in self.stages(time):
                return self.captured(names.stage_reference(before), time)
        return None

    def captured(self, reference: str, time: int) -> float | None:
        """The captured figure as the receiver last told it."""
        series = Selector(
            names.REFERENCE_METRIC,
            (
                (names.ROLLOUT, "=", self.rollout.name),
                (names.GUARDRAIL, "=", self.guardrail.name),
                (names.REFERENCE, "=", reference),
            ),
        )
        told = [values[-1] for _, values in self.storage.ranges(series, time, ms(REMEMBER))]
        return max(told) if told else None

    def _enough(self, condition: Condition, time: int) -> bool:
        signal, reference = condition.signal, condition.reference
        measure = signal.measure.measure if isinstance(signal.measure, Only) else signal.measure
        ago = ms(reference.ago) if reference is not None and reference.ago is not None else None
        other = self.arm(signal, stable=True)
        if isinstance(measure, PerSecond):
            falls = condition.op in (Op.below, Op.at_most)
            return (not falls or self._old(signal, measure, self.arm(signal), time)) and (
                ago is None or self._old(signal, measure, other, time - ago)
            )
        if not isinstance(measure, Share | Quantile | Slow):
            return True
        asked = [(self.arm(signal), time)]
        if ago is not None:
            asked.append((other, time - ago))
        elif reference is not None and reference.kind is ReferenceKind.stable:
            asked.append((other, time))
        window = ms(measure.window) / 1000
        return all(
            (traffic(measure, self.parts(signal), self.storage, when) or {}).get(arm, 0.0) * window
            >= measure.min_events
            for arm, when in asked
        )

    def _old(self, signal: Signal, measure: PerSecond, arm: Labels, time: int) -> bool:
        """Whether the arm's rate is one of a whole window: there was one before it."""
        then = time - ms(measure.window)
        if isinstance(signal.measure, Only):
            return any(set(arm) <= set(key.labels) for key, _ in self.storage.instants(measure.counter, then))
        return arm in self.values(signal, then)

    def reasons(self, time: int) -> set[str]:
        """Why the guardrail cannot see, as its `blind` alert says it."""
        return set(self._reasons(time))

    def _reasons(self, time: int) -> Iterator[str]:
        now, kinds = self.stages(time), self._kinds
        running = not now.isdisjoint(self._with_traffic)
        needed = running or self.guardrail.arms is None
        if needed and not all(
            seen(measure, parts, self.storage, time, arm) for measure, parts, arm in self._judged
        ):
            yield "its metrics are missing"
        if needed and any(self._bucketless(s, self.arm(s), time) for s in self.guardrail.signals):
            yield "its buckets are missing"
        if ReferenceKind.before in kinds and running and self.captured(names.BEFORE, time) is None:
            yield "the figure from before the rollout is missing"
        yield from self._stages_missing(time, now)
        compared = ReferenceKind.stable in kinds and not now.isdisjoint(self._with_both_arms)
        if compared and not self._stable_seen(time):
            yield "the stable arm's metrics are missing"
        if needed:
            yield from self._past_missing(time)
        if self.needs_stage and not self._stage_told(time):
            yield "nobody reports the stage"

    @cached_property
    def _judged(self) -> list[tuple[Measure, tuple[str, ...], Labels]]:
        """What must be seen: the measure, the labels that part the arms, the judged arm's."""
        signals = [signal for signal in self.guardrail.signals if not isinstance(signal.measure, Free)]
        return [(signal.measure, self.parts(signal), self.arm(signal)) for signal in signals]

    @cached_property
    def _with_traffic(self) -> set[str]:
        return {stage.name for stage in self.rollout.stages if stage.weight != 0}

    @cached_property
    def _with_both_arms(self) -> set[str]:
        return {stage.name for stage in self.rollout.stages if stage.weight not in (0, 1)}

    @cached_property
    def _kinds(self) -> set[ReferenceKind]:
        return {condition.reference.kind for condition in self.relative if condition.reference}

    @cached_property
    def relative(self) -> list[Condition]:
        """The conditions with a reference, those of the success criteria included."""
        conditions = [c for alert in self.guardrail.alerts for c in alert.conditions]
        conditions += [criterion.condition for criterion in self.guardrail.success]
        return [condition for condition in conditions if condition.reference is not None]

    @cached_property
    def needs_stage(self) -> bool:
        """Whether the guardrail cannot be judged without knowing the stage."""
        conditions = [c for alert in self.guardrail.alerts for c in alert.conditions]
        conditions += [criterion.condition for criterion in self.guardrail.success]
        told = any(
            c.staged or (c.reference is not None and c.reference.kind is not ReferenceKind.ago)
            for c in conditions
        )
        timed = any(alert.during is not None for alert in self.guardrail.alerts)
        return told or timed or self.guardrail.arms is not None

    def _stages_missing(self, time: int, now: set[str]) -> Iterator[str]:
        for condition in self.relative:
            reference = condition.reference
            if reference is None or reference.kind is not ReferenceKind.previous_stage:
                continue
            for before, later in compared_with(reference, self.rollout):
                if later in now and self.captured(names.stage_reference(before), time) is None:
                    yield f"the figure of stage {before} is missing"

    def _bucketless(self, signal: Signal, arm: Labels, time: int) -> bool:
        """Whether events are counted and the buckets that the value is read from are gone."""
        if not isinstance(signal.measure, Quantile | Slow):
            return False
        events = traffic(signal.measure, self.parts(signal), self.storage, time) or {}
        return events.get(arm, 0.0) > 0 and arm not in self.values(signal, time)

    def _stable_seen(self, time: int) -> bool:
        apart = [(s, self.arm(s, stable=True)) for s in self.guardrail.signals if s.by]
        return all(
            seen(s.measure, self.parts(s), self.storage, time, arm) and not self._bucketless(s, arm, time)
            for s, arm in apart
        )

    def _past_missing(self, time: int) -> Iterator[str]:
        for condition in self.relative:
            reference = condition.reference
            if reference is None or reference.ago is None:
                continue
            if not self._known(condition.signal, time - ms(reference.ago)):
                yield f"there is no history of {span(reference.ago)}"

    def _known(self, signal: Signal, then: int) -> bool:
        """Whether anything was recorded then of what is compared with: at rest, that there was nothing."""
        events = traffic(signal.measure, self.parts(signal), self.storage, then)
        if events is None and isinstance(signal.measure, Only):
            return then >= 0
        found = self.values(signal, then) if events is None else events
        return any(set(self.arm(signal, stable=True)) <= set(labels) for labels in found)

    def _stage_told(self, time: int) -> bool:
        return any(True for _ in self.storage.ranges(self._stage_series, time, ms(REMEMBER)))
