"""A rollout → the stories of its limits: what is recorded at them and beyond, all guardrails and objectives at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.arithmetic import selectors
from handrail.emit.promtool.boundaries import SICK
from handrail.emit.promtool.levels import Level
from handrail.emit.promtool.recorded import Recorded
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Timeline
from handrail.emit.promtool.story import Breach, Course, Instance, Story, Text, Untestable, instance
from handrail.plan import Absence, Alert, EventMeasure, Guardrail, PromQL, Rollout, Slo
from handrail.promql.remembered import REMEMBER
from handrail.units import Unit, plain, show, span

LIMITS = (
    "In each stage a tier is silent within its limit, fires once it has been beyond it for as long as declared, and is "
    "kept for as long as declared; too few events are reported as thin, missing metrics as blind"
)
LASTS = "An alert fires when its `for` has passed and ends when its `keep_firing_for` has, neither one evaluation sooner"
AT_ONCE = 4
"""Times up to so many evaluations are shown evaluation by evaluation."""
FREE = "no series are known that give a free PromQL expression a value"


@dataclass(frozen=True)
class Moment:
    """What is recorded at an evaluation, and what is then in breach."""

    feeds: Feeds
    breaches: Callable[[timedelta], Iterable[Breach]]
    note: str
    """What is recorded, for people."""


@dataclass
class Part:
    """One guardrail or objective: its alerts that are certain, and its moments in one stage; the first is calm."""

    alerts: dict[Instance, Alert]
    moments: list[Moment] = field(default_factory=list)


def verdicts(rollout: Rollout) -> Iterator[Story | Untestable]:
    """The story of all limits, and one for each time that alerts must last."""
    guardrails: list[tuple[Guardrail, dict[str, Recorded]]] = []
    for guardrail in rollout.guardrails:
        if any(isinstance(signal.measure.inner, PromQL) for signal in guardrail.signals):
            yield Untestable(guardrail.name, FREE)
        if guardrail.split is not None:
            continue
        try:
            guardrails.append((guardrail, _places(rollout, guardrail)))
        except Impossible as reason:
            yield Untestable(guardrail.name, str(reason))
    objectives = [_objective(slo) for slo in rollout.slos] + [
        _split(one) for one in rollout.guardrails if one.split
    ]
    yield from _limits(rollout, guardrails, objectives)
    yield from _lasting(rollout, guardrails)


def stages_of(rollout: Rollout) -> list[str | None]:
    """The stages in their order, that first in which both arms have traffic; none comes last."""
    names_of = [
        one.name for one in sorted(rollout.stages, key=lambda one: (not one.has_both, not one.has_canary))
    ]
    return [*names_of, None]


def _places(rollout: Rollout, guardrail: Guardrail) -> dict[str, Recorded]:
    """The guardrail in each stage ("" in none). Raises Impossible where nothing can be shown."""
    places = {stage or "": Recorded(rollout, guardrail, stage) for stage in stages_of(rollout)}
    for place in places.values():
        place.calm  # noqa: B018  raises
        place.figures()
    return places


def certain(guardrail: Guardrail) -> list[Alert]:
    """Its alerts that look at nothing but what is recorded of what can be fed."""
    free = [one.name for one in guardrail.signals if isinstance(one.measure.inner, PromQL | Absence)]
    raw = {one.metric for signal in guardrail.signals for one in selectors(signal.measure)} | {"up"}
    found = []
    for alert in guardrail.every_alert:
        unknown = any(one.signal.name in free for one in alert.conditions)
        if alert is guardrail.blind:
            unknown = bool(free) or any(signal.silences for signal in guardrail.signals)
        if not unknown and not raw & _words(alert.expr):
            found.append(alert)
    return found


def _words(expr: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_:][\w:]*", re.sub(r'"(\\.|[^"\\])*"', "", expr)))


def _instances(guardrail: Guardrail, levels: Iterable[Level]) -> dict[Instance, Alert]:
    found: dict[Instance, Alert] = {}
    reasons = dict.fromkeys(reason for level in levels for reason in level.reasons)
    for alert in certain(guardrail):
        if alert is guardrail.blind:
            found |= {instance(alert, "reason", reason): alert for reason in reasons}
        elif alert is guardrail.thin:
            found[instance(alert)] = alert
        else:
            found |= {instance(alert, names.SIGNAL, one.signal.name): alert for one in alert.conditions}
    return found


def _limits(
    rollout: Rollout, guardrails: Sequence[tuple[Guardrail, dict[str, Recorded]]], objectives: Sequence[Part]
) -> Iterator[Story]:
    first, *rest = stages_of(rollout)
    parts: list[tuple[Part, dict[str, Recorded], set[object]]] = []
    for guardrail, places in guardrails:
        here = places[first or ""]
        lost = here.lost() if guardrail.blind in certain(guardrail) else []
        levels = [here.calm, *here.limits(), *here.few(), *lost, here.calm]
        part = Part(_instances(guardrail, levels), [_moment(here, level) for level in levels])
        parts.append((part, places, {here.figures()}))
    every = [*(part for part, _, _ in parts), *objectives]
    alerts = {one: alert for part in every for one, alert in part.alerts.items()}
    if not alerts:
        return
    step = _longest(rollout, alerts.values())
    course, texts = Course(step, Timeline(step), alerts), dict[str, list[Text]]()
    _play(course, [part.moments for part in every], first, texts)
    for stage in rest:
        moved = False
        for part, places, seen in parts:
            here, shown = places[stage or ""], [place for place in places.values() if place.figures() in seen]
            part.moments = [_moment(here, here.calm)]
            unknown = stage is None and bool(
                here.guardrail.versions
            )  # nobody says which versions its arms are
            if here.figures() not in seen and not unknown:
                seen.add(here.figures())
                part.moments += [_moment(here, level) for level in here.elsewhere(shown)]
                moved = True
        if moved:
            idle = [[part.moments[0]] for part in objectives]
            _play(course, [*(part.moments for part, _, _ in parts), *idle], stage, texts)
    yield course.story(LIMITS, [text for several in texts.values() for text in several])


def _moment(here: Recorded, level: Level) -> Moment:
    return Moment(here.feeds(level), lambda now: here.breaches(level, now), here.said(level))


def _play(
    course: Course, sequences: Sequence[Sequence[Moment]], stage: str | None, texts: dict[str, list[Text]]
) -> None:
    """All of them beside each other; each goes on as at its end."""
    for place in range(max(map(len, sequences))):
        moments = [sequence[min(place, len(sequence) - 1)] for sequence in sequences]
        feeds: dict[Key, Feed] = {}
        for moment in moments:
            feeds |= moment.feeds
        breaches = [breach for moment in moments for breach in moment.breaches(course.next)]
        shown = [moment.note for moment in moments]
        course.go_on(feeds, [one for one, _, _, _ in breaches], stage, shown=shown)
        course.tell(breaches, texts)


def _longest(rollout: Rollout, alerts: Iterable[Alert]) -> timedelta:
    """So long that a second evaluation finds whatever must last, and forgets what is remembered."""
    times = [time for alert in alerts for time in (alert.sustained, alert.keep_firing_for)]
    every = rollout.evaluate
    return -(-max([*times, REMEMBER * 3 / 2]) // every) * every


def _lasting(
    rollout: Rollout, guardrails: Sequence[tuple[Guardrail, dict[str, Recorded]]]
) -> Iterator[Story]:
    """For each time that alerts must last, or are kept: an evaluation before it is over, and at it; all short ones in one
    story.
    """
    first, every = stages_of(rollout)[0] or "", rollout.evaluate
    alerts = [
        (places[first], alert)
        for guardrail, places in guardrails
        for alert in certain(guardrail)
        if any(places[first].judged(one) for one in alert.conditions) or _scarce(places[first], alert)
    ]
    times = {t for _, alert in alerts for t in (alert.sustained, alert.keep_firing_for) if t > every}
    short = {time for time in times if time <= AT_ONCE * every}
    ends: dict[timedelta, set[timedelta]] = {}  # what is over when another time is, up to a few times later
    for time in sorted(times - short):
        step = next((one for one in ends if not time % one and time <= AT_ONCE * one), time)
        ends.setdefault(step, set()).add(time)
    before = [({time}, time - every) for time in sorted(times - short)]
    for some, step in [*before, *((several, step) for step, several in ends.items()), (short, every)]:
        own = [pair for pair in alerts if some & {pair[1].sustained, pair[1].keep_firing_for}]
        if own:
            yield _last(step, own, some, first)


def _last(
    step: timedelta, alerts: Sequence[tuple[Recorded, Alert]], times: set[timedelta], stage: str
) -> Story:
    """All that lasts so long is beyond its limits for that time, and is well again then."""
    known = {one: alert for here, alert in alerts for one in _of_tier(alert)}
    course, places = Course(step, Timeline(step), known), list(dict.fromkeys(here for here, _ in alerts))
    thin = {id(here) for here, alert in alerts if alert is here.guardrail.thin}
    worst = [_moment(here, here.scarce if id(here) in thin else here.worst) for here in places]
    calm = [_moment(here, here.calm) for here in places]
    kept = {alert.keep_firing_for for _, alert in alerts} & times
    sustained = {
        alert.sustained for _, alert in alerts if alert.keep_firing_for in kept or alert.sustained in times
    }
    for moments, time in ((worst, max(sustained)), (calm, max(kept, default=None))):
        for _ in range(0 if time is None else -(-time // step) + 1):
            _play(course, [[moment] for moment in moments], stage or None, {})
    return course.story(LASTS)


def _scarce(here: Recorded, alert: Alert) -> bool:
    """Whether it is the alert that tells of too few events, and there can be too few."""
    return alert is here.guardrail.thin and any(
        isinstance(one.measure.inner, EventMeasure) and one.measure.inner.min_events > 1
        for one in here.signals
    )


def _of_tier(alert: Alert) -> list[Instance]:
    if not alert.conditions:
        return [instance(alert)]
    return [instance(alert, names.SIGNAL, one.signal.name) for one in alert.conditions]


# Objectives, and the split of the traffic


def _objective(slo: Slo) -> Part:
    """Each pair of windows by itself: the long one over its pace, then the short one, then both."""
    windows = [dict(one.labels)[names.WINDOW] for one in slo.ratios]
    own = dict(slo.ratios[0].labels)
    tiers = [(alert, burn) for alert, (_, burns) in zip(slo.alerts, slo.burns, strict=True) for burn in burns]
    alerts = {instance(alert, names.WINDOW, span(burn.long)): alert for alert, burn in tiers}

    def moment(over: Mapping[str, Decimal]) -> Moment:
        feeds: dict[Key, Feed] = {}
        for window in windows:
            labels = {**own, names.WINDOW: window}
            feeds[Key.of(names.SLO_RATIO, labels)] = At(over.get(window, Decimal(0)))
            feeds[Key.of(names.SLO_RATIO, {**labels, names.ROLLOUT: "other"})] = At(SICK)

        def breaches(_: timedelta) -> Iterator[Breach]:
            for alert, burn in tiers:
                limit = burn.factor * (1 - slo.objective)
                long, short = (over.get(span(width), Decimal(0)) for width in (burn.long, burn.short))
                if long > limit and short > limit:
                    labels = {names.SLO: slo.name, names.WINDOW: span(burn.long)}
                    yield instance(alert, names.WINDOW, span(burn.long)), alert, labels, long

        rates = (f"{show(share, Unit.ratio)} in {window}" for window, share in over.items())
        return Moment(feeds, breaches, f"slo-{slo.name}: {' and '.join(rates) or 'no error'}")

    moments = [moment({})]
    for _, burn in tiers:
        limit = burn.factor * (1 - slo.objective)
        over, long, short = limit * Decimal("1.01"), span(burn.long), span(burn.short)
        moments += [moment({long: over, short: limit}), moment({long: limit, short: over})]
        moments += [moment({long: over, short: over}), moment({})]
    return Part(alerts, moments)


def _split(guardrail: Guardrail) -> Part:
    """The evidence is just not enough, and then it is."""
    split, arms, [warning] = guardrail.split, guardrail.arms, guardrail.alerts
    if split is None or arms is None:
        raise TypeError("it compares no arms")
    value = guardrail.signals[0].value
    labels = {
        label: text for label, _, text in value.matchers if label not in (names.ROLLOUT, names.GUARDRAIL)
    }
    key, share = Key.of(value.metric, {label: text for label, _, text in value.matchers}), Decimal("0.3")
    evidence = Key.of(split.evidence.metric, {label: text for label, _, text in split.evidence.matchers})
    own = instance(warning)

    def moment(shown: Decimal) -> Moment:
        breach: list[Breach] = [(own, warning, labels, share)] if shown >= split.least else []
        other = evidence.but({names.ROLLOUT: "other"})
        note = f"{guardrail.name}: evidence {plain(shown)}"
        return Moment({key: At(share), evidence: At(shown), other: At(SICK)}, lambda _: breach, note)

    return Part({own: warning}, [moment(split.least - 1), *[moment(split.least)] * 2, moment(Decimal(0))])
