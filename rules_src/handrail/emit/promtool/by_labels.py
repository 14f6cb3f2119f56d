"""A measure that is judged for each value of its labels → the story of two of these: one in breach, one healthy.

All other stories have one value of each label. Here another one is there as well, goes far beyond its limits, and goes
away: an alert is about that one alone, and while one is left to be judged nobody is blind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from handrail.emit.promtool.attempts import stable_of
from handrail.emit.promtool.feeds import Phase, Value, failing, feeds, selectors
from handrail.emit.promtool.guardrails import Director
from handrail.emit.promtool.series import Feeds, Impossible, Timeline, fitting, matches
from handrail.emit.promtool.silences import RESTING
from handrail.emit.promtool.story import FOREVER, NOTHING, Life, Span, Story
from handrail.emit.promtool.subject import Subject
from handrail.plan import Condition, Measure, Selector, Signal, State, While

ALONE = "What is judged for each value of its labels fires for the one in breach alone; one that goes blinds nobody"


def labels_of(signal: Signal) -> tuple[str, ...]:
    """The labels for each of whose values it is judged; a state is one value at a time."""
    return () if isinstance(signal.measure.inner, State) else signal.measure.labels


def alone(director: Director, one: Condition) -> Story | None:
    """One goes beyond its limits beside a healthy one, and away; None where there cannot be two."""
    subject, signal, bases = director.subject, one.signal, director.bases
    two = _two(subject, signal)
    if not two:
        return None
    other = {label: second for label, (_, second) in two.items()}
    far = director.far(signal, up=one.is_upper)
    timeline = Timeline(director.scrape)
    beside = {**_stable(director, signal, other), **subject.told(other)}
    timeline.play(
        {**director.feeds(bases), **beside, **_fed(subject, signal, bases[signal.name], other)},
        director.ready,
    )
    start = timeline.now
    sure = max(start, director.shows(signal, start))
    look = director.clock.first(sure) + min(
        director.clock.times(a.sustained) for a in director.guardrail.alerts
    )
    if director.ago and look > start + director.ago:
        raise Impossible("it would be compared with itself before it fires")
    timeline.play({**director.feeds(bases), **beside, **_fed(subject, signal, far, other)}, look)
    gone = timeline.now
    blind = director.guardrail.blind
    last = director.clock.first(gone + signal.measure.width) + director.clock.times(blind.sustained)
    timeline.play({**director.feeds(bases), **beside}, last)
    phases = [
        Phase(bases, NOTHING, director.ready),
        Phase(subject.with_value(bases, signal, far), start, sure),
    ]
    lives = [life for life in director.lives(phases, roughly=True) if life.signal == signal.name]
    found = [Life(blind, None)]
    for label, (first, second) in two.items():
        ends = Span(director.clock.first(gone), FOREVER)
        found += [replace(life, begins=None, only=(label, first)) for life in lives if _well(director, life)]
        found += [replace(life, ends=ends, only=(label, second)) for life in lives if life.begins]
    return director.story(ALONE, timeline, found, (look, last))


def bound(director: Director, one: Condition) -> Story | None:
    """One is far beyond its limits, and only the condition of another holds; None where they have one condition."""
    subject, signal = director.subject, one.signal
    measure, two = subject.measure(signal), _two(subject, signal)
    if not isinstance(measure, While) or two.keys().isdisjoint(measure.shared):
        return None
    other = {label: second for label, (_, second) in two.items() if label in measure.shared}
    pace = subject.pace(signal)
    pace = replace(pace, labels={**pace.labels, **other})
    far = _fed(subject, signal, director.far(signal, up=one.is_upper), other)
    timeline = Timeline(director.scrape)
    timeline.play(failing(measure, {**director.feeds(director.bases), **far}, pace), director.ready)
    lives = director.lives([Phase(director.bases, NOTHING, director.ready)])
    return director.story(
        RESTING, timeline, (life for life in lives if life.begins is None), [director.ready]
    )


def healthy(director: Director, signal: Signal) -> Feeds:
    """Another one that is well, where there can be one."""
    with suppress(Impossible):
        other = {label: second for label, (_, second) in _two(director.subject, signal).items()}
        calm = director.subject.healthy()[signal.name]
        if other:
            return {**_stable(director, signal, other), **_fed(director.subject, signal, calm, other)}
    return {}


def _well(director: Director, life: Life) -> bool:
    """Whether no measure of the alert is in breach at the bases; two that look at the same series cannot both have theirs."""
    subject = director.subject
    known = subject.known(director.bases, director.feeds(director.bases))
    return subject.breached(life.alert.conditions, known, roughly=not subject.entangled) is False


def _two(subject: Subject, signal: Signal) -> dict[str, tuple[str, str]]:
    """Two values of each of its labels, the usual one first; only of labels that may have two."""
    own, found = selectors(_own(subject, signal)), dict[str, tuple[str, str]]()
    for label in labels_of(signal):
        first = subject.pace(signal).labels[label]
        second = next((value for value in fitting(own, label) if value != first), None)
        if second is not None:
            found[label] = first, second
    return found


def _own(subject: Subject, signal: Signal, arm: str | None = None) -> Measure:
    """What is measured of each; a condition that is that of all is left out."""
    measure = subject.measure(signal, arm)
    return measure.inner if isinstance(measure, While) and not measure.shared else measure


def _fed(
    subject: Subject, signal: Signal, value: Value, other: Mapping[str, str], arm: str | None = None
) -> Feeds:
    """Series of the other one with this value, where no other measure looks at them."""
    pace = subject.pace(signal, arm=arm)
    found = feeds(_own(subject, signal, arm), value, replace(pace, labels={**pace.labels, **other}))
    if any(matches(selector, key) for selector in _of_others(subject, signal) for key in found):
        raise Impossible("two of its measures look at one series")
    return found


def _of_others(subject: Subject, signal: Signal) -> Iterator[Selector]:
    return (
        selector
        for one in subject.guardrail.signals
        if one is not signal
        for selector in selectors(one.measure)
    )


def _stable(director: Director, signal: Signal, other: Mapping[str, str]) -> Feeds:
    """The same of a healthy stable arm."""
    arms = director.guardrail.arms
    if arms is None or arms.label not in signal.by:
        return {}
    return _fed(director.subject, signal, director.bases[signal.name], other, stable_of(arms))
