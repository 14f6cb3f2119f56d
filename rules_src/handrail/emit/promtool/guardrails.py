"""A guardrail → the stories that show what it promises: limits, holds, blindness, thin traffic, sick neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail.contract import names
from handrail.emit.promtool.feeds import Value, selectors
from handrail.emit.promtool.figures import MARGIN, inner, rising, window
from handrail.emit.promtool.series import Feeds, Impossible, Key, Timeline, matches
from handrail.emit.promtool.story import FOREVER, NOTHING, Clock, Context, Life, Span, Story, Text, turns
from handrail.emit.promtool.subject import CHANGED, Subject, Values
from handrail.emit.promtool.text import expanded
from handrail.plan import (
    Absence,
    Alert,
    Condition,
    Growth,
    Guardrail,
    Increase,
    Latency,
    Rate,
    Ratio,
    Signal,
    SlowerThan,
    State,
    StateChanges,
    While,
)

LOOKBACK = timedelta(minutes=5)
"""How long Prometheus shows a series that is not scraped any more and was not marked as stale."""
SELDOM = timedelta(minutes=4)
"""More seldom than that, an instant selector would not see a series at every time."""
PAST = timedelta(hours=12)
"""A past that is longer is scraped as seldom as its windows allow."""
STEPS = (1, 10, 120, 1440)
"""Evaluations come so many times more seldom where a story is long."""
LONGEST = 90
"""How many evaluations a story lasts at most."""
FLOOD = 1000
COUNTED = (Ratio, Latency, SlowerThan)
PACED = (Rate, Growth)
"""Measures whose value is only right when their window is filled."""


@dataclass(frozen=True)
class Director:
    """Makes stories about one guardrail in one stage, with evaluations at the pace of a clock."""

    subject: Subject
    clock: Clock

    @cached_property
    def scrape(self) -> timedelta:
        """How often is scraped: seldom enough that promtool can hold a long window in its memory."""
        every = self.subject.rollout.scrape
        widths = [window(signal.measure) for signal in self.guardrail.signals]
        narrow = min((width for width in widths if width), default=SELDOM * 4)
        samples = 4 if self.ago >= PAST else 1000
        return max(every, min(narrow / samples, SELDOM) // every * every)

    @property
    def guardrail(self) -> Guardrail:
        """The guardrail."""
        return self.subject.guardrail

    @property
    def signals(self) -> list[Signal]:
        """What can be fed: all but changes of a state, which are changes of that state's series."""
        return [signal for signal in self.guardrail.signals if not isinstance(signal.measure, StateChanges)]

    def feeds(self, values: Values, times: Decimal = Decimal(1)) -> Feeds:
        """Series of the judged version with these values, beside a healthy stable one."""
        found = dict(self.beside)
        return found | self.subject.fed(values, times=times, steady=self.steady)

    @property
    def beside(self) -> Feeds:
        """A healthy stable arm, and what the receiver captured."""
        subject, arms = self.subject, self.guardrail.arms
        told = dict(subject.told())
        if arms is None or not any(arms.label in signal.by for signal in self.guardrail.signals):
            return told
        return told | dict(subject.fed(self.bases, arm=arms.stable, steady=self.steady))

    @property
    def bases(self) -> dict[str, Value]:
        """What limits are relative to, and healthy values where none is."""
        compared = {signal.name: self.subject.base(signal) for signal in self.subject.compared_with.values()}
        return self.subject.with_value(compared, None, Decimal(0))

    @property
    def steady(self) -> frozenset[str]:
        """The names of counts that are fed as a pace: those that may not be too low, or are held for long."""
        found = set()
        for alert in self.guardrail.alerts:
            for one in alert.conditions:
                width = window(one.signal.measure)
                held = self.clock.times(alert.hold) + 3 * self.clock.step + 3 * self.scrape
                if not rising(one) or held >= width:
                    found.add(one.signal.name)
        return frozenset(found)

    def ripe(self, signal: Signal) -> timedelta:
        """How long a steady value takes to show."""
        measure, width = inner(signal.measure), window(signal.measure)
        own = NOTHING
        if isinstance(measure, COUNTED):
            own = 2 * self.scrape
        elif isinstance(measure, (*PACED, Absence)) or (
            isinstance(measure, Increase) and signal.name in self.steady
        ):
            own = width + 2 * self.scrape
        if isinstance(signal.measure, While):
            held = signal.measure.condition
            own = max(own, window(held) + 2 * self.scrape if isinstance(held, Rate) else NOTHING)
        return own

    @property
    def ago(self) -> timedelta:
        """How far back its limits look; no time where they do not."""
        found = [reference.ago for reference in self.subject.compared_with if reference.ago]
        return max(found, default=NOTHING)

    @property
    def widest(self) -> timedelta:
        """The longest window of its measures."""
        return max((window(signal.measure) for signal in self.guardrail.signals), default=NOTHING)

    def past(self, timeline: Timeline) -> timedelta:
        """Feed as much of a past as its limits look back to; for how long the past then still shows."""
        if not self.ago:
            return NOTHING
        timeline.play(
            self.feeds(self.bases), self.ago + 2 * self.widest + 4 * self.scrape + 4 * self.clock.step
        )
        return self.widest + 2 * self.scrape

    # Lives

    def lives(
        self, values: Values, begins: Span, ends: Span | None = None, *, calm: Values | None = None
    ) -> tuple[Life, ...]:
        """Those alerts of which it is certain whether they are in breach at these values, and at the `calm` ones before were not."""
        found = []
        roughly = calm is not None
        known = self.subject.known(values, None if roughly else self.feeds(self.states(values)))
        past = calm if calm is not None else self.bases if self.ago else None
        before = {} if past is None else self.subject.known(past, self.feeds(past))
        for alert in self.guardrail.alerts:
            signals = dict.fromkeys(one.signal.name for one in alert.conditions)
            for name in signals:
                own = [one for one in alert.conditions if one.signal.name == name]
                breached = self.subject.breached(own, known, roughly=roughly)
                if alert.during is not None and self.subject.stage is None:
                    breached = False  # it counts for some time of a stage only
                if breached is None or (past is not None and self.subject.breached(own, before) is not False):
                    continue
                only = reason_of(alert, name)
                if breached:
                    found.append(Life(alert, begins, ends, only=only))
                else:
                    found.append(Life(alert, None, silent=self.silent(alert, begins), only=only))
        return tuple(found)

    def silent(self, alert: Alert, begins: Span) -> timedelta:
        """Since when an alert that is not in breach is silent: a count that is still young is too low."""
        young = any(
            not rising(one) and isinstance(inner(one.signal.measure), Increase | Growth | Rate)
            for one in alert.conditions
        )
        return begins.last + self.clock.times(alert.keep_firing_for) + self.clock.step if young else NOTHING

    def story(
        self,
        promise: str,
        timeline: Timeline,
        lives: tuple[Life, ...],
        looks: tuple[timedelta, ...],
        texts: tuple[Text, ...] = (),
        context: Context | None = None,
        *,
        whatever: bool = False,
    ) -> Story:
        """A story about this guardrail; after its last phase it goes on as it was."""
        context = context or Context(self.subject.stage)
        reads = tuple(self.subject.reads())
        certain = tuple(at for at in looks if any(life.state(at, self.clock) is not None for life in lives))
        story = Story(
            promise,
            self.guardrail.name,
            context,
            self.clock,
            timeline,
            lives,
            certain,
            texts,
            reads,
            whatever,
        )
        if story.looks or story.texts:
            missing = story.end - timeline.now
            if missing >= NOTHING and timeline.phases:
                count, feeds = timeline.phases[-1]
                timeline.phases[-1] = count + missing // self.scrape + 1, feeds
        return story

    def text(
        self, alert: Alert, one: Condition | None, at: timedelta, value: Value | None, **more: str
    ) -> tuple[Text, ...]:
        """The alert as it is sent, where its value can be told to the last digit that is shown."""
        labels = dict(more)
        if one is not None:
            keys = self.feeds(self.subject.with_value({}, one.signal, value or Decimal(0)))
            own = {
                name
                for selector in selectors(self.subject.measure(one.signal))
                for key in keys
                if matches(selector, key)
                for name in key.labels
            }
            labels |= {name: text for name, text in own if name in one.signal.by}
            labels |= {"signal": one.signal.name} if one.signal.name else {}
            if one.state is not None:
                labels[one.signal.by[-1]], value = one.state, Decimal(1)
        figure = value if isinstance(value, Decimal) else Decimal(1)
        near = {expanded(alert.description, float(figure) * (1 + by), labels) for by in (-1e-9, 0, 1e-9)}
        return (Text(alert, at, labels, figure),) if len(near) == 1 else ()

    # Limits

    def plateau(self, promise: str, alert: Alert, one: Condition, value: Value, *, held: bool) -> Story:
        """One signal has a value from the start, the others are healthy; `held`: until the alert fires."""
        timeline = Timeline(self.scrape)
        value = self._surely(one, value)
        values = self.subject.with_value({}, one.signal, value)
        late = self.past(timeline)
        self._begin(timeline, values, one)
        onset = timeline.now if timeline.phases else NOTHING
        timeline.play(self.feeds(self.states(values)), self.scrape)
        ripe = max(late, *(self.ripe(signal) for signal in self.guardrail.signals))
        begins = Span(self.clock.first(onset), self.clock.first(onset + ripe))
        lives = self.lives(values, begins)
        settled = begins.last + self.clock.step
        looks = {settled, *(life.silent for life in lives if life.silent > settled)}
        texts: tuple[Text, ...] = ()
        if held:
            fires = (
                begins.last + self.clock.times(alert.hold) + (self.clock.step if not alert.hold else NOTHING)
            )
            looks |= {*turns(tuple(life for life in lives if life.alert is alert), self.clock), fires}
            own = [life for life in lives if life.alert is alert]
            reasons = {c.signal.name for c in alert.conditions}
            alone = len(own) == len(reasons) and sum(life.begins is not None for life in own) == 1
            fired = any(life.state(fires, self.clock) == "firing" for life in own)
            if alone and fired and self._told_exactly(one):
                texts = self.text(alert, one, fires, value)
        known = self.until(onset)
        return self.story(
            promise,
            timeline,
            lives,
            tuple(sorted(at for at in looks if at <= known)),
            tuple(text for text in texts if text.at <= known),
        )

    def until(self, onset: timedelta) -> timedelta:
        """How long what began then is compared with what was before it, and not with itself."""
        return onset + self.ago if self.ago else FOREVER

    def _surely(self, one: Condition, value: Value) -> Value:
        """A count that is a pace, so much farther from its limit as one scrape more or less at a window's edges makes."""
        limit, width = self.subject.limit(one), window(one.signal.measure)
        if one.signal.name not in self.steady or not isinstance(value, Decimal) or limit is None:
            return value
        if not isinstance(inner(one.signal.measure), Increase):
            return value
        blur = Decimal(str(2 * self.scrape / width)) + MARGIN
        return value * (1 + blur) if value > limit or (value == limit and rising(one)) else value * (1 - blur)

    def _begin(self, timeline: Timeline, values: Values, one: Condition) -> None:
        """What happens at once needs a calm moment before."""
        measure = inner(one.signal.measure)
        event = isinstance(measure, Increase) and one.signal.name not in self.steady
        if event or isinstance(measure, StateChanges):
            calm = self.subject.with_value(values, one.signal, Decimal(0))
            timeline.play(self.feeds(calm), max(3 * self.scrape, 2 * self.clock.step))

    def states(self, values: Values) -> Values:
        """A change of state is one from a calm state to another."""
        changes = [s.name for s in self.guardrail.signals if isinstance(s.measure, StateChanges)]
        if any(values.get(name) == CHANGED for name in changes):
            return {**values, "": self.subject.quiet}
        return values

    def _told_exactly(self, one: Condition) -> bool:
        """Whether what the alert shows is the value that was fed, and no count at the edges of a window."""
        return not isinstance(inner(one.signal.measure), Increase | StateChanges)

    # What happens suddenly, and ends

    def far(self, signal: Signal, *, up: bool) -> Value:
        """A value so far beyond every limit that the first scrape of it shows."""
        measure = inner(signal.measure)
        if isinstance(measure, State):
            named = [one.state for one in self.subject.conditions if one.signal == signal and one.state]
            return named[0]
        value = self.subject.far(signal, up=up)
        steady = isinstance(measure, Increase) and signal.name in self.steady
        if isinstance(measure, PACED) or steady:
            return value * (window(measure) // self.scrape + 1) * 10
        return value

    # Blindness

    def blind(
        self,
        promise: str,
        reason: str,
        timeline: Timeline,
        begins: Span,
        ends: Span | None = None,
        context: Context | None = None,
    ) -> Story:
        """The blind alert's own life."""
        alert = self.guardrail.blind
        life = Life(alert, begins, ends, only=("reason", reason))
        fires = begins.last + self.clock.times(alert.hold)
        self._complete(timeline.phases[0][1])
        texts = () if self.ago else self.text(alert, None, fires, None, reason=reason)
        settled = self.clock.first(3 * self.scrape) if begins.first else NOTHING
        looks = tuple(at for at in turns((life,), self.clock) if at >= settled)
        return self.story(promise, timeline, (life,), looks, texts, context, whatever=True)

    def _complete(self, fed: Feeds) -> None:
        """Raises Impossible where the series of one measure would change the value of another, so that it has none."""
        for signal in self.signals:
            wanted = selectors(self.subject.measure(signal))
            if wanted and not isinstance(inner(signal.measure), Absence):
                for selector in wanted:
                    if not any(matches(selector, key) for key in fed):
                        raise Impossible("two of its measures look at series that cannot be told apart")

    def lost(self, promise: str, reason: str, keys: Callable[[Feeds], set[Key]], width: timedelta) -> Story:
        """Some series go for as long as it takes to be blind, and come back."""
        clock, scrape = self.clock, self.scrape
        timeline = Timeline(scrape)
        self.past(timeline)
        calm = self.feeds(self.bases)
        lost = keys(calm)
        timeline.play(calm, max(4 * scrape, clock.step))
        gone = timeline.now
        begins = Span(clock.first(gone), clock.first(gone + max(width, LOOKBACK) + scrape))
        rest = {key: feed for key, feed in calm.items() if key not in lost}
        timeline.play(rest, begins.last + clock.times(self.guardrail.blind.hold) + clock.step - gone)
        back = timeline.now
        timeline.play(calm, scrape)
        ends = Span(clock.first(back), clock.first(back + 3 * scrape))
        return self.blind(promise, reason, timeline, begins, ends)


def reason_of(alert: Alert, signal: str) -> tuple[str, str] | None:
    """What tells the life of an alert for this signal from those for its other reasons; None where it has no other."""
    several = len({condition.signal.name for condition in alert.conditions}) > 1
    return (names.SIGNAL, signal) if several else None


def place(subject: Subject) -> str:
    """How a sentence about a stage begins."""
    if not subject.rollout.stages:
        return ""
    return "While no attempt is active: " if subject.stage is None else f"In stage {subject.stage}: "
