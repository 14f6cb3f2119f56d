"""A guardrail in a stage → what may be recorded of it, one level after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from handrail.emit.promtool.boundaries import Boundaries, Value, derived
from handrail.plan import Condition, EventMeasure, Latency, Ratio, ReferenceKind, Signal, SlowerThan
from handrail.units import plain, show

MANY = Decimal(10**6)
"""Of so many events every share can be had to the last digit."""
MISSING, BUCKETS, NUMBERS = "its metrics are missing", "its buckets are missing", "its values are no numbers"
STABLE_MISSING = "the stable arm's metrics are missing"
NAN, INFINITE = Decimal("NaN"), Decimal("Infinity")


@dataclass(frozen=True)
class Shown:
    """What is recorded of a signal: of the judged arm, and of the stable one. None: nothing."""

    value: Value | None
    events: Decimal | None
    filled: Value | None
    stable: Decimal | None
    stable_events: Decimal | None
    part: Decimal | None = None
    """So many events that a share is the share of as no share can have."""


@dataclass(frozen=True)
class Level:
    """What is recorded of a guardrail at an evaluation: of each signal, and whether its captured figures are there."""

    signals: Mapping[str, Shown]
    captured: bool = True
    reasons: tuple[str, ...] = ()
    """Why it is blind at it."""


@dataclass(frozen=True, eq=False)
class Levels(Boundaries):
    """The same guardrail, and what may be recorded of it."""

    @cached_property
    def calm(self) -> Level:
        """All is well."""
        return Level({one.name: self._shown(one, self.healthy(one)) for one in self.signals})

    def _shown(self, signal: Signal, value: Value | None) -> Shown:
        """Of enough events. The stable arm is well where it is compared with; elsewhere it is sick, which is nobody's business."""
        measure = signal.measure.inner
        enough = max(MANY, Decimal(measure.min_events)) if isinstance(measure, EventMeasure) else None
        compared = any(one.kind is ReferenceKind.stable for one in self.relative.get(signal.name, ()))
        healthy = self.healthy(signal)
        stable = None if isinstance(healthy, str) else healthy if compared else self.sick(signal)
        return Shown(value, enough, healthy if signal.filled else None, stable, enough)

    def limits(self) -> list[Level]:
        """From limit to limit, each milder one first: at it, and beyond it until who is in breach fires."""
        steps = {signal.name: list(self.ladder(signal)) for signal in self.signals}
        longest = max(map(len, steps.values()), default=0)
        return [
            self._with({name: values[place] for name, values in steps.items() if place < len(values)})
            for place in range(longest)
        ]

    def elsewhere(self, places: Sequence[Boundaries]) -> list[Level]:
        """Just under and just over each limit that this stage has; where it has none, over those of other places."""
        steps: dict[str, list[Value]] = {}
        for _, one in self.conditions:
            own = steps.setdefault(one.signal.name, [])
            if self.judged(one):
                own += [] if self.over(one) in own else [self.under(one), self.over(one)]
                own += [] if any(there.judged(one) for there in places) else [self.over(one)]
            else:
                own += [there.over(one) for there in places if there.judged(one)][:1]
        longest = max(map(len, steps.values()), default=0)
        return [
            self._with({name: values[place] for name, values in steps.items() if place < len(values)})
            for place in range(longest)
        ]

    @cached_property
    def worst(self) -> Level:
        """Beyond every limit of one side of each signal."""
        ladders = ((signal, list(self.ladder(signal))) for signal in self.signals)
        return self._with({signal.name: ladder[-3] for signal, ladder in ladders if ladder})

    @property
    def dire(self) -> Level:
        """The same of too few events, of which so many are bad that the others do not matter."""
        found: dict[str, Shown] = {}
        for one in self.signals:
            shown, well = self.worst.signals[one.name], self.healthy(one)
            if isinstance(one.measure.inner, EventMeasure) and isinstance(shown.value, Decimal):
                if derived(one) and isinstance(well, Decimal) and shown.value != well:
                    shown = replace(shown, value=Decimal(shown.value > well))
                filled = shown.value if one.filled else None
                shown = replace(shown, events=few_of(one.measure.inner), filled=filled)
            found[one.name] = shown
        return Level(found)

    def _with(self, values: Mapping[str, Value]) -> Level:
        by_name = {signal.name: signal for signal in self.signals}
        moved = {name: self._shown(by_name[name], value) for name, value in values.items()}
        return Level({**self.calm.signals, **moved})

    def few(self) -> list[Level]:
        """Too few events, then so few that only bad ones decide, then a stable arm with too few; of each signal once alone."""
        counted = [signal for signal in self.signals if signal.events is not None]
        steps = {one.name: [*self._few(one)] for one in counted}
        for place, one in enumerate(counted):
            if place and steps[one.name]:
                first, calm = steps[one.name][0], self.calm.signals[one.name]
                steps[one.name][0] = calm
                steps[one.name] += [calm] * (place - 1) + [replace(calm, events=first.events)]
        longest = max(map(len, steps.values()), default=0)
        return [
            Level(
                {**self.calm.signals, **{n: shown[place] for n, shown in steps.items() if place < len(shown)}}
            )
            for place in range(longest)
        ]

    def _few(self, signal: Signal) -> Iterator[Shown]:
        own = [c for _, c in self.conditions if c.signal == signal and self.judged(c)]
        measure, calm = signal.measure.inner, self.calm.signals[signal.name]
        if not isinstance(measure, EventMeasure):
            return
        few = few_of(measure)
        if not own:
            yield replace(calm, events=min(few, Decimal(1)))
            yield replace(calm, events=few)
            yield replace(calm, events=Decimal(measure.min_events))
            return
        yield replace(calm, value=self.beyond(own[0]), events=min(few, Decimal(1)))
        for value in self._beyond_several(own, few):
            yield replace(calm, value=value, events=few)
            yield replace(calm, value=value, events=Decimal(measure.min_events))
        for one in own:
            if one.judges_filled:
                over = replace(calm, value=self.beyond(one), events=few)
                yield replace(over, filled=self.under(one))
                yield replace(over, filled=self.over(one))
        counted = [c for c in own if not c.judges_filled and c.least_bad is not None]
        for least, far in dict.fromkeys((c.least_bad or 0, Decimal(c.is_upper)) for c in counted):
            bad = (least - by for by in (Decimal(1), Decimal("0.5")) if least > by)
            yield from (replace(calm, value=far, events=number) for number in bad)
        if any(one.reference and one.reference.kind is ReferenceKind.stable for one in own):
            relative = next(
                one for one in own if one.reference and one.reference.kind is ReferenceKind.stable
            )
            value = self.beyond(relative)
            yield replace(calm, value=value, stable_events=few)
        yield calm

    def _beyond_several(self, conditions: Sequence[Condition], few: Decimal) -> Iterator[Value]:
        """Values beyond the limits of all of them, each of which few events make a breach of as few as can be."""
        left = list(conditions)
        while left:
            shown = [(self.beyond(one), self._alike(left, one, few)) for one in left]
            value, alike = max(shown, key=lambda pair: len(pair[1]))
            yield value
            left = [one for one in left if one not in alike]

    def _alike(self, conditions: Sequence[Condition], shown: Condition, few: Decimal) -> list[Condition]:
        """Those that this value is beyond as well, where it is no verdict of so few events."""
        value = self.beyond(shown)
        if not isinstance(value, Decimal):
            return [shown]
        found = [shown]
        for one in conditions:
            limit, bad = self.limit(one), few * (value if one.is_upper else 1 - value)
            beyond = limit is not None and one.op.breached(value, limit)
            enough = not one.judges_filled and one.least_bad is not None and bad >= one.least_bad - 1
            if one != shown and beyond and not enough:
                found.append(one)
        return found

    @property
    def scarce(self) -> Level:
        """Of everything that is counted too few."""
        few = {
            signal.name: replace(shown, events=few_of(signal.measure.inner))
            for signal in self.signals
            if isinstance(signal.measure.inner, EventMeasure)
            for shown in [self.calm.signals[signal.name]]
        }
        return Level({**self.calm.signals, **few})

    def said(self, level: Level) -> str:
        """What is recorded, for people: why it is blind, or the value of each signal that is not as healthy as ever."""
        told = list(level.reasons)
        if not told:
            moved = [one for one in self.signals if level.signals[one.name] != self.calm.signals[one.name]]
            told += [
                f"{one.name} {self._said(one, level.signals[one.name])}".strip()
                for one in moved or self.signals
            ]
        return f"{self.guardrail.name}: {', '.join(told)}"

    def _said(self, signal: Signal, shown: Shown) -> str:
        calm = self.calm.signals[signal.name]
        text = "nothing" if shown.value is None else shown_as(shown.value, signal)
        if shown.events != calm.events and shown.events is not None:
            text += f" of {plain(shown.events)} events"
        if shown.filled != calm.filled and shown.filled is not None:
            text += f", at best {shown_as(shown.filled, signal)}"
        if shown.stable_events != calm.stable_events and shown.stable_events is not None:
            text += f", the stable arm's of {plain(shown.stable_events)} events"
        return text

    @property
    def idle(self) -> Level:
        """Of everything that is counted nothing happens, and so there is no value."""
        shown = {
            one.name: replace(self.calm.signals[one.name], value=None, filled=None, events=Decimal(0))
            for one in self.signals
            if one.events is not None
        }
        return Level({**self.calm.signals, **shown})

    def lost(self) -> list[Level]:
        """Of each thing that it needs something is missing, one after the other."""
        calm, arms = self.calm, self.guardrail.arms
        levels: list[Level] = []
        nothing = {name: replace(s, value=None, events=None, filled=None) for name, s in calm.signals.items()}
        levels.append(Level(nothing, reasons=(MISSING,)))
        counted = {one.name: one for one in self.signals if one.events is not None}
        for broken in (False, True) if counted else ():
            shown, reasons = dict(calm.signals), list[str]()
            for name, signal in counted.items():
                inner = signal.measure.inner
                if isinstance(inner, Ratio) and inner.beside and not broken:
                    continue  # it may be more than the whole
                part = None if broken or not derived(signal) else 2 * MANY
                slow = isinstance(inner, Latency | SlowerThan)  # infinite ones would miss their buckets too
                events = (NAN if slow else INFINITE) if broken else Decimal(1)
                shown[name] = replace(calm.signals[name], value=None, filled=None, events=events, part=part)
                reasons.append(BUCKETS if slow and not broken else NUMBERS)
            levels.append(Level(shown, reasons=tuple(dict.fromkeys(reasons))))
        if self.beside_stable and arms is not None and self.has_both:
            alone = {n: replace(s, stable=None, stable_events=None) for n, s in calm.signals.items()}
            levels.append(Level(alone, reasons=(STABLE_MISSING,)))
        if self.captured_reasons:
            levels.append(self.unsaid)
        return levels

    @property
    def unsaid(self) -> Level:
        """The receiver does not report the figures that it is compared with here."""
        return Level(self.calm.signals, captured=False, reasons=self.captured_reasons)

    @cached_property
    def captured_reasons(self) -> tuple[str, ...]:
        """Why it is blind while they are not reported."""
        reasons = []
        for reference in dict.fromkeys(one for several in self.relative.values() for one in several):
            if reference.kind is ReferenceKind.before:
                reasons.append("the figure from before the rollout is missing")
            elif reference.kind is ReferenceKind.previous_stage and self.compared(reference):
                reasons.append(f"the figure of stage {self.before(reference)} is missing")
        return tuple(dict.fromkeys(reasons))


def shown_as(value: Value, signal: Signal) -> str:
    """In the words of its unit, to six digits."""
    return value if isinstance(value, str) else show(Decimal(f"{value:.6g}"), signal.unit)


def few_of(measure: EventMeasure) -> Decimal:
    """The most events that are too few; a part of one (of what is counted in seconds, say) where one is enough."""
    return Decimal(measure.min_events - 1) or Decimal("0.95")
