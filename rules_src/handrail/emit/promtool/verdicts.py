"""A rollout → the stories of its limits: what is recorded at them and beyond, all guardrails and objectives at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import filterfalse

from handrail.contract import names
from handrail.emit.promtool.arithmetic import metrics
from handrail.emit.promtool.boundaries import SICK, fires_of_itself, of_unknown_series, unfed
from handrail.emit.promtool.levels import Level
from handrail.emit.promtool.recorded import Recorded
from handrail.emit.promtool.series import OTHER, At, Feed, Feeds, Impossible, Key, Timeline
from handrail.emit.promtool.story import (
    UNHEARD,
    Breach,
    Course,
    Instance,
    Story,
    Text,
    Untestable,
    instance,
)
from handrail.plan import Alert, Guardrail, PromQL, Rollout, Slo
from handrail.promql.remembered import REMEMBER
from handrail.units import Unit, plain, show, span

LIMITS = (
    "In each stage a tier is silent within its limit, fires once it has been beyond it for as long as declared, and is "
    "kept for as long as declared; too few events are reported as thin, missing metrics as blind"
)
LASTS = "An alert fires when its `for` has passed and ends when its `keep_firing_for` has, neither one evaluation sooner"
REMEMBERS = "The stage and the figures that the receiver reported last hold for ten minutes, and no longer"
LONG = timedelta(hours=1)
"""What must last longer is pending at the limits, and fires in the story of its time: the limits take some forty evaluations,
which with longer steps would last beyond COMPACTED.
"""
AT_ONCE = 4
"""Times up to so many evaluations are shown evaluation by evaluation."""
FREE = "no series are known that give a free PromQL expression a value"
OF_ITSELF = "its free PromQL expression may have a value without any series, or reads recorded ones"


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
        free = [one for one in guardrail.signals if isinstance(one.measure.inner, PromQL)]
        if any(map(unfed, free)):
            yield Untestable(guardrail.name, OF_ITSELF)
        elif free:
            yield Untestable(f"{guardrail.name}, what is measured", FREE)
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
    yield from _remembering(rollout, guardrails)
    yield from _lasting(rollout, guardrails)


def stages_of(rollout: Rollout) -> list[str | None]:
    """The stages, the most telling ones first; none comes last."""
    return [*rollout.telling_stages, None]


def _places(rollout: Rollout, guardrail: Guardrail) -> dict[str, Recorded]:
    """The guardrail in each stage ("" in none). Raises Impossible where nothing can be shown."""
    places = {stage or "": Recorded(rollout, guardrail, stage) for stage in stages_of(rollout)}
    for place in places.values():
        place.calm  # noqa: B018  raises
        place.figures  # noqa: B018  raises
    return places


def certain(guardrail: Guardrail) -> list[Alert]:
    """Its alerts that look at nothing but what is recorded of what can be fed."""
    free, raw = _free(guardrail), _raw(guardrail)
    found = []
    for alert in guardrail.every_alert:
        unknown = any(one.signal.name in free for one in alert.conditions)
        if alert is guardrail.blind:
            unknown = any(map(of_unknown_series, guardrail.signals))
        if not unknown and not raw & _words(alert.expr):
            found.append(alert)
    return found


def _of_tiers(guardrail: Guardrail) -> dict[Instance, Alert]:
    """Everything that its tiers fire for and that looks at nothing else; what does not fires for nothing while nothing else is
    fed.
    """
    found, free, raw = dict[Instance, Alert](), _free(guardrail), _raw(guardrail)
    for alert in filterfalse(fires_of_itself, guardrail.alerts):
        each = alert.expr.split("\nor ")
        exprs = each if len(each) == len(alert.conditions) else [alert.expr] * len(alert.conditions)
        uncertain = {
            one.signal.name
            for one, expr in zip(alert.conditions, exprs, strict=True)
            if one.signal.name in free or raw & _words(expr)
        }
        names_of = {one.signal.name for one in alert.conditions} - uncertain
        found |= {instance(alert, names.SIGNAL, name): alert for name in sorted(names_of)}
    return found


def _free(guardrail: Guardrail) -> set[str]:
    """The signals of which nothing can be fed."""
    return {one.name for one in guardrail.signals if unfed(one)}


def _raw(guardrail: Guardrail) -> set[str]:
    """The metrics of the service itself."""
    return {one for signal in guardrail.signals for one in metrics(signal.measure)} | {"up"}


@lru_cache(1000)
def _words(expr: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Za-z_:][\w:]*", re.sub(r'"(\\.|[^"\\])*"', "", expr)))


def _instances(
    guardrail: Guardrail, levels: Iterable[Level], places: Iterable[Recorded]
) -> dict[Instance, Alert]:
    found = _of_tiers(guardrail) | _of_few(guardrail)
    reasons = dict.fromkeys(reason for level in levels for reason in level.reasons)
    reasons |= dict.fromkeys(reason for place in places for reason in place.captured_reasons)
    if guardrail.blind in certain(guardrail):
        found |= {instance(guardrail.blind, "reason", reason): guardrail.blind for reason in reasons}
    return found


def _limits(
    rollout: Rollout, guardrails: Sequence[tuple[Guardrail, dict[str, Recorded]]], objectives: Sequence[Part]
) -> Iterator[Story]:
    first, *rest = stages_of(rollout)
    parts: list[tuple[Part, dict[str, Recorded], set[object]]] = []
    for guardrail, places in guardrails:
        here = places[first or ""]
        lost = here.lost() if guardrail.blind in certain(guardrail) else []
        levels = [here.calm, *here.limits(), *here.few(), *lost, here.idle]
        part = Part(_instances(guardrail, levels, places.values()), [_moment(here, one) for one in levels])
        parts.append((part, places, {here.figures, here.captured_reasons}))
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
            here, shown = places[stage or ""], [place for place in places.values() if place.figures in seen]
            part.moments = [_moment(here, here.calm)]
            unknown = stage is None and bool(
                here.guardrail.versions
            )  # nobody says which versions its arms are
            if here.figures not in seen and not unknown:
                seen.add(here.figures)
                part.moments += [_moment(here, level) for level in here.elsewhere(shown)]
                moved = True
            if here.captured_reasons and here.captured_reasons not in seen:
                seen.add(here.captured_reasons)
                part.moments.append(_moment(here, here.unsaid))
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
        breaches = [
            one for moment in moments for one in moment.breaches(course.next) if one[0] in course.alerts
        ]
        shown = [moment.note for moment in moments]
        course.go_on(feeds, [one for one, _, _, _ in breaches], stage, shown=shown)
        course.tell(breaches, texts)


def _longest(rollout: Rollout, alerts: Iterable[Alert]) -> timedelta:
    """So long that a second evaluation finds whatever must last, and forgets what is remembered."""
    times = [time for alert in alerts for time in (alert.sustained, alert.keep_firing_for) if time <= LONG]
    every = rollout.evaluate
    return -(-max([*times, REMEMBER * 3 / 2]) // every) * every


def _remembering(
    rollout: Rollout, guardrails: Sequence[tuple[Guardrail, dict[str, Recorded]]]
) -> Iterator[Story]:
    """In each stage that has other limits all that look at what the receiver says are far beyond their limits, while it is
    heard, while it was heard lately, and then not any more.
    """
    every, scrape = rollout.evaluate, rollout.scrape
    step = -(-REMEMBER * 2 / 3 // every) * every
    parts, alerts = list[tuple[dict[str, Recorded], set[object]]](), dict[Instance, Alert]()
    for guardrail, places in guardrails:
        own = (_of_tiers(guardrail) | _of_few(guardrail)).items()
        heard = {one: alert for one, alert in own if _heard(alert) and not alert.during}
        if heard and not guardrail.versions:
            parts.append((places, set()))
            alerts |= heard
    if not parts or not REMEMBER / 2 < step - scrape < REMEMBER:
        return
    course = Course(step, Timeline(scrape), alerts)
    for stage in filter(None, stages_of(rollout)):
        shown = [places for places, seen in parts if places[stage].figures not in seen]
        for places, seen in parts:
            seen.add(places[stage].figures)
        told = [_told(places[stage], places[""]) for places in shown]
        for place, heard_in in enumerate((stage, UNHEARD, UNHEARD) if told else ()):
            _play(course, [[one[place]] for one in told], heard_in, {})
            if not place:  # as long as the stage
                course.timeline.play(
                    {k: v for one in told for k, v in one[0].feeds.items()}, course.now + scrape
                )
    yield course.story(REMEMBERS)


def _told(here: Recorded, unheard: Recorded) -> tuple[Moment, Moment, Moment]:
    """Far beyond its limits in a stage: while the receiver is heard, lately was, and no longer is."""
    gone = replace(here.dire, captured=False)
    return (
        _moment(here, here.dire),
        Moment(here.feeds(gone), lambda now: here.breaches(here.dire, now), here.said(here.dire)),
        _moment(unheard, gone),
    )


def _heard(alert: Alert) -> bool:
    """Whether it looks at the stage, or at figures that were captured."""
    return bool({names.STAGE_METRIC, names.REFERENCE_METRIC} & _words(alert.expr))


def _lasting(
    rollout: Rollout, guardrails: Sequence[tuple[Guardrail, dict[str, Recorded]]]
) -> Iterator[Story]:
    """For each time that alerts must last, or are kept: an evaluation before it is over, and at it; all short ones in one
    story.
    """
    first, every = stages_of(rollout)[0] or "", rollout.evaluate
    alerts = [
        (places[first], one, alert)
        for guardrail, places in guardrails
        for one, alert in (_of_tiers(guardrail) | _of_few(guardrail)).items()
        if any(places[first].judged(c) for c in alert.conditions) or alert is guardrail.thin
    ]
    times = {t for _, _, alert in alerts for t in (alert.sustained, alert.keep_firing_for) if t >= every}
    short = {time for time in times if time <= AT_ONCE * every}
    ends: dict[timedelta, set[timedelta]] = {}  # what is over when another time is, up to a few times later
    for time in sorted(times - short):
        step = next((one for one in ends if not time % one and time <= AT_ONCE * one), time)
        ends.setdefault(step, set()).add(time)
    before = [({time}, time - every) for time in sorted(times - short)]
    for some, step in [*before, *((several, step) for step, several in ends.items()), (short, every)]:
        own = [one for one in alerts if some & {one[2].sustained, one[2].keep_firing_for}]
        if own:
            yield _last(step, own, some, first)


def _last(
    step: timedelta, several: Sequence[tuple[Recorded, Instance, Alert]], times: set[timedelta], stage: str
) -> Story:
    """All that lasts so long is beyond its limits for that time, and is well again then; with the texts that no limit shows."""
    alerts = {one: alert for _, one, alert in several}
    course, places = Course(step, Timeline(step), alerts), list(dict.fromkeys(here for here, _, _ in several))
    thin = {id(here) for here, _, alert in several if alert is here.guardrail.thin}
    worst = [_moment(here, here.scarce if id(here) in thin else here.worst) for here in places]
    calm = [_moment(here, here.calm) for here in places]
    kept = {alert.keep_firing_for for alert in alerts.values()} & times
    sustained = {
        alert.sustained
        for alert in alerts.values()
        if alert.keep_firing_for in kept or alert.sustained in times
    }
    texts: dict[str, list[Text]] = {}
    fires_at = max(sustained) // step if not kept else -(-max(sustained) // step)
    for moments, steps in ((worst, fires_at + 1), (calm, max(kept) // step + 1 if kept else 0)):
        for _ in range(steps):
            _play(course, [[moment] for moment in moments], stage or None, texts)
    told = [text for own in texts.values() for text in own if text.alert.sustained > LONG]
    return course.story(f"{LASTS} ({', '.join(map(span, sorted(times)))})", told)


def _of_few(guardrail: Guardrail) -> dict[Instance, Alert]:
    """The alert that tells of too few events, where that is all it looks at."""
    return {instance(alert): alert for alert in certain(guardrail) if alert is guardrail.thin}


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
            feeds[Key.of(names.SLO_RATIO, {**labels, names.ROLLOUT: OTHER})] = At(SICK)

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
        other = evidence.but({names.ROLLOUT: OTHER})
        note = f"{guardrail.name}: evidence {plain(shown)}"
        return Moment(
            {
                key: At(share),
                key.but({arms.recorded: arms.stable}): At(1 - share),
                evidence: At(shown),
                other: At(SICK),
            },
            lambda _: breach,
            note,
        )

    return Part({own: warning}, [moment(split.least - 1), *[moment(split.least)] * 2, moment(Decimal(0))])
