"""A guardrail in one stage, evaluated at one pace → its stories: what is fed from phase to phase, and what is then certain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail.contract import names
from handrail.emit.promtool.attempts import stable_of, with_arm
from handrail.emit.promtool.feeds import Phase, Value, selectors
from handrail.emit.promtool.lasting import COUNTED, PACED, breach_begins, breach_ends, shows
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Timeline, chosen, matches
from handrail.emit.promtool.series_feeds import counts_targets, settled
from handrail.emit.promtool.story import (
    FOREVER,
    NOTHING,
    Clock,
    Context,
    Figure,
    Life,
    Span,
    Story,
    Text,
    alert_reason,
    turns,
)
from handrail.emit.promtool.subject import CHANGED, Subject, Values
from handrail.emit.promtool.text import expanded
from handrail.plan import (
    Alert,
    Condition,
    Forecast,
    Guardrail,
    Increase,
    Signal,
    State,
    StateChanges,
    While,
)

SELDOM = timedelta(minutes=4)
"""More seldom than that, an instant selector would not see a series at every time."""
PAST = timedelta(hours=1)
"""A past that is as long is scraped as seldom as its windows allow."""
FLOOD = 10_000
"""So many times the usual events in one scrape outweigh those of a whole window."""


@dataclass(frozen=True)
class Director:
    """Makes stories about one guardrail in one stage, with evaluations at the pace of a clock."""

    subject: Subject
    clock: Clock

    @cached_property
    def scrape(self) -> timedelta:
        """How often is scraped: seldom enough that promtool can hold a long past in its memory."""
        every = self.subject.rollout.scrape
        conditions = [s.measure.condition for s in self.signals if isinstance(s.measure, While)]
        widths = [m.width for m in (*(s.measure for s in self.signals), *conditions) if m.width]
        most = min(min(widths, default=SELDOM * 4) / 4, SELDOM) // every
        even = (
            n * every for n in range(most, 0, -1) if not any(w % (n * every) for w in (*widths, self.ago))
        )
        far_back = max(self.ago, *(signal.measure.width for signal in self.guardrail.signals)) >= PAST
        return next(even, max(every, most * every)) if far_back else every

    @property
    def at_its_scrape(self) -> Director:
        """The same, where all is scraped as seldom as here."""
        if self.scrape == self.subject.rollout.scrape:
            return self
        rollout = replace(self.subject.rollout, scrape=self.scrape)
        return replace(self, subject=replace(self.subject, rollout=rollout))

    @property
    def guardrail(self) -> Guardrail:
        """The guardrail."""
        return self.subject.guardrail

    @property
    def signals(self) -> list[Signal]:
        """What can be fed: all but changes of a state, which are changes of that state's series."""
        return [signal for signal in self.guardrail.signals if not isinstance(signal.measure, StateChanges)]

    # Series

    def feeds(self, values: Values, times: Decimal = Decimal(1)) -> Feeds:
        """Series of the judged version with these values, beside a healthy stable one."""
        if any(values.get(s.name) == CHANGED for s in self.guardrail.signals if s not in self.signals):
            values = {**values, "": self.subject.quiet}
        return {**self.beside, **self.subject.fed(values, times=times)}

    @cached_property
    def beside(self) -> Feeds:
        """A healthy stable arm, and what the receiver captured."""
        subject, arms = self.subject, self.guardrail.arms
        if arms is None or not any(arms.label in signal.by for signal in self.guardrail.signals):
            return subject.told()
        return {**subject.told(), **subject.fed(self.bases, arm=stable_of(arms))}

    @cached_property
    def bases(self) -> dict[str, Value]:
        """What limits are relative to, and healthy values where none is."""
        compared = {signal.name: self.subject.base(signal) for signal in self.subject.compared_with.values()}
        return self.subject.with_value(compared, None, Decimal(0))

    @cached_property
    def others(self) -> Feeds:
        """What is recorded of others under the same names: nobody may take it for his own."""
        found: dict[Key, Feed] = {}
        for signal in self.guardrail.signals:
            for recorded in (one for one in (signal.value, signal.events, signal.traffic) if one is not None):
                for label, _, _ in recorded.matchers:
                    if label in (names.ROLLOUT, names.GUARDRAIL):
                        found[chosen(recorded.where((label, "=", "other")), {})] = At(Decimal(1_000_000_000))
        return found

    # Times

    def shows(self, signal: Signal, start: timedelta = NOTHING) -> timedelta:
        """From when on a steady value that is fed from `start` on is surely the signal's."""
        measure = signal.measure
        found = shows(measure.inner, self.scrape, start)
        if isinstance(measure, While) and not start:
            return max(shows(measure.condition, self.scrape, start), found)
        if isinstance(measure.inner, Forecast) and start:
            found += self._swings(signal)
        return found

    def _swings(self, signal: Signal) -> timedelta:
        """How long an alert is kept that a line raised while it swung to its new place, beyond it on its way."""
        own = [a for a in self.guardrail.alerts if any(one.signal == signal for one in a.conditions)]
        if len({one.is_upper for alert in own for one in alert.conditions if one.signal == signal}) > 1:
            raise Impossible("a forecast that changes swings beyond the limits on both sides")
        return max((self.clock.times(alert.keep_firing_for) for alert in own), default=NOTHING)

    @cached_property
    def ago(self) -> timedelta:
        """How far back its limits look; no time where they do not."""
        found = [reference.ago for reference in self.subject.compared_with if reference.ago]
        return max(found, default=NOTHING)

    @cached_property
    def ready(self) -> timedelta:
        """When all shows that is fed from the start; what was too low, or compared with too little, is over."""
        shows = max((self.shows(signal) for signal in self.signals), default=NOTHING)
        low = [a for a in self.guardrail.alerts if self.ago or any(not one.is_upper for one in a.conditions)]
        kept = max((self.clock.times(alert.keep_firing_for) for alert in low), default=NOTHING)
        held = self.clock.step if low else NOTHING
        if self.ago:  # a past as long as its limits look back
            shows = self.ago + 2 * shows + 2 * self.clock.step
        return self.clock.first(shows + kept + held)

    def after(self, at: timedelta) -> timedelta:
        """The first scrape after a moment."""
        return (at // self.scrape + 1) * self.scrape

    # Lives

    def lives(self, phases: Sequence[Phase], *, roughly: bool = False) -> tuple[Life, ...]:
        """Those alerts of which it is certain whether they are in breach, from phase to phase."""
        known = [
            dict(p.values)
            if len(self.signals) == 1  # nobody else looks at its series
            else self.subject.known(p.values, None if roughly else self.feeds(p.values))
            for p in phases
        ]
        found = []
        moving = {name for p in phases for name, v in p.values.items() if v != phases[0].values[name]}
        # What looks at the same series sees how they go from one value to the next, and that is not said here.
        blurred = self.subject.entangled or any(
            isinstance(p.values.get(n), str) for p in phases for n in moving
        )
        for alert in self.guardrail.alerts:
            for name in dict.fromkeys(one.signal.name for one in alert.conditions):
                if moving and blurred and name not in moving:
                    continue
                own = [one for one in alert.conditions if one.signal.name == name]
                verdicts = [self.subject.breached(own, values, roughly=roughly) for values in known]
                if alert.during is not None and self.subject.stage is None:
                    verdicts = [False] * len(phases)  # it counts for some time of a stage only
                span = self._breach(phases, verdicts)
                if span is not None:
                    found.append(Life(alert, *span, only=alert_reason(alert, name)))
        return tuple(found)

    def _breach(
        self, phases: Sequence[Phase], verdicts: list[bool | None]
    ) -> tuple[Span | None, Span | None] | None:
        """When it begins and ends, once at most; None where that is not certain."""
        if True not in verdicts:
            return None if None in verdicts else (None, None)
        first, last = verdicts.index(True), len(verdicts) - 1 - verdicts[::-1].index(True)
        if verdicts[first : last + 1] != [True] * (last + 1 - first):
            return None
        early, late = first, last + 1
        while early and verdicts[early - 1] is None:
            early -= 1
        while late < len(verdicts) and verdicts[late] is None:
            late += 1
        if any(verdicts[:early]) or any(verdicts[late:]):
            return None
        begins = self.clock.span(phases[early].start, phases[first].sure)
        if last == len(verdicts) - 1:
            return begins, None
        if late == len(verdicts):
            return begins, Span(self.clock.first(phases[last + 1].start), FOREVER)
        return begins, self.clock.span(phases[last + 1].start, phases[late].sure)

    def story(
        self,
        promise: str,
        timeline: Timeline,
        lives: Iterable[Life],
        looks: Iterable[timedelta],
        texts: Iterable[Text] = (),
        context: Context | None = None,
        figures: Iterable[Figure] = (),
    ) -> Story:
        """A story about this guardrail."""
        sure = tuple(lives)
        return Story(
            promise,
            self.guardrail.name,
            context or Context(self.subject.stage),
            self.clock,
            timeline,
            sure,
            tuple(
                at
                for at in sorted(set(looks))
                if any(life.state(at, self.clock) is not None for life in sure)
            ),
            tuple(texts),
            tuple(self.subject.reads()),
            tuple(figures),
            any(counts_targets(signal.measure) for signal in self.guardrail.signals),
        )

    def text(
        self, alert: Alert, one: Condition | None, at: timedelta, value: Value | None, **more: str
    ) -> tuple[Text, ...]:
        """The alert as it is sent, where its value can be told to the last digit that is shown."""
        labels = dict(more)
        if one is not None:
            keys = self.feeds(self.subject.with_value({}, one.signal, value or Decimal(0)))
            seen = selectors(self.subject.measure(one.signal))
            own = {name for series in seen for key in keys if matches(series, key) for name in key.labels}
            labels |= {name: text for name, text in sorted(own) if name in one.signal.by}
            labels = with_arm(self.guardrail.arms, labels)
            labels |= {"signal": one.signal.name} if one.signal.name else {}
            if one.state is not None:
                labels[one.signal.by[-1]], value = one.state, Decimal(1)
        figure = value if isinstance(value, Decimal) else Decimal(1)
        near = {expanded(alert.description, float(figure) * (1 + by), labels) for by in (-1e-9, 0, 1e-9)}
        return (Text(alert, at, labels, figure),) if len(near) == 1 else ()

    # Limits

    def climb(self, promise: str, of: Condition, values: list[Value], *, held: bool) -> Story:
        """One signal goes from value to value, the others are healthy; `held`: until whoever is over its limit fires."""
        signal, timeline = of.signal, Timeline(self.scrape)
        phases, looks, texts = list[Phase](), list[timedelta](), list[Text]()
        if self.ago:
            calm = self.subject.with_value(self.bases, signal, self.bases[signal.name])
            timeline.play(self.feeds(calm), self.ready)
            phases.append(Phase(calm, NOTHING, self.ready))
        began = timeline.now
        for value in values:
            start = timeline.now
            told = self.subject.with_value(self.bases if self.ago else {}, signal, value)
            sure = max(self.shows(signal, start), NOTHING if start else self.ready)
            phases.append(Phase(told, start, sure))
            over = self._just_over(phases) if held else {}
            waits = max((self.clock.times(alert.sustained) for alert in over), default=NOTHING)
            looks.append(self.clock.first(sure) + waits)
            timeline.play(self.feeds(told), looks[-1])
            if settled(signal.measure.inner) and not isinstance(signal.measure.inner, Increase):
                texts += [
                    text for alert, one in over.items() for text in self.text(alert, one, looks[-1], value)
                ]
        known = began + self.ago if self.ago else FOREVER  # from then on it is compared with itself
        lives = self.lives(phases)
        sure_of = [text for text in texts if self._alone(text, lives)]
        return self.story(
            promise,
            timeline,
            lives,
            (at for at in looks if at <= known),
            (t for t in sure_of if t.at <= known),
        )

    def _just_over(self, phases: list[Phase]) -> dict[Alert, Condition]:
        """Who is in breach since the last phase began, and of which limit."""
        return {
            life.alert: one
            for life in self.lives(phases)
            if life.begins is not None and life.begins.last == self.clock.first(phases[-1].sure)
            for one in life.alert.conditions
            if self.subject.breached([one], phases[-1].values)
        }

    def _alone(self, text: Text, lives: tuple[Life, ...]) -> bool:
        """Whether the alert surely fires then, and for one reason."""
        states = [life.state(text.at, self.clock) for life in lives if life.alert is text.alert]
        others = len({one.signal.name for one in text.alert.conditions}) - 1
        return sorted(map(str, states)) == [""] * others + ["firing"]

    # What happens suddenly, and ends

    def far(self, signal: Signal, *, up: bool) -> Value:
        """A value so far beyond every limit that the first scrape of it shows."""
        measure = signal.measure.inner
        if isinstance(measure, State):
            return next(one.state for one in self.subject.conditions if one.signal == signal and one.state)
        if isinstance(measure, StateChanges):
            return CHANGED
        value = self.subject.far(signal, up=up)
        return value * (measure.width // self.scrape + 1) * 10 if isinstance(measure, PACED) else value

    def sudden(self, promise: str, signal: Signal, *, up: bool) -> Story:
        """From one scrape on a signal is far beyond all limits, until all alerts fire, and then well again."""
        measure, width = signal.measure.inner, signal.measure.width
        calm = self.bases if self.ago else self.subject.healthy()
        calm = self.subject.with_value(calm, signal, calm[signal.name])  # its condition holds from the start
        values = self.subject.with_value(calm, signal, self.far(signal, up=up))
        timeline, flood = Timeline(self.scrape), Decimal(1)
        timeline.play(self.feeds(calm), max(self.ready, self.clock.step))
        onset = timeline.now
        begins = breach_begins(measure, onset, self.scrape, up=up)
        if isinstance(measure, COUNTED):
            flood = Decimal(FLOOD * max(1, min(width, onset) // self.scrape))
        waits = max(self.clock.times(alert.sustained) for alert in self.guardrail.alerts)
        timeline.play(self.feeds(values, flood), self.clock.first(begins.last) + waits)
        end = timeline.now
        ends = breach_ends(measure, onset, end, self.scrape, up=up)
        first = Phase(calm, NOTHING, self.ready)
        phases = [first, Phase(values, begins.first, begins.last), Phase(calm, ends.first, ends.last)]
        if self.subject.entangled:  # what ends for one of its measures does not for the other
            phases.pop()
        lives = self.lives(phases, roughly=True)
        looks = [at for at in turns((life for life in lives if life.begins), self.clock) if at >= self.ready]
        again = isinstance(measure, StateChanges)  # what has changed once stays as it is
        timeline.play(self.feeds(values if again else calm), max(looks, default=NOTHING))
        known = onset + self.ago if self.ago else end if self.subject.entangled else FOREVER
        return self.story(promise, timeline, lives, (at for at in looks if at <= known))

    # Blindness

    def blind(
        self,
        promise: str,
        timeline: Timeline,
        lost: Sequence[tuple[str, Span, Span | None]],
        context: Context | None = None,
    ) -> Story:
        """The blind alert's own life: each reason with the evaluations at which it begins and ends."""
        alert = self.guardrail.blind
        lives = [Life(alert, begins, ends, only=("reason", reason)) for reason, begins, ends in lost]
        looks = [at for at in turns(lives, self.clock) if at >= min(self.ready, lost[0][1].first)]
        texts = [
            text
            for reason, begins, _ in lost[:1]
            for text in self.text(
                alert, None, begins.last + self.clock.times(alert.sustained), None, reason=reason
            )
        ]
        return self.story(promise, timeline, lives, looks, [] if self.ago else texts, context)
