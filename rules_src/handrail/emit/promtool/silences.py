"""Something is far beyond its limits, and not what is judged → stories in which nothing fires."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from handrail.emit.promtool.attempts import BEFORE, stable_of
from handrail.emit.promtool.feeds import Phase, Value, failing
from handrail.emit.promtool.guardrails import Director
from handrail.emit.promtool.series import Feed, Feeds, Key, Timeline, matches
from handrail.emit.promtool.story import NOTHING, Story
from handrail.plan import Condition, ReferenceKind, Selector, StateChanges, While

BESIDE = "A sick stable arm and sick series of others raise nothing beside a healthy one"
RESTING = "While the condition of a measure does not hold, nothing fires"


def neighbours(director: Director) -> Story:
    """Everything is far beyond its limits, but for the version that is judged."""
    subject, arms = director.subject, director.guardrail.arms
    sick: dict[str, Value] = dict(subject.healthy())
    for one in subject.conditions:
        if not isinstance(one.signal.measure, StateChanges):
            sick[one.signal.name] = director.far(one.signal, up=one.is_upper)
    feeds = dict(_strangers(subject.fed(sick, times=Decimal(1000)), subject.reads()))
    if arms is not None and any(arms.label in signal.by for signal in director.guardrail.signals):
        stable = any(c.reference and c.reference.kind is ReferenceKind.stable for c in subject.conditions)
        feeds |= subject.fed(director.bases if stable else sick, arm=stable_of(arms))
        if arms.told:
            feeds |= subject.fed(sick, arm=BEFORE)
    feeds |= {**subject.told(), **subject.fed(director.bases), **director.others}
    timeline = Timeline(director.scrape)
    timeline.play(feeds, director.ready)
    lives = director.lives([Phase(director.bases, NOTHING, director.ready)])
    return director.story(BESIDE, timeline, (life for life in lives if life.begins is None), [director.ready])


def _strangers(feeds: Feeds, reads: list[Selector]) -> dict[Key, Feed]:
    """The same series with one label of their matchers changed, where nobody reads them then."""
    found: dict[Key, Feed] = {}
    for label in dict.fromkeys(label for s in reads for label, op, _ in s.matchers if op == "="):
        for key, feed in feeds.items():
            other = Key.of(key.metric, {**dict(key.labels), label: "stranger"})
            if label in dict(key.labels) and not any(matches(s, other) for s in reads):
                found[other] = feed
    return found


def resting(director: Director, one: Condition) -> Story:
    """A value far beyond its limits while the condition of its measure does not hold."""
    subject, narrow = director.subject, director.subject.measure(one.signal)
    if not isinstance(narrow, While):
        raise TypeError("it has no condition")
    values = subject.with_value({}, one.signal, director.far(one.signal, up=one.is_upper))
    feeds = failing(narrow, director.feeds(values), subject.pace(one.signal))
    timeline = Timeline(director.scrape)
    timeline.play(feeds, director.ready)
    lives = director.lives([Phase(values, NOTHING, director.ready)])
    own = (life for life in lives if life.begins and life.signal == one.signal.name)
    silent = (replace(life, begins=None) for life in own)
    return director.story(RESTING, timeline, silent, [director.ready])
