"""A guardrail in one stage → values on either side of its limits, the series that give them, and who is in breach at a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, cached_property

from handrail.contract import names
from handrail.emit.promtool.attempts import canary_of, captured_twice
from handrail.emit.promtool.series import At, Key, chosen, matches
from handrail.plan import (
    Absence,
    Changes,
    Condition,
    Growth,
    Increase,
    Latency,
    Measure,
    PromQL,
    Ratio,
    Selector,
    SeriesMeasure,
    Signal,
    SlowerThan,
    State,
    StateChanges,
    Usage,
    narrowed,
)

from oracle.feeds import (
    MANY,
    Pace,
    Value,
    bounds_in,
    edges,
    feeds,
    group,
    measured,
    selectors,
    shared,
    whole,
)
from oracle.figures import bounds, calm, exact, just_over, just_under, unsure
from oracle.series import Feed, Feeds
from oracle.series_feeds import paired, series_far, spread
from oracle.stage_limits import StageLimits

CHANGED = Decimal(1)
LE = "le"
NEUTRAL = ("calm", "quiet")

Values = Mapping[str, Value]
"""The value of each signal by its name."""


@dataclass(frozen=True)
class Subject(StageLimits):
    """A guardrail while its rollout is in `stage` (None: in none)."""

    # Values

    def over(self, condition: Condition) -> Value:
        """A value just beyond the limit."""
        if isinstance(condition.signal.measure, StateChanges):
            return CHANGED
        if condition.state is not None:
            return condition.state
        return just_over(condition, self._limit(condition), self.rollout.scrape)

    def under(self, condition: Condition) -> Value:
        """A value just on the right side of the limit; the limit itself where that can be had exactly."""
        if isinstance(condition.signal.measure, StateChanges):
            return Decimal(0)
        if condition.state is not None:
            return self._neutral[0]
        return just_under(condition, self._limit(condition), self.rollout.scrape)

    def far(self, signal: Signal, *, up: bool) -> Value:
        """A value far beyond every limit on that side."""
        measure = signal.measure.inner
        limits = [self._limit(c) for c in self.conditions if c.signal == signal and c.is_upper == up]
        low, _ = bounds(measure)
        if isinstance(measure, Ratio | SlowerThan | Absence) or (isinstance(measure, Usage) and measure.left):
            return Decimal(up)
        if isinstance(measure, Latency):
            shape = edges(measure, self._near(signal, measure.scale))
            return shape[-1] * measure.scale if up else shape[0] * measure.scale * measure.q
        if isinstance(measure, SeriesMeasure):
            most = series_far(measure, limits, self.rollout.scrape, up=up)
            if most is not None:
                return most
        if up:
            return max(4 * abs(max(limits)), max(limits) + 10) // 1 + 1
        return low if low is not None else min(limits) - 4 * abs(min(limits)) - 10

    def healthy(self) -> dict[str, Value]:
        """A value of each signal that is beyond no limit."""
        return self.with_value({}, None, Decimal(0))

    def with_value(self, others: Values, signal: Signal | None, value: Value) -> dict[str, Value]:
        """One signal has this value and comes first; the rest is as in `others`, or healthy."""
        found: dict[str, Value] = {} if signal is None else {signal.name: value}
        for one in self.guardrail.signals:
            found.setdefault(one.name, others[one.name] if one.name in others else self._healthy(one))
        return found

    def _healthy(self, signal: Signal) -> Value:
        measure = signal.measure.inner
        if isinstance(measure, State):
            return self._neutral[0]
        if isinstance(measure, StateChanges | Absence | PromQL):
            return Decimal(0)
        own = [(c.op, self._limit(c)) for c in self.conditions if c.signal.measure == signal.measure]
        if not own:
            return Decimal(0) if isinstance(measure, Increase | Growth | Changes) else self.base(signal)
        return calm(measure, own)

    def _limit(self, condition: Condition) -> Decimal:
        limit = self.limit(condition)
        if limit is None:
            raise TypeError("nothing is judged here")
        return limit

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The states that tiers name, and two that none does."""
        named = [c.state for alert in self.alerts for c in alert.conditions if c.state is not None]
        return (*dict.fromkeys(named), *self._neutral)

    @property
    def quiet(self) -> str:
        """A state that no tier names, and not what something healthy is in."""
        return self._neutral[1]

    @cached_property
    def _neutral(self) -> tuple[str, ...]:
        named = {c.state for alert in self.alerts for c in alert.conditions}
        return tuple(state if state not in named else f"{state}-again" for state in NEUTRAL)

    # Series

    @cached_property
    def pace(self) -> Callable[..., Pace]:
        """How a signal is fed (of one `arm`): enough events that each scrape alone would do, labels of the arm and of one series."""
        return cache(self._pace)

    def _pace(self, signal: Signal, arm: str | None = None) -> Pace:
        measure = signal.measure.inner
        own = self.guardrail.arms
        labels = {
            label: text for label, text in shared(signal, self.guardrail.signals).items() if label != LE
        }
        labels |= group(signal.measure, labels)
        if own is not None and own.label in signal.by:
            labels[own.label] = arm or canary_of(own)
        if isinstance(measure, State):
            labels.pop(measure.label)
        least = Decimal(10 ** len(str(10 * getattr(measure, "min_events", 10))))
        shape: tuple[Decimal, ...] = ()
        if isinstance(measure, Latency):
            least = max(least, MANY.scaleb(-(1 - measure.q).adjusted()))
        if isinstance(measure, Latency | SlowerThan):
            shape = edges(measure, self._near(signal, measure.scale))
            beside = (one.measure.inner for one in self.guardrail.signals)
            shape = tuple(sorted({*shape, *bounds_in(measure.histogram, beside)}))
        if isinstance(measure, Ratio | SlowerThan):  # so many that a healthy share of them is a whole number
            least = max([least, *(whole(value, least) for value in self._near(signal, Decimal(1)))])
        return Pace(self.rollout.scrape, least, labels, self.states, shape)

    def _near(self, signal: Signal, scale: Decimal) -> list[Decimal]:
        """Every figure that its histogram must be able to show: the limits of other stages are tried here as well."""
        found = [self._limit(c) for c in self.conditions if c.signal == signal]
        fixed = (c for c in self._tiers if c.signal == signal and c.reference is None)
        found += [limit.figure for c in fixed for limit in c.limits if limit.figure is not None]
        if signal in self.compared_with.values():
            found.append(self.base(signal))
        places = [self]
        if isinstance(signal.measure.inner, Latency):  # through all stages its buckets are the same
            places += [replace(self, stage=stage.name) for stage in self.rollout.stages]
        healthy = [one._healthy(signal) for one in places]
        return [value / scale for value in [*found, *healthy] if isinstance(value, Decimal)]

    def measure(self, signal: Signal, arm: str | None = None) -> Measure:
        """The measure of one arm alone."""
        own = self.guardrail.arms
        told = isinstance(signal.measure, Absence) and signal.measure.arm is not None
        if own is None or (own.label not in signal.by and not told):
            return signal.measure
        return narrowed(signal.measure, (own.label, "=", arm or canary_of(own)))

    def fed(
        self,
        values: Values,
        *,
        arm: str | None = None,
        times: Decimal = Decimal(1),
    ) -> dict[Key, Feed]:
        """Series that give every signal its value, with `times` as many events as usual."""
        found: dict[Key, Feed] = {}
        read: list[Selector] = []
        for signal in self._in_order(values):
            pace, measure, value = self.pace(signal, arm=arm), self.measure(signal, arm), values[signal.name]
            own = dict(feeds(measure, value, pace.of(pace.events * times)))
            found |= {key: feed for key, feed in own.items() if not any(matches(s, key) for s in read)}
            read += selectors(measure)
        for signal in self._in_order(values):
            paired(self.measure(signal, arm), signal.arm_labels, found)
        return found

    def _in_order(self, values: Values) -> list[Signal]:
        by_name = {signal.name: signal for signal in self.guardrail.signals}
        return [
            by_name[name] for name in values if not isinstance(by_name[name].measure, StateChanges | PromQL)
        ]

    def known(self, values: Values, fed: Feeds | None) -> dict[str, Value]:
        """Of signals that look at the same series, the first has its value, and the others what `fed` then gives them.

        Where that is not steady (None), nothing is known of them.
        """
        found, read = dict(values), list[Selector]()
        for signal in self._in_order(values):
            measure = self.measure(signal)
            own = feeds(measure, values[signal.name], self.pace(signal))
            if any(matches(s, key) for s in read for key in own):
                value = None if fed is None else measured(measure, fed, self.rollout.scrape)
                found |= {signal.name: value} if value is not None else {}
                if value is None:
                    del found[signal.name]
            read += selectors(measure)
        return found

    @cached_property
    def entangled(self) -> bool:
        """Whether two of its signals look at one series."""
        healthy = self.healthy()
        known = self.known(healthy, None)
        return len(known) < len(healthy)

    def reads(self) -> list[Selector]:
        """Every series of the service that the guardrail looks at, of whichever arm: targets are known by all they show."""
        arms, found = (
            self.guardrail.arms,
            [s for one in self.guardrail.signals for s in selectors(one.measure)],
        )
        return found if arms is None else [selector.without(arms.label) for selector in found]

    def told(self) -> Feeds:
        """The figures that the receiver captured and that limits here are relative to."""
        found: dict[Key, At] = {}
        for reference, signal in self.compared_with.items():
            name = self.captured(reference)
            if name is not None:
                labels = {
                    names.ROLLOUT: self.rollout.name,
                    names.GUARDRAIL: self.guardrail.name,
                    names.REFERENCE: name,
                }
                one = chosen(selectors(signal.measure)[0], self.pace(signal).labels)
                own = dict(one.labels)
                labels |= {
                    f"{names.REFERENCE_BY}{label}": own.get(label, "") for label in signal.measure.labels
                }
                found |= captured_twice(labels, self.base(signal))
        return found

    # Verdicts

    def breached(self, conditions: Iterable[Condition], values: Values) -> bool | None:
        """Whether one of these is in breach at these values; None where it may be."""
        found = [self._breach(one, values.get(one.signal.name)) for one in conditions]
        return True if True in found else None if None in found else False

    def _breach(self, condition: Condition, value: Value | None) -> bool | None:
        limit = self.limit(condition)
        if limit is None:
            return False
        if value is None:
            return None
        if isinstance(value, str) or condition.state is not None:
            return value == condition.state
        measure = condition.signal.measure.inner
        below, above = spread(measure, self.rollout.scrape)
        if below or above:
            verdicts = {condition.op.breached(value + by, limit) for by in (-below, above)}
            return verdicts.pop() if len(verdicts) == 1 else None
        if abs(value - limit) < limit * unsure(measure, self.rollout.scrape):
            return None
        none = value == 0 and isinstance(measure, Increase)
        if value == limit and not none and not exact(condition, limit):
            return None
        return condition.op.breached(value, limit)
