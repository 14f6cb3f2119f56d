"""Each limit of each tier → scenarios at it and just over it: the hold to the evaluation, the end, the texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import TypeVar

from handrail import names
from handrail.emit.promtool.events import happened
from handrail.emit.promtool.frame import UPWARDS, Frame, inner, once, tiers, window
from handrail.emit.promtool.instances import SHARES, parted, spread, twice
from handrail.emit.promtool.judge import Judge, compared_with
from handrail.emit.promtool.measure import ms
from handrail.emit.promtool.recordings import strange_words
from handrail.emit.promtool.scene import LONGEST, Scenario, Scene, samples
from handrail.emit.promtool.series import At, Key, labels_of
from handrail.emit.promtool.stimulus import Feeds, Impossible
from handrail.emit.promtool.storage import Storage
from handrail.plan import (
    Alert,
    Condition,
    Count,
    Free,
    Gone,
    Grown,
    Level,
    Measure,
    Only,
    Op,
    PerSecond,
    Quantile,
    ReferenceKind,
    Share,
    Slow,
    StateChanges,
)
from handrail.units import Unit, seconds

OVER = (
    "Just over its limit an alert fires when its hold is over, not an evaluation before, and ends as declared"
)
UNDER = "At its limit, or as near to it as can be, an alert stays silent"
LATE = "After its time an alert is silent, whatever the value"


T = TypeVar("T")


def limits(frame: Frame) -> Iterator[Scenario | Impossible]:
    """Both scenarios for each reason of each tier, in each stage that has a limit of its own."""
    for alert, condition in tiers(frame.guardrail):
        if isinstance(inner(condition.signal.measure), Free):
            yield Impossible(
                f"{_about(frame, alert, condition, None)}: what it measures is a free expression"
            )
            continue
        for stage in stages(frame, condition):
            about = _about(frame, alert, condition, stage)
            for build in (_over, _under, _late):
                yield from had(build(frame, alert, condition, stage, about), about)


def had(scenarios: Iterator[T], about: str) -> Iterator[T | Impossible]:
    """The scenarios; where none can be had, the reason."""
    some = False
    try:
        for scenario in scenarios:
            some = True
            yield scenario
    except Impossible as reason:
        if not some:
            yield Impossible(f"{about}: {reason}")


def stages(frame: Frame, condition: Condition) -> list[str | None]:
    """A stage for each figure the limit has, and for each that is compared with; None is outside of all."""
    if not condition.staged:
        return _compared(frame, condition) or [frame.stage(condition)]
    found: dict[tuple[Decimal, bool], str | None] = {}
    for limit in condition.limits:
        if limit.figure is not None and (limit.stage is None or frame.judged_in(condition, limit.stage)):
            found.setdefault((limit.figure, limit.stage is None), limit.stage)
    return list(found.values())


def _compared(frame: Frame, condition: Condition) -> list[str | None]:
    """The stages that are compared with the one before."""
    reference = condition.reference
    if reference is None or reference.kind is not ReferenceKind.previous_stage:
        return []
    return [now for _, now in compared_with(reference, frame.rollout) if frame.judged_in(condition, now)]


def _about(frame: Frame, alert: Alert, condition: Condition, stage: str | None) -> str:
    signal = f" ({condition.signal.name})" if condition.signal.name else ""
    staged = f" in stage {stage}" if stage else " outside of its stages"
    named = condition.staged or len(_compared(frame, condition)) > 1
    return f"{frame.guardrail.name} {alert.tier}{signal}{staged if named else ''}"


def _over(
    frame: Frame, alert: Alert, condition: Condition, stage: str | None, about: str
) -> Iterator[Scenario]:
    """Candidates, the nearest to the limit first; the first one that the model calls firing is taken."""
    around, wait = frame.around(stage), alert.hold + 3 * frame.rollout.evaluate
    if needs_word(condition):
        around |= strange_words(frame, stage)
    for value in beyond(frame, condition, stage):
        scene = frame.scene()
        looks: tuple[int, ...] = ()
        _past(frame, scene, condition, around)
        if once(condition.signal.measure):
            _happens(frame, scene, condition, around, stage, over=True)
        else:
            feeds = {**around, **_told_apart(frame, condition, frame.bad(condition, value))}
            unmet = frame.unmet(condition.signal)
            clearing = _clearing(condition.signal.measure)
            if unmet and clearing:
                scene.play({**feeds, **unmet}, 2)
            scene.play(feeds, scene.scrapes(wait, max(ripening(condition), clearing)))
            every = max(1, scene.scrapes(frame.rollout.evaluate))
            looks = (scene.scrapes(clearing) * 3 // 4 // every * every,) if clearing else ()
        if stage == stages(frame, condition)[0]:
            _recover(frame, scene, condition, alert, around)
        check_length(frame, scene)
        yield Scenario(
            OVER,
            about,
            frame.guardrail,
            scene.tapes,
            scene.clock,
            fires=(alert,),
            texts=(alert,),
            shared=False,
            looks=looks,
        )


def _recover(frame: Frame, scene: Scene, condition: Condition, alert: Alert, around: Feeds) -> None:
    """Once far over the limit, so that the window has much to forget; then all well until the alert has ended."""
    end = window(condition.signal.measure) + alert.keep_firing_for + 3 * frame.rollout.evaluate
    if end / frame.rollout.evaluate > LONGEST // 4:
        return
    if once(condition.signal.measure):
        scene.rest(around, scene.scrapes(end))
        return
    far = extreme(frame, condition)
    if far is not None:
        scene.play(
            {**around, **_told_apart(frame, condition, frame.bad(condition, far))},
            max(2, scene.scrapes(window(condition.signal.measure)) // 4),
        )
    scene.play({**around, **_told_apart(frame, condition, frame.well())}, scene.scrapes(end))


def _told_apart(frame: Frame, condition: Condition, feeds: Feeds) -> Feeds:
    """Two instances where the least one counts while the greatest is what it is bound to."""
    bound = isinstance(condition.signal.measure, Only) and isinstance(inner(condition.signal.measure), Level)
    return spread(frame.guardrail, feeds) if bound else feeds


def extreme(frame: Frame, condition: Condition) -> Decimal | None:
    """The worst value that a share, a quantile or a rate can have; None where there is no worst one."""
    measure = inner(condition.signal.measure)
    if isinstance(measure, Share | Slow):
        return Decimal(int(condition.op in UPWARDS))
    if isinstance(measure, Quantile) and condition.op in UPWARDS:
        if measure.buckets:
            return measure.buckets[-1] * measure.scale
        worst = max(map(abs, condition.figures))
        return worst * 2 if condition.reference is None else frame.base(condition.signal) * 4
    bound = isinstance(measure, Level) and isinstance(condition.signal.measure, Only)
    if (bound or isinstance(measure, PerSecond)) and condition.op not in UPWARDS:
        return Decimal(0)
    return None


def _under(
    frame: Frame, alert: Alert, condition: Condition, stage: str | None, about: str
) -> Iterator[Scenario]:
    """Candidates, the nearest to the limit first; the first one that the model calls silent is taken."""
    around = frame.around(stage)
    long = window(condition.signal.measure) + alert.hold + 3 * frame.rollout.evaluate
    for feeds in _nearest(frame, alert, condition, stage):
        scene = frame.scene()
        _past(frame, scene, condition, around)
        settle(frame, scene, alert, around)
        settled = scene.clock - 1
        if once(condition.signal.measure):
            _happens(frame, scene, condition, around, stage, over=False)
        else:
            scene.play({**around, **feeds}, scene.scrapes(min(long, timedelta(minutes=15) + alert.hold)))
        check_length(frame, scene)
        yield Scenario(
            UNDER,
            about,
            frame.guardrail,
            scene.tapes,
            scene.clock,
            silent=(alert,),
            settled=settled,
            shared=False,
        )


def _late(
    frame: Frame, alert: Alert, condition: Condition, stage: str | None, about: str
) -> Iterator[Scenario]:
    """Over its limit all the while: it fires until the stage is older than the time in which the alert counts.

    A second receiver says that the stage began just now.
    """
    if alert.during is None:
        return
    ripe = ripening(condition) + alert.hold + 4 * frame.rollout.evaluate
    around = frame.around(stage, entered=seconds(ripe - alert.during))
    for key in [key for key in around if key.metric == names.STAGE_ENTERED_METRIC]:
        around[Key(key.metric, labels_of([*key.labels, ("instance", "second")]))] = At(Decimal(0))
    for value in list(beyond(frame, condition, stage))[-1:]:
        scene = frame.scene()
        feeds = {**around, **frame.bad(condition, value)}
        settled = scene.scrapes(ripe, alert.keep_firing_for)
        scene.play(feeds, settled + scene.scrapes(3 * frame.rollout.evaluate))
        yield Scenario(
            LATE, about, frame.guardrail, scene.tapes, scene.clock, (alert,), (alert,), settled=settled
        )


TOLD = (ReferenceKind.before, ReferenceKind.previous_stage)
"""References that the receiver tells."""


def needs_word(condition: Condition) -> bool:
    """Whether its limit depends on what the receiver says."""
    return condition.staged or (condition.reference is not None and condition.reference.kind in TOLD)


def settle(frame: Frame, scene: Scene, alert: Alert, around: Feeds, well: Feeds | None = None) -> None:
    """Well until the values say so: a rate of events per second that is still young is too low."""
    measures = (inner(signal.measure) for signal in frame.guardrail.signals)
    young = [measure.window for measure in measures if isinstance(measure, PerSecond)]
    needed = max(young) + alert.keep_firing_for if young else timedelta()
    scene.play({**around, **(well or frame.well())}, max(2, scene.scrapes(needed)))


def _past(frame: Frame, scene: Scene, condition: Condition, around: Feeds) -> None:
    """Where the limit is relative to some time ago: that much of a good past."""
    reference = condition.reference
    if reference is not None and reference.ago is not None:
        past = reference.ago + window(condition.signal.measure)
        if past / frame.rollout.evaluate > LONGEST:
            raise Impossible("its reference lies further back than a test should last")
        scene.play({**around, **frame.well()}, scene.scrapes(past))


def check_length(frame: Frame, scene: Scene) -> None:
    """Refuse what would keep promtool busy for too long."""
    if scene.clock * frame.rollout.scrape / frame.rollout.evaluate > LONGEST:
        raise Impossible("it would last longer than a test should")


def ripening(condition: Condition) -> timedelta:
    """How long it takes until the whole of a steady value shows; after another past, that is out of the window."""
    measure = inner(condition.signal.measure)
    if condition.reference is not None and condition.reference.ago is not None:
        return window(measure)
    return measure.window if isinstance(measure, Grown | Gone | PerSecond) else timedelta()


def _clearing(measure: Measure) -> timedelta:
    """How long it takes until what kept a measure's condition from holding is out of its window."""
    return (
        window(measure.condition) if isinstance(measure, Only) and measure.op is Op.at_most else timedelta()
    )


def _happens(
    frame: Frame, scene: Scene, condition: Condition, around: Feeds, stage: str | None, *, over: bool
) -> None:
    """Nothing for two scrapes, then what is counted happens within one scrape, then nothing again."""
    signal, measure = condition.signal, inner(condition.signal.measure)
    well = frame.well()
    calm = {**around, **(twice(well) if isinstance(measure, StateChanges) else well)}
    scene.play(calm, 2)
    if isinstance(measure, StateChanges):
        if over:
            _toggle(frame, scene, around)
        scene.play(scene.feeds, scene.scrapes(measure.window))
        return
    limit = frame.limit(condition, stage)
    count = limit if condition.op is Op.at_least else limit.to_integral_value(ROUND_FLOOR) + 1
    if not over:
        share = 1 - frame.rollout.scrape / window(measure)  # since 3.0 increase extrapolates by one scrape
        count = (limit * Decimal(str(share))).to_integral_value(ROUND_FLOOR)
    scene.play({**calm, **happened(measure, count, frame.fixed(signal))}, 1)
    if isinstance(measure, Count):
        scene.feeds = calm
    scene.play(calm, scene.scrapes(window(measure)))


def _toggle(frame: Frame, scene: Scene, around: Feeds) -> None:
    signal = next(s for s in frame.guardrail.signals if not s.name)
    states = {condition.state for condition in frame.conditions(signal)} - {None}
    other = next((state for state in ("half-open", "other") if state not in states), "changing")
    calm = frame.at(signal, Decimal(1))
    turned = frame.at(signal, Decimal(1), state=other)
    zero = {key: type(feed)(Decimal(0)) for key, feed in calm.items() if key not in turned}
    scene.play({**around, **twice({**zero, **turned})}, 1)


def beyond(frame: Frame, condition: Condition, stage: str | None) -> Iterator[Decimal]:
    """Values on the wrong side of the limit, the nearest first."""
    limit = frame.limit(condition, stage)
    measure = inner(condition.signal.measure)
    if isinstance(measure, Gone) or condition.state is not None:
        yield Decimal(1)
        return
    if condition.op in (Op.at_least, Op.at_most):
        yield limit
    yield _beside(frame, condition, stage, outward=True)


def _beside(frame: Frame, condition: Condition, stage: str | None, *, outward: bool) -> Decimal:
    ratio, limit = condition.signal.unit is Unit.ratio, frame.limit(condition, stage)
    room = min(limit, 1 - limit) if ratio and condition.reference is None else abs(limit)
    if condition.points:
        room = abs(limit - frame.base(condition.signal))
    # One digit, a hundredth or less of the room: the value can be read, and no rounding hides it.
    step = Decimal(1).scaleb(room.adjusted() - 2) if room > 0 else Decimal("0.01") if ratio else Decimal(1)
    up = (condition.op in UPWARDS) == outward
    return limit + step if up else limit - step


def _nearest(frame: Frame, alert: Alert, condition: Condition, stage: str | None) -> Iterator[Feeds]:
    measure = inner(condition.signal.measure)
    if once(condition.signal.measure):
        yield {}
        return
    if isinstance(measure, Gone) or condition.state is not None:
        yield frame.well()
        return
    if condition.op in (Op.above, Op.below):
        yield from _at_the_limit(frame, alert, condition, stage)
    yield frame.bad(condition, _beside(frame, condition, stage, outward=False))


def _at_the_limit(frame: Frame, alert: Alert, condition: Condition, stage: str | None) -> Iterator[Feeds]:
    """The limit itself, from different numbers of events: those for which floats are exact come first."""
    near = list(_alike(frame, condition, frame.limit(condition, stage)))
    yield from (feeds for feeds in near if _exact(frame, alert, condition, stage, feeds))
    yield from near


def _alike(frame: Frame, condition: Condition, value: Decimal) -> Iterator[Feeds]:
    """Series that give the same value: of more events, or of events shared by two instances."""
    feeds, measure = frame.bad(condition, value), inner(condition.signal.measure)
    yield feeds
    if isinstance(measure, PerSecond):
        yield from (parted(feeds, share) for share in SHARES)
    elif not isinstance(measure, Level):
        for times in (3, 7, 11, 13):
            pace = replace(frame.pace, events=frame.pace.events * times)
            yield replace(frame, own_pace=pace).bad(condition, value)


def _exact(frame: Frame, alert: Alert, condition: Condition, stage: str | None, feeds: Feeds) -> bool:
    """Whether the value is the limit itself: one that may be reached would be breached."""
    reached = replace(condition, op=_REACHED[condition.op])
    scene, twin = frame.scene(), replace(alert, conditions=(reached,), during=None)
    every = max(1, scene.scrapes(frame.rollout.evaluate))
    scene.play({**frame.around(stage), **feeds}, scene.scrapes(window(condition.signal.measure)) + every)
    time = (scene.clock - 1) // every * ms(frame.rollout.evaluate)
    scraped = samples(scene.tapes, frame.rollout.scrape)
    storages = (Storage(scraped, closed) for closed in (True, False))
    return all(Judge(frame.rollout, frame.guardrail, seen).breaches(twin, time) for seen in storages)


_REACHED = {Op.above: Op.at_least, Op.below: Op.at_most}
