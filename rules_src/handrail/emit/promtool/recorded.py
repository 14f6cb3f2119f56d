"""A guardrail in a stage → what is fed of it at a level, and which of its alerts that breaches.

Alerts compare what the rules record, so that is what is fed here: a value at its limit, just over it, of too few events.
How it is recorded is another story (counted.py, losses.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

from handrail.contract import names
from handrail.emit.promtool.attempts import canary_of, captured_twice, stable_of
from handrail.emit.promtool.boundaries import CALM, SICK, Value, derived
from handrail.emit.promtool.levels import Level, Levels, Shown
from handrail.emit.promtool.series import OTHER, At, Feed, Key
from handrail.emit.promtool.story import Breach, Instance, instance, seen_before
from handrail.plan import Alert, Condition, EventMeasure, ReferenceKind, Selector, Signal

JUDGED, BESIDE = "x", "y"
"""The values of the labels by which signals are kept apart: of what is moved, and of what is always well."""


@dataclass(frozen=True)
class _Series:
    """What is recorded for one selector: of what is judged, of another group, of the stable arm; and what others show."""

    judged: Key
    beside: Key | None
    stable: tuple[Key, ...]
    others: Mapping[Key, At]


@dataclass(frozen=True, eq=False)
class Recorded(Levels):
    """The same guardrail, and what is recorded of it."""

    def feeds(self, level: Level) -> dict[Key, Feed]:
        """The recorded series of a level, beside others' that nobody may take for its own."""
        found: dict[Key, Feed] = dict(seen_before(self.guardrail))
        for signal in self.signals:
            shown, healthy = level.signals[signal.name], self.calm.signals[signal.name].value
            part = _times(shown.value, shown.events) if shown.part is None else shown.part
            for selector, value, well, stable in (
                (None if derived(signal) else signal.value, shown.value, healthy, shown.stable),
                (signal.events, shown.events, shown.events, shown.stable_events),
                (
                    signal.part if derived(signal) else None,
                    part,
                    _times(healthy, shown.events),
                    _times(shown.stable, shown.stable_events),
                ),
                (signal.filled, shown.filled, healthy, shown.stable),
            ):
                if selector is not None:
                    self._feed(found, signal, selector, value, well, stable)
        if level.captured:
            found |= self._captured
        return found

    def _feed(
        self,
        found: dict[Key, Feed],
        signal: Signal,
        selector: Selector,
        value: Value | None,
        well: Value | None,
        stable: Decimal | None,
    ) -> None:
        """Of what is moved, of another that is `well`, of the stable arm, and of another guardrail."""
        series = self._series[signal.name, selector.metric]
        if isinstance(value, str):
            found |= self._states(signal, series.judged, value)
        elif value is not None:
            found[series.judged] = At(value)
            if series.beside is not None and isinstance(well, Decimal):
                found[series.beside] = At(well)
        if stable is not None:
            found |= dict.fromkeys(series.stable, At(stable))
        found |= series.others

    def _states(self, signal: Signal, series: Key, shown: str) -> dict[Key, Feed]:
        """One series for each state that it may be in."""
        named = {c.state for _, c in self.conditions if c.signal == signal and c.state}
        states = sorted({shown, CALM, *named})
        return {series.but({signal.by[-1]: one}): At(Decimal(one == shown)) for one in states}

    @cached_property
    def _series(self) -> dict[tuple[str, str], _Series]:
        """By the signal's name and the metric."""
        every = ((s, one) for s in self.signals for one in (s.value, s.events, s.part, s.filled))
        return {(s.name, one.metric): self._all_of(s, one) for s, one in every if one is not None}

    def _all_of(self, signal: Signal, selector: Selector) -> _Series:
        arms = self.guardrail.arms
        judged = self.key(signal, selector)
        beside = judged.but(dict.fromkeys(signal.measure.labels, BESIDE)) if signal.measure.labels else None
        stable: list[Key] = []
        if arms is not None and signal.arm_labels:
            told = {arms.recorded: arms.stable} | ({arms.label: stable_of(arms)} if arms.told else {})
            stable = [one.but(told) for one in (judged, beside) if one is not None]
        strange = At(self.sick(signal) if selector.metric in (names.VALUE, names.FILLED) else SICK)
        others = {judged.but({label: OTHER}): strange for label in (names.ROLLOUT, names.GUARDRAIL)}
        return _Series(judged, beside, tuple(stable), others)

    def key(self, signal: Signal, selector: Selector, group: Mapping[str, str] = MappingProxyType({})) -> Key:
        """The recorded series of the judged arm; of one `group` of those that are kept apart."""
        arms = self.guardrail.arms
        labels = {label: text for label, _, text in selector.matchers}
        labels |= dict.fromkeys(signal.measure.labels, JUDGED)
        if arms is not None and signal.arm_labels and arms.told:
            labels[arms.label] = canary_of(arms)
        return Key.of(selector.metric, {**labels, **group})

    @cached_property
    def _captured(self) -> dict[Key, At]:
        found: dict[Key, At] = {}
        for signal in self.signals:
            for reference in self.relative.get(signal.name, ()):
                if reference.kind is ReferenceKind.before:
                    told = names.BEFORE
                elif reference.kind is ReferenceKind.previous_stage and self.compared(reference):
                    told = names.stage_reference(self.before(reference))
                else:
                    continue
                labels = {
                    names.ROLLOUT: self.rollout.name,
                    names.GUARDRAIL: self.guardrail.name,
                    names.REFERENCE: told,
                }
                for where in (JUDGED, BESIDE) if signal.measure.labels else ("",):
                    by = {f"{names.REFERENCE_BY}{label}": where for label in signal.measure.labels}
                    found |= captured_twice({**labels, **by}, self.base(signal))
        return found

    # Verdicts

    def breaches(self, level: Level, now: timedelta) -> list[Breach]:
        """Who is in breach: the alert, the labels of what it fires for, and its value."""
        found: dict[Instance, Breach] = {}
        for (alert, one), limit in zip(self.conditions, self.figures, strict=True):
            shown = level.signals[one.signal.name]
            if limit is None or shown.value is None or (not level.captured and self._is_captured(one)):
                continue
            if self._breached(alert, one, shown, limit, now):
                value = Decimal(1) if isinstance(shown.value, str) else shown.value
                own = instance(alert, names.SIGNAL, one.signal.name)
                found.setdefault(own, (own, alert, self.labels_of(one), value))
        thin = self.guardrail.thin if self.stage is not None or not self.rollout.stages else None
        few = [n for one in self.signals if (n := _too_few(one, level.signals[one.name])) is not None]
        if thin is not None and few:
            found[instance(thin)] = (instance(thin), thin, {}, few[0])
        blind = self.guardrail.blind
        for reason in level.reasons:
            own = instance(blind, "reason", reason)
            found[own] = (own, blind, {"reason": reason}, Decimal(1))
        return [*found.values()]

    def _is_captured(self, one: Condition) -> bool:
        """Whether its limit is relative to a figure that the receiver captured."""
        kinds = (ReferenceKind.before, ReferenceKind.previous_stage)
        return one.reference is not None and one.reference.kind in kinds

    def labels_of(self, one: Condition) -> dict[str, str]:
        """The labels of what a condition judges, as an alert has them."""
        signal, arms = one.signal, self.guardrail.arms
        labels = dict.fromkeys(signal.measure.labels, JUDGED)
        if one.state is not None:
            labels[signal.by[-1]] = one.state
        if arms is not None and signal.arm_labels:
            labels |= {arms.recorded: arms.canary} | ({arms.label: canary_of(arms)} if arms.told else {})
        return labels | ({names.SIGNAL: signal.name} if signal.name else {})

    def _breached(self, alert: Alert, one: Condition, shown: Shown, limit: Decimal, now: timedelta) -> bool:
        if alert.during is not None and not self._young(alert, now):
            return False
        if one.state is not None:
            return shown.value == one.state
        if not isinstance(shown.value, Decimal) or not one.op.breached(shown.value, limit):
            return False
        return self._enough(one, shown, limit)

    def _young(self, alert: Alert, now: timedelta) -> bool:
        return self.stage is not None or (
            alert.since_attempt and alert.during is not None and now < alert.during
        )

    def _enough(self, one: Condition, shown: Shown, limit: Decimal) -> bool:
        measure = one.signal.measure.inner
        if one.signal.events is None or not isinstance(measure, EventMeasure) or isinstance(shown.value, str):
            return True
        events, value = shown.events or Decimal(0), shown.value or Decimal(0)
        enough = events >= measure.min_events
        if one.judges_filled:
            enough = enough or (isinstance(shown.filled, Decimal) and one.op.breached(shown.filled, limit))
        elif one.least_bad is not None:
            bad = value if one.is_upper else 1 - value
            enough = enough or bad * events >= one.least_bad - Decimal("0.5")
        stable = one.reference is not None and one.reference.kind is ReferenceKind.stable
        return enough and (not stable or (shown.stable_events or 0) >= measure.min_events)


def _too_few(signal: Signal, shown: Shown) -> Decimal | None:
    """How many events there are, where they are too few to judge."""
    measure, events = signal.measure.inner, shown.events
    if not isinstance(measure, EventMeasure) or events is None or not events.is_finite():
        return None
    return events if 0 < events < measure.min_events else None


def _times(value: Value | None, events: Decimal | None) -> Decimal | None:
    return None if events is None or not isinstance(value, Decimal) else value * events
