"""Alerts that look back on what the service itself showed some time ago → stories of either side of their limits.

The past is short: the series are there for a window back then, and then no more. So what is recorded now is what is fed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail.contract import names
from handrail.emit.promtool.arithmetic import Shows, events, parts, selectors, value
from handrail.emit.promtool.boundaries import MARGIN, derived
from handrail.emit.promtool.examples import Measured, as_they_must, complete, motion
from handrail.emit.promtool.levels import MANY as ENOUGH
from handrail.emit.promtool.levels import few_of, shown_as
from handrail.emit.promtool.looking_back import CLOSE, PAST, Looking, looking, of_free
from handrail.emit.promtool.losses import seldom
from handrail.emit.promtool.series import (
    At,
    Feed,
    Feeds,
    Impossible,
    Key,
    Reads,
    Rise,
    Timeline,
    matches,
)
from handrail.emit.promtool.story import Breach, Course, Instance, Story, Text, Untestable, instance
from handrail.plan import (
    Count,
    Difference,
    EventMeasure,
    Gauge,
    Growth,
    Increase,
    Measure,
    Rate,
    Ratio,
    Rollout,
    Selector,
    Timestamp,
    Usage,
)
from handrail.units import plain, seconds

COMPARES = "A tier that compares with the past is silent just within its limit and fires just beyond it"
MOST, MANY = Decimal(10) ** 12, 150
"""So large numbers, and so many series, are not too many."""
MILLISECOND = timedelta(milliseconds=1)
"""promtool knows no shorter time."""


def past(rollout: Rollout) -> Iterator[Story | Untestable]:
    """For all that look equally far back: their limits one after the other."""
    groups: dict[tuple[timedelta, timedelta], list[Looking]] = {}
    for guardrail in rollout.guardrails:
        if guardrail.split is None:
            yield from of_free(guardrail)
            for one in looking(rollout, guardrail):
                try:
                    alone = _Past(rollout, one.back, one.width, (one,))
                    alone.limit(one)
                    alone.compared_at(alone.first)
                except Impossible as reason:
                    yield Untestable(f"{guardrail.name}, {one.alert.tier}", str(reason))
                else:
                    groups.setdefault((one.back, one.width), []).append(one)
    for (back, width), several in groups.items():
        try:
            yield _Past(rollout, back, width, tuple(several)).story()
        except Impossible:  # no series show all of them at once
            for one in several:
                yield _Past(rollout, back, width, (one,)).story()


_Round = tuple[str | None, list[tuple[Looking, bool]]]
"""A stage, and which conditions are shown in it: each just within its limit, or just beyond it."""


def _judged(one: Looking) -> tuple[str, str]:
    """What it judges: a guardrail's signal."""
    return one.here.guardrail.name, one.condition.signal.name


def _instance(one: Looking) -> Instance:
    return instance(one.alert, names.SIGNAL, one.condition.signal.name)


def _breach(one: Looking, shown: Decimal) -> Breach:
    return _instance(one), one.alert, one.here.labels_of(one.condition) | one.group, shown


def _raises(measure: Measure) -> Sequence[Selector]:
    """The series that raise its value when they show more; none where that is not known."""
    if isinstance(measure, Ratio):
        return measure.part
    if isinstance(measure, Usage):
        return measure.used
    if isinstance(measure, Difference):
        return (measure.metric,)
    return tuple(selectors(measure)) if isinstance(measure, Gauge | Growth | Increase | Rate) else ()


@dataclass(frozen=True)
class _Past:
    rollout: Rollout
    back: timedelta
    width: timedelta
    looking: tuple[Looking, ...]

    def story(self) -> Story:
        """At each side of each limit all that have so many."""
        ladders: dict[tuple[str, str], list[tuple[Looking, bool]]] = {}
        for one in self.looking:
            own = ladders.setdefault(_judged(one), [])
            own += [(one, False), (one, True)]
        rounds: list[_Round] = []
        for stage in dict.fromkeys(one.here.stage for one in self.looking):
            for place in range(max(map(len, ladders.values()))):
                together = [own[place] for own in ladders.values() if place < len(own)]
                if here := [(one, beyond) for one, beyond in together if one.here.stage == stage]:
                    rounds.append((stage, here))
        return self._told(rounds)

    def _told(self, rounds: Sequence[_Round]) -> Story:
        alerts = {_instance(one): one.alert for _, shown in rounds for one, _ in shown}
        course, texts = Course(self.first, Timeline(self.scrape), alerts), dict[str, list[Text]]()
        course.go_on({}, [], rounds[0][0])
        for stage, shown in rounds:
            values = {_judged(one): self._beside(one, beyond=beyond) for one, beyond in shown}
            recorded: dict[Key, Feed] = {}
            for one, _ in shown:
                recorded |= self._recorded(one, values[_judged(one)])
            beyond_limit = [
                one
                for one in self.looking
                if (figure := one.condition.figure_in(stage)) is not None
                if (now := values.get(_judged(one))) is not None
                if one.condition.op.breached(now, self._limit(one, figure))
            ]
            said = [
                f"{one.here.guardrail.name}: {shown_as(values[_judged(one)], one.condition.signal)}, "
                f"{'beyond' if beyond else 'within'} {shown_as(self.limit(one), one.condition.signal)}"
                for one, beyond in shown
            ]
            for number in range(2):  # at the second what must last so long does
                fed = dict(recorded)
                for one, beyond in shown if number else ():
                    if few := self._of_few(one, beyond=beyond):
                        fed |= few
                        values[_judged(one)] = self._beside(one, beyond=True)
                self._go_on(course, fed, map(_instance, beyond_limit), stage, said)
                breaches = [_breach(one, values[_judged(one)]) for one in beyond_limit]
                course.tell(breaches, texts)
        course.looks = course.looks[1:]
        return course.story(COMPARES, [text for several in texts.values() for text in several])

    def _go_on(
        self,
        course: Course,
        recorded: Feeds,
        breaches: Iterable[Instance],
        stage: str | None,
        said: Iterable[str],
    ) -> None:
        """To the next evaluation: the past once more, and now what is recorded."""
        end = course.next
        course.timeline.play(self.compared_at(end), end - self.back)
        for width, feeds in self._old_enough:
            course.timeline.play({}, end - width - self.scrape)
            course.timeline.play(feeds, end - width)
        course.timeline.play({}, end - 2 * self.scrape)
        course.timeline.play(recorded, end - self.scrape)
        course.go_on(recorded, breaches, stage, shown=said)

    @cached_property
    def scrape(self) -> timedelta:
        """As seldom as it can be, so that promtool can hold a long past."""
        widths = (part.width for one in self.looking for part in parts(one.condition.signal.measure))
        even = [one for one in (self.width, self.back) if one]
        between = [(self.back - self.width) * 4 / 3] if self.back > self.width else []
        scrape = seldom(self.rollout.scrape, [*between, *filter(None, widths)], even)
        if not self.width or not any(one % scrape for one in even):
            return scrape
        for samples in range(self.width // scrape + 1, MANY):  # a whole number of them in the window
            scrape = self.width // samples // MILLISECOND * MILLISECOND
            if self.width == samples * scrape and not self.back % scrape:
                return scrape
        raise Impossible(PAST)

    @property
    def first(self) -> timedelta:
        """When it is first compared, and how long after that again: the window back then ended so long before."""
        if self.width and self.back < self.width + 3 * self.scrape:
            raise Impossible(CLOSE)
        longest = max(one.alert.sustained for one in self.looking)
        return max(self.width + 3 * self.scrape + self.back, -(-longest // self.scrape) * self.scrape)

    @cached_property
    def _numbers(self) -> dict[Key, Decimal]:
        """As many events as it takes to compare them."""
        measured = [
            Measured(guardrail)
            for guardrail in {one.here.guardrail.name: one.here.guardrail for one in self.looking}.values()
        ]
        keys = complete(key for one in measured for key in one.keys)
        measures = [signal.measure for one in measured for signal in one.guardrail.signals]
        found = as_they_must([*keys, *self._more(keys)], measures, self._shows)
        for one in self.looking:
            reads = Reads(selectors(one.measure))
            own = [key for key in found if key in reads]
            inner = one.measure.inner
            while (
                isinstance(inner, EventMeasure)
                and (events(one.measure, self._shows(found)) or 0) < inner.min_events
            ):
                found |= {key: self._ten_times(found[key]) for key in own}
            raising = Reads(_raises(inner))
            more = [key for key in own if key in raising]
            while more and self._too_low(one, value(one.measure, self._shows(found))):
                found |= {key: self._ten_times(found[key]) for key in more}
        return found

    def _too_low(self, one: Looking, base: Decimal | None) -> bool:
        """Whether that is not compared with, or leaves a share nothing to drop to."""
        figure = one.condition.figure_in(one.here.stage)
        if base is None or figure is None or one.condition.reference is None:
            return False
        too_low = one.condition.least is not None and base < one.condition.least
        return too_low or (derived(one.condition.signal) and one.condition.limit_from(base, figure) <= 0)

    def _ten_times(self, number: Decimal) -> Decimal:
        if not 0 < number < MOST:
            raise Impossible(PAST)
        return number * 10

    def _more(self, keys: Iterable[Key]) -> Iterator[Key]:
        """As many series as it takes to compare with how many there were."""
        for one in self.looking:
            inner = one.measure.inner
            if isinstance(inner, Count) and one.condition.least is not None:
                if one.condition.least > MANY:
                    raise Impossible(f"{plain(one.condition.least)} series are more than a test should have")
                for key in (key for key in keys if matches(inner.seen, key)):
                    for number in range(int(one.condition.least) + 1):
                        more = {inner.distinct or "nth": f"n{number}"}
                        yield key.but(more)

    def _shows(self, numbers: Mapping[Key, Decimal]) -> Shows:
        timeline = Timeline(self.scrape)
        timeline.play({}, timedelta())
        end = self.first - self.back
        timeline.play(self._of(numbers), end)
        return Shows(timeline, end)

    def compared_at(self, end: timedelta) -> Feeds:
        """The past of an evaluation: a timestamp has gone on with the time, and is as old then as before the first one."""
        later = Decimal(seconds(end - self.first))
        gone = {key: At(self._numbers[key] + later / scale) for key, scale in self._scales.items()}
        return {**self.feeds, **gone}

    @cached_property
    def _scales(self) -> dict[Key, Decimal]:
        """Of each timestamp, in which unit it is. Raises Impossible where something else reads it as well."""
        several = [m for one in self.looking for m in parts(one.condition.signal.measure)]
        stamps = {m for m in several if isinstance(m, Timestamp)}
        others = Reads(s for m in several if m not in stamps for s in selectors(m))
        found = {key: m.scale for m in stamps for key in self._numbers if matches(m.metric, key)}
        if any(key in others for key in found):
            raise Impossible(PAST)
        return found

    @property
    def feeds(self) -> Feeds:
        """What is there back then. Raises Impossible where that cannot be had."""
        return self._of(self._numbers)

    def _of(self, numbers: Mapping[Key, Decimal]) -> Feeds:
        """Each past is as the one before: counters go on, and gauges that move begin again."""
        measures = [m for one in self.looking for m in parts(one.condition.signal.measure)]
        rising = Reads(s for m in measures if motion(m) is Rise for s in selectors(m))
        gauges = Reads(s for m in measures if motion(m) is At for s in selectors(m))
        found: dict[Key, Feed] = {}
        for key, one in numbers.items():
            if key in gauges:
                found[key] = At(one * 10, one)
            else:
                found[key] = Rise(one, one * 10) if key in rising else At(one)
        return found

    @cached_property
    def _old_enough(self) -> list[tuple[timedelta, Feeds]]:
        """What is judged now must have been there a window ago: by the width of the window, the widest first."""
        found: dict[timedelta, dict[Key, Feed]] = {}
        for one in self.looking:
            measure = one.condition.signal.measure
            if isinstance(measure.inner, Rate) and one.condition.reference and not one.condition.is_upper:
                reads = Reads(selectors(measure.inner))
                own = {key: feed for key, feed in self.feeds.items() if key in reads}
                found.setdefault(measure.width, {}).update(own)
        return sorted(found.items(), key=lambda pair: pair[0], reverse=True)

    def limit(self, one: Looking) -> Decimal:
        """Its limit beside the past that is fed. Raises Impossible where that cannot be had."""
        figure = one.condition.figure_in(one.here.stage)
        if figure is None:
            raise TypeError("nothing is judged here")
        limit = self._limit(one, figure)
        compared = one.condition.reference is not None
        if compared and derived(one.condition.signal) and not 0 < limit * (1 + MARGIN) <= 1:
            raise Impossible(PAST)
        return limit

    def _limit(self, one: Looking, figure: Decimal) -> Decimal:
        """That of this figure, of whichever stage, though nothing may be beyond it."""
        if one.condition.reference is None:
            return figure
        base = value(one.measure, self._shows(self._numbers))
        if base is None or (one.condition.least is not None and base < one.condition.least):
            raise Impossible(PAST)
        return one.condition.limit_from(base, figure)

    def _beside(self, one: Looking, *, beyond: bool) -> Decimal:
        limit = self.limit(one)
        by = abs(limit) * MARGIN or MARGIN
        return limit + by if one.condition.is_upper is beyond else limit - by

    def _of_few(self, one: Looking, *, beyond: bool) -> dict[Key, Feed]:
        """Of a quantile in the end too few events, beyond its limit: they decide where they are beyond it at best too."""
        signal = one.condition.signal
        inner = signal.measure.inner
        if not one.condition.judges_filled or signal.events is None or signal.filled is None:
            return {}
        if not isinstance(inner, EventMeasure):
            return {}
        shown = {
            signal.value: self._beside(one, beyond=True),
            signal.events: few_of(inner),
            signal.filled: self._beside(one, beyond=beyond),
        }
        return {one.here.key(signal, of, one.group): At(level) for of, level in shown.items()}

    def _recorded(self, one: Looking, now: Decimal) -> dict[Key, Feed]:
        signal = one.condition.signal
        inner = signal.measure.inner
        enough = max(ENOUGH, Decimal(inner.min_events)) if isinstance(inner, EventMeasure) else None
        part = None if enough is None else now * enough
        found: dict[Key, Feed] = {}
        for selector, shown in (
            (None if derived(signal) else signal.value, now),
            (signal.events, enough),
            (signal.part if derived(signal) else None, part),
            (signal.filled, self._beside(one, beyond=False)),  # so many events decide by themselves
        ):
            if selector is not None and shown is not None:
                found[one.here.key(signal, selector, one.group)] = At(shown)
        return found
