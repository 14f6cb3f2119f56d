"""A rollout's guardrail → every story there is about it, and what promtool cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property, partial
from math import gcd

from handrail.emit.promtool.births import births, moments
from handrail.emit.promtool.by_labels import alone, bound, healthy, labels_of
from handrail.emit.promtool.feeds import FREE, Phase, Value, selectors, series_of
from handrail.emit.promtool.guardrails import Director
from handrail.emit.promtool.lasting import COUNTED
from handrail.emit.promtool.losses import gone, has_numbers, lost, no_number, thin, unheard, young
from handrail.emit.promtool.series import Impossible, Timeline
from handrail.emit.promtool.silences import neighbours, resting
from handrail.emit.promtool.story import NOTHING, Clock, Context, Life, Story, Untestable
from handrail.emit.promtool.subject import Subject
from handrail.emit.promtool.told_versions import away, following, unknown
from handrail.plan import (
    Absence,
    Alert,
    Condition,
    EventMeasure,
    Guardrail,
    Increase,
    Latency,
    PromQL,
    ReferenceKind,
    Rollout,
    SlowerThan,
    StateChanges,
    While,
)
from handrail.promql.remembered import REMEMBER

PACES = (1, 10, 120, 1440)
"""Evaluations come so many times more seldom where a story is long."""
SELDOM = 30
"""The same where their moment does not matter."""
SHORT = 30
"""So few evaluations are short: no other pace is tried."""
LONGEST = 90
"""How many evaluations a story lasts at most."""
Make = Callable[[Director], Story | None]

LIMITS = "Just under a limit its tier is silent, just over it fires"
SUDDEN = "In a sudden breach each tier fires once it is sustained as long as declared; when it is over, it is kept as long as declared"
EVENTS = "With fewer events than any tier judges nothing is judged, however bad they are; with enough it is"
OVER = "When the first time of a stage is over, what counts only then is silent"
BORN = "What a process shows first counts whole; what comes back, moves or gets other labels counts nothing"


@dataclass(frozen=True)
class Promises:
    """Everything that is promised of one guardrail."""

    rollout: Rollout
    guardrail: Guardrail
    stages: tuple[str | None, ...]

    def stories(self) -> Iterator[Story | Untestable]:
        """In the order of the file."""
        found = list[Story | Untestable]()
        for made in (self._limits, self._breaches, self._blind, self._others):
            try:
                found.extend(made())
            except Impossible as reason:
                found.append(Untestable(self.guardrail.name, str(reason)))
        reasons = {one.reason for one in found if isinstance(one, Untestable)}
        if len(reasons) == 1 and not any(isinstance(one, Story) for one in found):
            found = [Untestable(self.guardrail.name, *reasons)]
        yield from found

    def _made(
        self, subject: Subject, about: str, make: Make, paces: Sequence[int] = ()
    ) -> Iterator[Story | Untestable]:
        """At a pace of evaluations at which it is short: seldom ones, or first such as show each hold."""
        why = "it would last longer than a test should"
        own = any(isinstance(signal.measure.inner, Absence) for signal in self.guardrail.signals)
        # What is absent is known after so many evaluations as there are in a window.
        tried = PACES[:1] if own else paces or self._seldom
        longest, found = LONGEST * (4 if own else 1), list[Story]()
        for times in tried:
            try:
                director = Director(subject, Clock(self.rollout.evaluate * times)).at_its_scrape
                if director.ago % director.clock.step:
                    continue
                story = make(director)
            except Impossible as reason:
                yield Untestable(self.guardrail.name, str(reason), about)
                return
            if story is None:
                return
            if not story.asks:
                why = "at no time it is certain what fires"
            elif story.evaluations <= longest:
                found.append(story)
                if story.evaluations <= SHORT:
                    break
        if found:
            yield min(found, key=lambda story: story.evaluations)
        else:
            yield Untestable(self.guardrail.name, why, about)

    @cached_property
    def _seldom(self) -> list[int]:
        """The paces of what does not depend on its moment: at first one evaluation for the widest window."""
        widest = max(signal.measure.width for signal in self.guardrail.signals)
        return [max(1, -(-widest // (self.rollout.evaluate * SELDOM))) * SELDOM, *PACES[1:]]

    def _holding(self, *alerts: Alert) -> list[int]:
        """The paces at which holds are told apart, the most seldom first: each hold is two evaluations or more."""
        every = self.rollout.evaluate
        times = [time for alert in alerts for time in (alert.sustained, alert.keep_firing_for) if time]
        # Of a change nothing is left after its window.
        times += [s.measure.window for s in self.guardrail.signals if isinstance(s.measure, StateChanges)]
        if any(time % every for time in times):
            return [*PACES]
        held = [time // every for time in times] or [2 * SELDOM]
        shared = gcd(*held)
        paces = (n for n in range(shared, 1, -1) if shared % n == 0 and 2 * n <= min(held))
        return [next(paces, 1), shared, *self._seldom[:1], *PACES]

    # Stages

    def _subject(self, stage: str | None) -> Subject:
        return Subject(self.rollout, self.guardrail, stage)

    @cached_property
    def _best(self) -> Subject:
        """In the stage in which most is judged, of those where the judged version and what it is compared with have traffic."""
        stable = any(self._uses(one, ReferenceKind.stable) for one in self._conditions)
        weights = {stage.name: stage.weight for stage in self.rollout.stages}
        running = [
            s for s in self.stages if s is not None and weights[s] != 0 and not (stable and weights[s] == 1)
        ]
        places = self.stages if self.guardrail.versions else (None,)
        found = [self._subject(stage) for stage in running or places]
        return max(found, key=lambda subject: sum(judged(subject, one) for one in self._conditions))

    @property
    def _conditions(self) -> list[Condition]:
        return [condition for alert in self.guardrail.alerts for condition in alert.conditions]

    def _uses(self, condition: Condition, kind: ReferenceKind) -> bool:
        return condition.reference is not None and condition.reference.kind is kind

    @cached_property
    def _sides(self) -> list[Condition]:
        """One condition for each signal and side from which its limits are reached."""
        sides = {(c.signal.name, c.is_upper, c.state): c for c in reversed(self._conditions)}
        return [c for c in reversed(sides.values()) if not isinstance(c.signal.measure, PromQL)]

    # Limits

    def _limits(self) -> Iterator[Story | Untestable]:
        if any(isinstance(signal.measure, PromQL) for signal in self.guardrail.signals):
            yield Untestable(self.guardrail.name, FREE)
        for one in self._sides:
            if isinstance(one.signal.measure.inner, Absence | StateChanges):
                continue  # they are or are not, and that is shown by a sudden one
            own = [c for c in self._conditions if _alike(c, one)]
            staged = any(c.staged or self._uses(c, ReferenceKind.previous_stage) for c in own)
            places = [self._best, *(self._subject(s.name) for s in self.rollout.stages), self._subject(None)]
            wanted = [p for p in places if staged or any(judged(p, c) for c in own)]
            for number, subject in enumerate({p.stage: p for p in wanted[: None if staged else 1]}.values()):
                yield from self._made(
                    subject, f"its limits{_place(subject)}", self._climb(own, held=not number)
                )

    def _climb(self, own: list[Condition], *, held: bool) -> Make:
        def make(director: Director) -> Story:
            subject, found = director.subject, list[Value]()
            for one in own:
                if judged(subject, one):
                    found += [subject.under(one), subject.over(one)]
                else:  # what is over the limit elsewhere is no breach here
                    elsewhere = (replace(subject, stage=stage) for stage in [*self.stages, None])
                    found += [place.over(one) for place in elsewhere if judged(place, one)][:1]
            up = own[0].is_upper
            values = sorted(dict.fromkeys(found), reverse=not up) if own[0].state is None else found
            if not values:
                raise Impossible("it has no limit that could be reached")
            return director.climb(f"{LIMITS}{_place(subject)}", own[0], values, held=held)

        return make

    # Breaches

    def _breaches(self) -> Iterator[Story | Untestable]:
        subject = self._best
        for one in self._sides:
            if judged(subject, one):
                yield from self._made(
                    subject,
                    "a sudden breach",
                    partial(Director.sudden, promise=SUDDEN, signal=one.signal, up=one.is_upper),
                    self._holding(*self.guardrail.alerts),
                )
        for signal in self.guardrail.signals:
            own = [c for c in subject.conditions if c.signal == signal and c.reference is None]
            if isinstance(signal.measure.inner, COUNTED) and own:
                yield from self._made(subject, "few events", partial(_few, one=own[0]))
            counts = isinstance(signal.measure, (*COUNTED, Increase)) and not getattr(
                signal.measure, "native", False
            )
            if counts and own:
                pace = int(moments(signal.measure.width) // self.rollout.evaluate)
                yield from self._made(subject, "births", partial(births, promise=BORN, one=own[0]), [pace])

    # Blindness

    def _blind(self) -> Iterator[Story | Untestable]:
        subject = self._best
        seen = [
            s
            for s in self.guardrail.signals
            if not isinstance(s.measure.inner, PromQL | Absence | StateChanges)
        ]
        for signal in seen:
            paces = self._holding(self.guardrail.blind)
            yield from self._made(subject, "its series are gone", partial(gone, signal=signal), paces)
        if seen:
            yield from self._made(subject, "what it needs is gone", lambda d: lost(d, self._needs(d)))
            for signal in seen:
                if has_numbers(signal.measure.inner):
                    yield from self._made(subject, "no numbers", partial(no_number, signal=signal))
        if self.guardrail.thin is not None:
            counted = next(s for s in self.guardrail.signals if isinstance(s.measure.inner, EventMeasure))
            yield from self._made(subject, "few events for long", partial(thin, signal=counted))
        used = [*self._conditions, *(success.condition for success in self.guardrail.success)]
        told = any(c.reference and not self._uses(c, ReferenceKind.ago) for c in used)
        timed = any(alert.during for alert in self.guardrail.alerts)
        staged = any(condition.staged for condition in used)
        if self.rollout.stages and (told or timed or staged or self.guardrail.arms):
            yield from self._made(subject, "nobody reports the stage", unheard)
        if self.guardrail.versions and seen:
            yield from self._made(subject, "its versions are not known", unknown)
        for reference in subject.compared_with:
            if reference.ago:
                yield from self._made(subject, "no history", partial(young, reference=reference))

    def _needs(self, director: Director) -> Iterator[tuple[str, set[object], timedelta]]:
        """The reason, the series that go, and how long after their last sample they are surely missed."""
        subject, told = director.subject, director.subject.told()
        healthy, widest = (
            director.feeds(director.bases),
            max(s.measure.width for s in director.guardrail.signals),
        )
        for signal in self.guardrail.signals:
            if isinstance(signal.measure.inner, Latency | SlowerThan):
                keys = series_of(selectors(subject.measure(signal))[:1], healthy)
                yield "its buckets are missing", keys, widest
        for reference in subject.compared_with:
            name = subject.captured(reference)
            if reference.kind is ReferenceKind.stable:
                yield (
                    "the stable arm's metrics are missing",
                    {k for k in director.beside if k not in told},
                    widest,
                )
            elif name is not None:
                what = (
                    f"the figure of stage {name.partition(':')[2]}"
                    if ":" in name
                    else "the figure from before the rollout"
                )
                keys = {k for k in told if dict(k.labels)["reference"] == name}
                yield f"{what} is missing", keys, REMEMBER

    # Others

    def _others(self) -> Iterator[Story | Untestable]:
        subject = self._best
        if not subject.conditions or any(isinstance(s.measure, PromQL) for s in self.guardrail.signals):
            return
        yield from self._made(subject, "others", neighbours)
        first = next((c for c in self._sides if judged(subject, c) and _stays(c)), None)
        if self.guardrail.versions and first is not None:
            yield from self._made(subject, "the next attempt", partial(following, one=first))
            yield from self._made(subject, "a short absence", partial(away, one=first))
        for one in {c.signal.name: c for c in subject.conditions}.values():
            if labels_of(one.signal):
                yield from self._made(subject, "another of its labels", partial(alone, one=one))
            if isinstance(one.signal.measure, While):
                yield from self._made(subject, "its condition", partial(resting, one=one))
                yield from self._made(subject, "the condition of another", partial(bound, one=one))
        if any(alert.during for alert in self.guardrail.alerts):
            yield from self._made(subject, "the end of its time", _late)


def _stays(one: Condition) -> bool:
    """Whether a breach of it lasts as long as its series go on like this."""
    return not isinstance(one.signal.measure, StateChanges)


def _alike(one: Condition, other: Condition) -> bool:
    """Whether two conditions can be reached by one climb."""
    return (one.signal.name, one.is_upper, one.state) == (other.signal.name, other.is_upper, other.state)


def _place(subject: Subject) -> str:
    if not subject.rollout.stages:
        return ""
    return ", while no attempt is active" if subject.stage is None else f", in stage {subject.stage}"


def judged(subject: Subject, condition: Condition) -> bool:
    """Whether a condition has a limit in the subject's stage."""
    try:
        return subject.limit(condition) is not None
    except Impossible:
        return True


def _few(director: Director, one: Condition) -> Story:
    """All events are bad: fewer in each window than any tier judges, then half an event more than all of them need."""
    subject, measure = director.subject, one.signal.measure.inner
    if subject.entangled:
        raise Impossible("two of its measures look at one series, and have their own minimum")
    width, least = measure.width, Decimal(getattr(measure, "min_events", 1))
    alone = [c.least_bad for c in subject.conditions if c.signal == one.signal and c.least_bad is not None]
    fewest = min([least - Decimal("0.5"), *(Decimal(bad - 1) for bad in alone)])
    each, rest = divmod(width, director.scrape)
    thin, enough = fewest / (each + bool(rest)), (least + Decimal("0.5")) / each
    values = subject.with_value({}, one.signal, subject.far(one.signal, up=one.is_upper))
    timeline, usual = Timeline(director.scrape), subject.pace(one.signal).events
    calm = subject.healthy()
    first = director.clock.first(max(director.ready, width))
    beside = healthy(director, one.signal)
    timeline.play({**director.feeds(values, thin / usual), **beside}, first)
    start = timeline.now
    sure = start - director.scrape + width
    second = director.clock.first(sure)
    timeline.play({**director.feeds(values, enough / usual), **beside}, second)
    lives = director.lives([Phase(calm, NOTHING, first), Phase(values, start, sure)])
    return director.story(EVENTS, timeline, lives, (first, second))


def _late(director: Director) -> Story:
    """A stage that is older than the time for which tiers count."""
    subject, timeline = director.subject, Timeline(director.scrape)
    timed = {
        alert: c for alert in subject.alerts if alert.during for c in alert.conditions if judged(subject, c)
    }
    alert, one = next(iter(timed.items()), (None, None))
    if alert is None or one is None:
        raise Impossible("it has no limit in the stages that could be looked at")
    values = subject.with_value({}, one.signal, subject.over(one))
    timeline.play(director.feeds(values), director.ready)
    entered = -(alert.during or NOTHING) - director.clock.step
    return director.story(
        OVER, timeline, [Life(alert, None)], [director.ready], context=Context(subject.stage, None, entered)
    )


def best(rollout: Rollout) -> tuple[str | None, ...]:
    """The stages, those first in which most limits are judged."""
    count = {
        stage.name: sum(
            judged(Subject(rollout, guardrail, stage.name), condition)
            for guardrail in rollout.guardrails
            if guardrail.split is None
            for alert in guardrail.alerts
            for condition in alert.conditions
        )
        for stage in rollout.stages
    }
    return tuple(sorted(count, key=lambda name: -count[name]))
