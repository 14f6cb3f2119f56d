"""Each limit of each tier → scenarios at it and just over it: the hold to the evaluation, the end, the texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from handrail.emit.promtool.events import growing, happened
from handrail.emit.promtool.frame import UPWARDS, Frame, inner, once, tiers, window
from handrail.emit.promtool.scene import LONGEST, Scenario, Scene
from handrail.emit.promtool.stimulus import Feeds, Impossible
from handrail.plan import Alert, Condition, Count, Gone, Grown, Op, StateChanges
from handrail.units import Unit, seconds

OVER = (
    "Just over its limit an alert fires when its hold is over, not an evaluation before, and ends as declared"
)
UNDER = "At its limit, or as near to it as can be, an alert stays silent"


def limits(frame: Frame) -> Iterator[Scenario | Impossible]:
    """Both scenarios for each reason of each tier, in each stage that has a limit of its own."""
    for alert, condition in tiers(frame.guardrail):
        for stage in _stages(frame, condition):
            about = _about(frame, alert, condition, stage)
            for build in (_over, _under):
                try:
                    yield from build(frame, alert, condition, stage, about)
                except Impossible as reason:
                    yield Impossible(f"{about}, {build.__name__[1:]} its limit: {reason}")


def _stages(frame: Frame, condition: Condition) -> list[str | None]:
    named: list[str | None] = [limit.stage for limit in condition.limits]
    if not condition.staged:
        return [frame.stage(condition)]
    return [stage for stage in named if stage is None or frame.judged_in(condition, stage)]


def _about(frame: Frame, alert: Alert, condition: Condition, stage: str | None) -> str:
    signal = f" ({condition.signal.name})" if condition.signal.name else ""
    staged = f" in stage {stage}" if condition.staged and stage else ""
    return f"{frame.guardrail.name} {alert.tier}{signal}{staged}"


def _over(
    frame: Frame, alert: Alert, condition: Condition, stage: str | None, about: str
) -> Iterator[Scenario]:
    scene, around = frame.scene(), frame.around(stage)
    wait = alert.hold + 3 * frame.rollout.evaluate
    _past(frame, scene, condition, around)
    if once(condition.signal.measure):
        _happens(frame, scene, condition, around, over=True)
    else:
        value = beyond(frame, condition, stage)
        scene.play({**around, **_at(frame, condition, value)}, scene.scrapes(wait, _ripening(condition)))
    if stage == _stages(frame, condition)[0]:
        _recover(frame, scene, condition, alert, around)
    _check_length(frame, scene)
    yield Scenario(OVER, about, frame.guardrail, scene.tapes, scene.clock, fires=(alert,), texts=(alert,))


def _recover(frame: Frame, scene: Scene, condition: Condition, alert: Alert, around: Feeds) -> None:
    """All well again, until the window has forgotten and the alert has ended."""
    end = window(condition.signal.measure) + alert.keep_firing_for + 3 * frame.rollout.evaluate
    if scene.scrapes(end) // max(1, scene.scrapes(frame.rollout.evaluate)) <= LONGEST // 4:
        if once(condition.signal.measure):
            scene.rest(around, scene.scrapes(end))
        else:
            scene.play({**around, **frame.well()}, scene.scrapes(end))


def _under(
    frame: Frame, alert: Alert, condition: Condition, stage: str | None, about: str
) -> Iterator[Scenario]:
    """Candidates, the nearest to the limit first; the first one that the model calls silent is taken."""
    around = frame.around(stage)
    long = window(condition.signal.measure) + alert.hold + 3 * frame.rollout.evaluate
    for feeds in _nearest(frame, condition, stage):
        scene = frame.scene()
        _past(frame, scene, condition, around)
        scene.play({**around, **frame.well()}, 2)
        if once(condition.signal.measure):
            _happens(frame, scene, condition, around, over=False)
        else:
            scene.play({**around, **feeds}, scene.scrapes(min(long, timedelta(hours=1))))
        _check_length(frame, scene)
        yield Scenario(UNDER, about, frame.guardrail, scene.tapes, scene.clock, silent=(alert,))


def _past(frame: Frame, scene: Scene, condition: Condition, around: Feeds) -> None:
    """Where the limit is relative to some time ago: that much of a good past."""
    reference = condition.reference
    if reference is not None and reference.ago is not None:
        past = reference.ago + window(condition.signal.measure)
        if past / frame.rollout.evaluate > LONGEST:
            raise Impossible("its reference lies further back than a test should last")
        scene.play({**around, **frame.well()}, scene.scrapes(past))


def _check_length(frame: Frame, scene: Scene) -> None:
    if scene.clock * seconds(frame.rollout.scrape) / seconds(frame.rollout.evaluate) > 2 * LONGEST:
        raise Impossible("it would last longer than a test should")


def _ripening(condition: Condition) -> timedelta:
    """How long a steady growth takes until its whole value shows."""
    measure = inner(condition.signal.measure)
    return measure.window if isinstance(measure, Grown | Gone) else timedelta()


def _at(frame: Frame, condition: Condition, value: Decimal) -> Feeds:
    signal = condition.signal
    measure = inner(signal.measure)
    if isinstance(measure, Grown):
        return {
            **frame.bad(condition, Decimal(0)),
            **growing(measure, value, frame.pace, frame.fixed(signal)),
        }
    return frame.bad(condition, value)


def _happens(frame: Frame, scene: Scene, condition: Condition, around: Feeds, *, over: bool) -> None:
    """Nothing for two scrapes, then what is counted happens within one scrape, then nothing again."""
    calm = {**around, **frame.well()}
    scene.play(calm, 2)
    signal, measure = condition.signal, inner(condition.signal.measure)
    if isinstance(measure, StateChanges):
        if over:
            _toggle(frame, scene, around)
        scene.play(scene.feeds, scene.scrapes(measure.window))
        return
    limit = condition.limits[0].figure
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
    turned = {**dict.fromkeys(calm, None), **frame.at(signal, Decimal(1), state=other)}
    feeds = {key: feed for key, feed in turned.items() if feed is not None}
    zero = {key: type(feed)(Decimal(0)) for key, feed in calm.items() if key not in feeds}
    scene.play({**around, **zero, **feeds}, 1)
    scene.feeds = {**around, **zero, **feeds}


def beyond(frame: Frame, condition: Condition, stage: str | None) -> Decimal:
    """The value just on the wrong side of the limit."""
    limit = frame.limit(condition, stage)
    if condition.op in (Op.at_least, Op.at_most):
        return limit
    if isinstance(inner(condition.signal.measure), Gone):
        return Decimal(1)
    return _beside(limit, condition, outward=True)


def _beside(limit: Decimal, condition: Condition, *, outward: bool) -> Decimal:
    room = min(limit, 1 - limit) if condition.signal.unit is Unit.ratio else abs(limit)
    if condition.signal.unit is Unit.ratio and condition.reference is not None:
        room = limit
    # One digit, a hundredth or less of the room: the value can be read, and no rounding hides it.
    step = (
        Decimal(1).scaleb(room.adjusted() - 2)
        if room > 0
        else _FROM_ZERO.get(condition.signal.unit, Decimal(1))
    )
    up = (condition.op in UPWARDS) == outward
    return limit + step if up else limit - step


_FROM_ZERO = {Unit.ratio: Decimal("0.01")}


def _nearest(frame: Frame, condition: Condition, stage: str | None) -> Iterator[Feeds]:
    limit = frame.limit(condition, stage)
    if once(condition.signal.measure):
        yield {}
        return
    if isinstance(inner(condition.signal.measure), Gone) or condition.state is not None:
        yield frame.well()
        return
    paces = [frame.pace, *(replace(frame.pace, events=frame.pace.events * n) for n in (3, 7, 11, 13))]
    if condition.op in (Op.above, Op.below):
        for pace in paces:
            other = Frame(frame.rollout, frame.guardrail)
            other.__dict__["pace"] = pace
            yield _at(other, condition, limit)
    yield _at(frame, condition, _beside(limit, condition, outward=False))
