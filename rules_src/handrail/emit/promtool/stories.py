"""One promise of a guardrail → the story that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.feeds import Value
from handrail.emit.promtool.feeds import condition as the_condition
from handrail.emit.promtool.figures import inner, rising, window
from handrail.emit.promtool.guardrails import Director
from handrail.emit.promtool.series import Feed, Feeds, Impossible, Key, Timeline, matches
from handrail.emit.promtool.story import NOTHING, Context, Span, Story
from handrail.emit.promtool.subject import Subject
from handrail.plan import (
    Alert,
    Condition,
    PromQL,
    Reference,
    Selector,
    Signal,
    StateChanges,
    While,
)
from handrail.promql.comparisons import REMEMBER
from handrail.units import seconds, span

UNTOLD = "When nobody tells the captured figure any more, what is compared with it is blind"

YOUNG = "Before there is a history to compare with, a guardrail is blind"

BESIDE = "A sick stable arm and sick series of others raise nothing beside a healthy one"

RESTING = "While the condition of a measure does not hold, nothing fires"

OVER = "When the first time of a stage is over, what counts only then is silent"


def judged(subject: Subject, condition: Condition) -> bool:
    """Whether a condition has a limit in the subject's stage."""
    try:
        return subject.limit(condition) is not None
    except Impossible:
        return True


def forgotten(director: Director, until: timedelta) -> Span:
    """When it is noticed that the receiver says nothing since `until`."""
    last = until - director.scrape
    return Span(director.clock.first(last + REMEMBER), director.clock.first(until + REMEMBER))


def untold(director: Director, reason: str) -> Story:
    """The receiver tells its figures for a moment, and then no more."""
    timeline, told = Timeline(director.scrape), director.subject.told()
    feeds = director.feeds(director.bases)
    timeline.play(feeds, max(3 * director.scrape, 2 * director.clock.step))
    begins = forgotten(director, timeline.now)
    timeline.play({key: feed for key, feed in feeds.items() if key not in told}, director.scrape)
    return director.blind(UNTOLD, reason, timeline, begins)


def young(director: Director, reference: Reference) -> Story:
    """The series are there since a moment ago."""
    timeline = Timeline(director.scrape)
    timeline.play(director.feeds(director.bases), director.scrape)
    begins = Span(NOTHING, director.clock.first(3 * director.scrape))
    return director.blind(YOUNG, f"there is no history of {span(reference.ago or NOTHING)}", timeline, begins)


def few(director: Director, promise: str, one: Condition, *, enough: bool) -> Story:
    """All events are bad, and there are a few less than the minimum in each window, or a few more."""
    subject, measure = director.subject, inner(one.signal.measure)
    if subject.entangled:
        raise Impossible("two of its measures look at one series, and have their own minimum")
    width, least = window(measure), Decimal(getattr(measure, "min_events", 1))
    blur = Decimal("0.05") + (
        Decimal(str(director.scrape / width)) if width % director.scrape else Decimal(0)
    )
    share = 1 + blur if enough else 1 - blur
    if not enough and least <= 1:
        raise Impossible("one event is enough")
    events = least * share * seconds(director.scrape) / seconds(width)
    values = subject.with_value({}, one.signal, subject.far(one.signal, up=rising(one)))
    pace = subject.pace(one.signal)
    timeline = Timeline(director.scrape)
    timeline.play(director.feeds(values, times=events / pace.events), director.scrape)
    clock, scrape = director.clock, director.scrape
    begins = Span(clock.first(width * 0.9 - 3 * scrape), clock.first(width + 2 * scrape))
    looks = {begins.last + clock.step}
    if enough:
        lives = director.lives(values, begins)
        if not any(life.state(begins.last + clock.step, clock) for life in lives):
            looks |= {begins.last + clock.times(life.alert.hold) for life in lives if life.begins}
    else:
        own = {a.name for a in subject.alerts if any(c.signal == one.signal for c in a.conditions)}
        lives = tuple(
            replace(life, begins=None, ends=None)
            for life in director.lives(values, begins)
            if life.alert.name in own
        )
    return director.story(promise, timeline, lives, tuple(sorted(looks)))


def neighbours(director: Director) -> Story:
    """Everything is far beyond its limits, but for the version that is judged."""
    subject, arms = director.subject, director.guardrail.arms
    sick: dict[str, Value] = dict(subject.healthy())
    for one in subject.conditions:
        if not isinstance(one.signal.measure, StateChanges):
            sick[one.signal.name] = director.far(one.signal, up=rising(one))
    values = director.bases
    feeds: dict[Key, Feed] = {}
    bad = subject.fed(sick, times=Decimal(1000), steady=director.steady)
    feeds |= strangers(bad, subject.reads())
    feeds |= subject.told()
    if arms is not None and any(arms.label in signal.by for signal in director.guardrail.signals):
        stable = any(c.reference and c.reference.kind == "stable" for c in subject.conditions)
        feeds |= subject.fed(director.bases if stable else sick, arm=arms.stable, steady=director.steady)
    feeds |= subject.fed(values, steady=director.steady)
    timeline = Timeline(director.scrape)
    timeline.play(feeds, director.scrape)
    ripe = max(director.ripe(signal) for signal in director.guardrail.signals)
    begins = Span(NOTHING, director.clock.first(ripe))
    lives = tuple(life for life in director.lives(values, begins) if life.begins is None)
    looks = {begins.last + director.clock.step, *(life.silent for life in lives if life.silent)}
    return director.story(BESIDE, timeline, lives, tuple(sorted(looks)))


def strangers(feeds: Feeds, reads: list[Selector]) -> dict[Key, Feed]:
    """The same series with one label of their matchers changed, where nobody reads them then."""
    found: dict[Key, Feed] = {}
    labels = dict.fromkeys(label for s in reads for label, op, _ in s.matchers if op == "=")
    for label in labels:
        for key, feed in feeds.items():
            other = Key.of(key.metric, {**dict(key.labels), label: "stranger"})
            if label in dict(key.labels) and not any(matches(s, other) for s in reads):
                found[other] = feed
    return found


def resting(director: Director, signal: Signal) -> Story:
    """A value far beyond its limits while the condition of its measure does not hold."""
    subject, measure = director.subject, signal.measure
    own = [c for c in subject.conditions if c.signal == signal]
    if not own or not isinstance(measure, While):
        raise Impossible("it has no limit")
    values = subject.with_value({}, signal, director.far(signal, up=rising(own[0])))
    feeds = dict(director.feeds(values))
    pace = subject.pace(signal)
    narrow = subject.measure(signal)
    if isinstance(narrow, While):
        feeds |= the_condition(narrow, pace, holds=False)
    timeline = Timeline(director.scrape)
    timeline.play(feeds, director.scrape)
    ripe = max(director.ripe(one) for one in director.guardrail.signals)
    begins = Span(NOTHING, director.clock.first(ripe))
    lives = tuple(
        replace(life, begins=None, ends=None) for life in director.lives(values, begins) if life.begins
    )
    return director.story(RESTING, timeline, lives, (begins.last + director.clock.step,))


def late(director: Director, alert: Alert) -> Story:
    """A stage that is older than the time for which the tier counts."""
    subject = director.subject
    one = next(c for c in alert.conditions if judged(subject, c) and not isinstance(c.signal.measure, PromQL))
    story = director.plateau(OVER, alert, one, subject.over(one), held=False)
    lives = tuple(replace(life, begins=None, ends=None) for life in story.lives if life.alert is alert)
    entered = -(alert.during or NOTHING) - director.clock.step
    return director.story(
        OVER, story.timeline, lives, story.looks, context=Context(subject.stage, None, entered)
    )
