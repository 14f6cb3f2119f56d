"""Versions that are told when an attempt starts → stories of what is judged by them, and what is not."""

from __future__ import annotations

from dataclasses import replace

from handrail.contract import names
from handrail.emit.promtool.attempts import CANARY, NEXT, attempt
from handrail.emit.promtool.feeds import Phase
from handrail.emit.promtool.guardrails import Director
from handrail.emit.promtool.series import Timeline
from handrail.emit.promtool.story import NOTHING, TICK, Context, Story
from handrail.plan import Absence, Condition, Selector
from handrail.promql.remembered import REMEMBER

UNKNOWN = "While nobody reports which versions its arms are, a guardrail is blind"
FOLLOWING = "A version is judged when an attempt has begun that it is the canary of, and not before"
AWAY = "While the receiver is away for a short time, the versions that it reported last are judged"


def unknown(director: Director) -> Story:
    """The receiver says the stage and no versions."""
    timeline = Timeline(director.scrape)
    begins = director.clock.span(NOTHING, NOTHING)
    timeline.play(
        director.feeds(director.bases), begins.last + director.clock.times(director.guardrail.blind.sustained)
    )
    context = Context(director.subject.stage, versions=False)
    lost = [("nobody reports the versions of its arms", begins, None)]
    return _reading_versions(director.blind(UNKNOWN, timeline, lost, context))


def following(director: Director, one: Condition) -> Story | None:
    """The next version is beyond a limit already when the attempt begins that it is the canary of."""
    subject, rollout = director.subject, director.subject.rollout
    if director.ago:
        return None
    values = subject.with_value({}, one.signal, director.far(one.signal, up=one.is_upper))
    series = {**director.feeds(director.bases), **subject.fed(values, arm=NEXT)}
    timeline = Timeline(director.scrape)
    timeline.play({**series, **attempt(rollout, 1)}, director.ready)
    begun, measure = timeline.now, one.signal.measure.inner
    sure = begun + measure.width + TICK if isinstance(measure, Absence) else begun
    first = director.clock.first(sure)
    waits = max(director.clock.times(alert.sustained) for alert in director.guardrail.alerts)
    timeline.play({**series, **attempt(rollout, 2, NEXT, CANARY)}, first + waits)
    phases = [Phase(director.bases, NOTHING, director.ready), Phase(values, begun, sure)]
    looks = (director.ready, first + waits)
    context = Context(subject.stage, versions=False)
    return _reading_versions(
        director.story(FOLLOWING, timeline, director.lives(phases, roughly=True), looks, context=context)
    )


def away(director: Director, one: Condition) -> Story | None:
    """The canary goes beyond a limit just after the receiver's last word; None where that takes too long to show."""
    subject, timeline = director.subject, Timeline(director.scrape)
    if director.ago:
        return None
    timeline.play(director.feeds(director.bases), director.ready)
    start = timeline.now
    values = subject.with_value(director.bases, one.signal, director.far(one.signal, up=one.is_upper))
    sure = max(start, director.shows(one.signal, start))
    waits = min(director.clock.times(alert.sustained) for alert in director.guardrail.alerts)
    look = director.clock.first(sure) + waits
    until = start - director.scrape
    if look >= until + REMEMBER:
        return None
    timeline.play(director.feeds(values), look)
    phases = [Phase(director.bases, NOTHING, director.ready), Phase(values, start, sure)]
    context = Context(subject.stage, until)
    lives = director.lives(phases, roughly=True)
    return director.story(AWAY, timeline, lives, [look], context=context)


def _reading_versions(story: Story) -> Story:
    """Nobody else's versions are played beside it."""
    return replace(story, reads=(*story.reads, Selector(names.ARM_METRIC)))
