"""A guardrail → example series of everything it looks at, in small different numbers.

No value is aimed at: what they come to is worked out by plain arithmetic (arithmetic.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property, lru_cache

from handrail.contract import names
from handrail.emit.promtool.arithmetic import INSTANCE, LE, Shows, bound_of, parts, selectors, value
from handrail.emit.promtool.attempts import canary_of, stable_of
from handrail.emit.promtool.series import (
    OTHER,
    At,
    Feed,
    Feeds,
    Impossible,
    Key,
    Reads,
    Rise,
    chosen,
    common,
    matches,
)
from handrail.plan import (
    Absence,
    Changes,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Guardrail,
    Increase,
    Latency,
    Measure,
    PromQL,
    Rate,
    Ratio,
    Selector,
    Signal,
    Silence,
    SlowerThan,
    State,
    StateChanges,
    Timestamp,
    Usage,
    While,
    narrowed,
)
from handrail.promql.buckets import le

UNPAIRED = "two of its measures look at one series, and a difference needs two"
NATIVE = "promtool before 2.54 cannot be given native histograms"


@dataclass(frozen=True)
class Measured:
    """A guardrail with the series of everything it looks at, of the judged arm and of the stable one."""

    guardrail: Guardrail

    @cached_property
    def width(self) -> timedelta:
        """The widest of its windows."""
        return max(part.width for signal in self.guardrail.signals for part in parts(signal.measure))

    @cached_property
    def keys(self) -> dict[Key, None]:
        """Raises Impossible where there can be no series of one of its measures."""
        found: dict[Key, None] = {}
        for signal in self.guardrail.signals:
            for given in self._arms(signal):
                found |= dict.fromkeys(examples(signal.measure, given))
        return found

    @property
    def impossible(self) -> str:
        """Why there can be no such series; empty where there can."""
        try:
            there, whole = bool(self.keys), all(map(self._paired, self.guardrail.signals))
        except Impossible as reason:
            return str(reason)
        return ("" if whole else UNPAIRED) if there else "it looks at nothing"

    def _paired(self, signal: Signal) -> bool:
        """Whether both sides of a difference are there in each of its groups."""
        one = signal.measure.inner
        if not isinstance(one, Difference) or not one.by:
            return True
        groups = [
            {tuple(key.labels.get(label, "") for label in one.by) for key in self.keys if matches(side, key)}
            for side in (one.metric, one.minus)
        ]
        return groups[0] == groups[1]

    def _arms(self, signal: Signal) -> list[dict[str, str]]:
        arms = self.guardrail.arms
        if arms is None or (not signal.arm_labels and not isinstance(signal.measure, Absence)):
            return [{}]
        return [{arms.label: canary_of(arms)}, {arms.label: stable_of(arms)}]

    def measure(self, signal: Signal) -> Measure:
        """That of the judged arm alone."""
        return self._measures[signal.name]

    @cached_property
    def _measures(self) -> dict[str, Measure]:
        arms = self.guardrail.arms
        return {
            signal.name: signal.measure
            if arms is None or not signal.arm_labels
            else narrowed(signal.measure, (arms.label, "=", canary_of(arms)))
            for signal in self.guardrail.signals
        }

    @cached_property
    def sources(self) -> dict[Key, Silence]:
        """The series that show whether what it measures still comes."""
        every = dict.fromkeys(silence for signal in self.guardrail.signals for silence in signal.silences)
        return {chosen(one, {}): silence for silence in every for one in silence.shown_by}

    @property
    def recorded_of_others(self) -> Feeds:
        """The same recordings of another guardrail and of another rollout, which nobody may take for these."""
        found: dict[Key, Feed] = {}
        for signal in self.guardrail.signals:
            labels = {label: text for label, _, text in signal.value.matchers}
            labels |= {INSTANCE: "a", LE: "+Inf", **dict.fromkeys(signal.measure.labels, "x")}
            for one in signal.recordings:
                for label in (names.ROLLOUT, names.GUARDRAIL):
                    found[Key.of(one.record, {**labels, label: OTHER})] = At(Decimal(1))
        return found

    def read(self, signal: Signal, keys: Iterable[Key]) -> tuple[Key, ...]:
        """Those of these series that a signal looks at, of whichever arm."""
        own = self._reads_of[signal.name]
        return tuple(key for key in keys if key in own)

    @cached_property
    def _reads_of(self) -> dict[str, Reads]:
        return {name: Reads(selectors(measure)) for name, measure in self._measures.items()}

    def reads(self, key: Key) -> bool:
        """Whether it looks at a series, which may be another guardrail's too."""
        return key in self._reads

    @cached_property
    def _reads(self) -> Reads:
        return Reads(self.selectors)

    @cached_property
    def selectors(self) -> list[Selector]:
        """Every series that it looks at, of whichever arm: targets are known by all they show."""
        arms, every = (
            self.guardrail.arms,
            [one for s in self.guardrail.signals for one in selectors(s.measure)],
        )
        return every if arms is None else [one.without(arms.label) for one in every]


def as_they_must(
    keys: Iterable[Key], measures: Sequence[Measure], shows: Callable[[Mapping[Key, Decimal]], Shows]
) -> dict[Key, Decimal]:
    """A small number for each series; for conditions to hold as large ones as it takes; 1 and 0 for states."""
    found = small_numbers(keys, [part for one in measures for part in parts(one)])
    for one in measures:
        if isinstance(one, While):
            found |= _holding(one, found, shows)
    for state in (part for one in measures for part in parts(one) if isinstance(part, State)):
        own = [key for key in found if matches(state.metric, key)]
        found |= {key: Decimal(key.labels.get(state.label) == "one") for key in own}
    return found


def _holding(
    measure: While, numbers: Mapping[Key, Decimal], shows: Callable[[Mapping[Key, Decimal]], Shows]
) -> dict[Key, Decimal]:
    """The condition's series as large as it takes; as they are where nothing helps."""
    moved = selectors(measure.condition)
    if isinstance(measure.condition, Usage):
        moved = [*measure.condition.used]
    elif isinstance(measure.condition, Difference):
        moved = [measure.condition.metric]
    reads, moving = Reads(selectors(measure.condition)), Reads(moved)
    looked_at = {key: one for key, one in numbers.items() if key in reads}
    own = {key: one for key, one in looked_at.items() if key in moving}
    for factor in map(Decimal, ("1", "0", "10", "100", "10000", "1000000", "0.01")):
        tried = {key: one * factor for key, one in own.items()}
        shown = value(measure.condition, shows({**looked_at, **tried}))
        if shown is not None and measure.op.breached(shown, measure.bound):
            return tried
    return {}


def motion(measure: Measure) -> type[Rise | At] | None:
    """How what it looks at has to move steadily: as a counter that rises, as a gauge, or not at all."""
    match measure:
        case While(inner):
            return motion(inner)
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate():
            return Rise
        case Growth() | Forecast():
            return At
        case Gauge() | Usage() | State() | StateChanges() | Difference() | Count() | Changes():
            return None
        case Timestamp() | Absence() | PromQL():
            return None


def examples(measure: Measure, given: Mapping[str, str]) -> Iterator[Key]:
    """One series of each thing it looks at, with these labels. Raises Impossible where there can be none."""
    for part in parts(measure):
        alike = {label: common(selectors(part), label, given.get(label, "x")) for label in _alike(part)}
        labels = {**given, **alike}
        match part:
            case Latency(native=True) | SlowerThan(native=True):
                raise Impossible(NATIVE)
            case Latency() | SlowerThan():
                yield from _histogram(part.histogram, _bounds(part), labels)
            case Increase(counters=counters, bound=Decimal() as bound):
                for one in counters:
                    yield from _histogram(one, [bound], labels)
            case State(metric=metric, label=label):
                yield from (chosen(metric, {**labels, label: state}) for state in ("one", "other"))
            case Ratio(part=bad, whole=whole):
                yield from (chosen(one, labels) for one in selectors(part))
                yield from _beside(bad, whole, labels)
            case Increase() | Rate() | Gauge() | Usage() | StateChanges() | Growth() | Difference() | Count():
                yield from (chosen(one, labels) for one in selectors(part))
            case Timestamp() | Forecast() | Changes() | Absence() | PromQL():
                yield from (chosen(one, labels) for one in selectors(part))


def _alike(measure: Measure) -> Iterable[str]:
    """The labels that series which it reckons with together must have alike."""
    match measure:
        case Usage(over="max"):
            return dict.fromkeys(
                [*measure.by, *(label for one in selectors(measure) for label, _, _ in one.matchers)]
            )
        case State():
            return ()
        case Ratio() | Latency() | SlowerThan() | Increase() | Rate() | Gauge() | Usage() | StateChanges():
            return measure.labels
        case Growth() | Difference() | Count() | Timestamp() | Forecast() | Changes() | Absence() | PromQL():
            return measure.labels
        case While():
            return measure.labels


def _bounds(measure: Latency | SlowerThan) -> list[Decimal]:
    if isinstance(measure, SlowerThan):
        return [measure.bound]
    every = measure.buckets or (Decimal("0.1"), Decimal(1), Decimal(10))
    return [every[0], every[len(every) // 2], every[-1]]  # these are enough to tell a quantile


def _histogram(series: Selector, bounds: Iterable[Decimal], labels: Mapping[str, str]) -> Iterator[Key]:
    buckets = series.suffixed("_bucket")
    yield from (chosen(buckets, {**labels, LE: le(bound)}) for bound in bounds)
    yield chosen(buckets, {**labels, LE: "+Inf"})
    yield chosen(series.suffixed("_count"), labels)


def _beside(bad: Sequence[Selector], whole: Sequence[Selector], labels: Mapping[str, str]) -> Iterator[Key]:
    """Series of the whole that are no part."""
    for one in whole:
        for part in (part for part in bad if part.metric == one.metric):
            for label in dict.fromkeys(label for label, _, _ in part.matchers):
                own = tuple(m for m in part.matchers if m[0] == label)
                if set(own) <= set(one.matchers):
                    continue
                rest = tuple(m for m in one.matchers if m[0] != label)
                key = chosen(Selector(one.metric, own + rest), labels, flipped=label)
                if matches(one, key) and not any(matches(p, key) for p in bad):
                    yield key


def strangers(feeds: Feeds, reads: Sequence[Selector]) -> Feeds:
    """The same series, seven times as much, with one label of their matchers changed, where nobody reads them then."""
    found, known = dict[Key, Feed](), Reads(reads)
    for label in dict.fromkeys(label for one in reads for label, _, _ in one.matchers if label != LE):
        for key, feed in feeds.items():
            if label in key.labels and (other := key.but({label: OTHER})) not in known:
                found[other] = (
                    Rise(feed.step * 7, feed.start) if isinstance(feed, Rise) else At(feed.level * 7)
                )
    return found


def complete(keys: Iterable[Key]) -> list[Key]:
    """The same series; each of a histogram with all buckets that any of that name has."""
    own, bounds = dict.fromkeys(keys), dict[str, dict[str, None]]()
    for key in own:
        if LE in key.labels:
            bounds.setdefault(key.metric, {})[key.labels[LE]] = None
    for key in list(own):
        for bound in bounds.get(key.metric, ()):
            own[key.but({LE: bound})] = None
    return [*own]


@lru_cache(4096)
def of_targets(key: Key) -> tuple[Key, ...]:
    """The series of each of two targets."""
    return (key,) if INSTANCE in key.labels else tuple(key.but({INSTANCE: target}) for target in ("a", "b"))


def cumulative(numbers: Mapping[Key, Decimal]) -> dict[Key, Decimal]:
    """Of histograms: each bucket as much as the one below and something more, the last two as much as there is."""
    grouped: dict[Key, list[Key]] = {}
    for key in numbers:
        if bound_of(key) is not None:
            grouped.setdefault(
                Key.of(key.metric.removesuffix("_bucket") + "_count", {**key.labels, LE: ""}), []
            ).append(key)
    found: dict[Key, Decimal] = {}
    for count, buckets in grouped.items():
        buckets.sort(key=lambda key: bound_of(key) or Decimal(0))
        each = numbers[buckets[0]]
        found |= {key: each * (place + 1) * 10 for place, key in enumerate(buckets)}
        if len(buckets) > 1:  # nothing is slower than the last bound but one
            found[buckets[-1]] = found[buckets[-2]]
        if count in numbers:
            found[count] = found[buckets[-1]]
    return found


def small_numbers(keys: Iterable[Key], measures: Iterable[Measure]) -> dict[Key, Decimal]:
    """A small number for each series, more for what is the whole of a share alone; histograms are cumulative."""
    ratios = [one for one in measures if isinstance(one, Ratio)]
    whole = Reads(one for ratio in ratios for one in ratio.whole)
    bad = Reads(one for ratio in ratios for one in ratio.part)
    found = {}
    for place, key in enumerate(keys):
        found[key] = Decimal((place % 7 + 1) * (50 if key in whole and key not in bad else 1))
    return found | cumulative(found)
