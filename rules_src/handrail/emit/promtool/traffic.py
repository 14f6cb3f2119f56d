"""No events, few events, a missed scrape → scenarios: what must not raise an alert, and what must."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.frame import UPWARDS, Frame, free, inner, window
from handrail.emit.promtool.limits import extreme, had, settle
from handrail.emit.promtool.made import easiest, judging, longest, made, per
from handrail.emit.promtool.recordings import strange_recordings
from handrail.emit.promtool.scene import Scenario, Scene
from handrail.emit.promtool.series import Rise
from handrail.emit.promtool.stimulus import Feeds, Impossible, chosen, feeds
from handrail.emit.promtool.storage import matches
from handrail.plan import Alert, Count, Only, Op, Quantile, Share, Signal, Slow

NEVER_BORN = "An error series that was never born counts as none"
NEVER_GOOD = "Where no success was ever counted, nothing succeeds"
REST = "At rest there is no verdict, and nobody is blind"
MISSED = "One missed scrape raises nothing"
THREE = "One failure out of three events is no breach"
FEWER = "With one event less than the least number there is no verdict"
ENOUGH = "With the least number of events there is a verdict"
IDLE = "While its condition does not hold there is no verdict, and nobody is blind"


def traffic(frame: Frame) -> Iterator[Scenario | Impossible]:
    """All of these for one guardrail."""
    if free(frame.guardrail):
        return
    for build in (_never_born, _rest, _missed, _few, _idle):
        yield from had(build(frame), f"{build.__name__[1:].replace('_', ' ')}: {frame.guardrail.name}")


def _shares(frame: Frame) -> Iterator[tuple[Signal, Share]]:
    for signal in frame.guardrail.signals:
        measure = inner(signal.measure)
        if isinstance(measure, Share):
            yield signal, measure


def _never_born(frame: Frame) -> Iterator[Scenario]:
    for signal, measure in _shares(frame):
        scene, around = frame.scene(), frame.around(frame.stage())
        unborn = chosen(measure.part, frame.fixed(signal))
        feeds = {key: feed for key, feed in frame.well().items() if key != unborn}
        if measure.bad:
            scene.play({**around, **feeds}, scene.scrapes(longest(frame) + 3 * frame.rollout.evaluate))
            yield made(NEVER_BORN, frame, scene, silent=judging(frame, signal), about=signal.name)
        else:
            alerts = judging(frame, signal, fixed=True)
            scene.play({**around, **feeds}, scene.scrapes(longest(frame) + 3 * frame.rollout.evaluate))
            yield made(NEVER_GOOD, frame, scene, fires=alerts, about=signal.name)


def _rest(frame: Frame) -> Iterator[Scenario]:
    signals = frame.guardrail.signals
    if not all(isinstance(inner(signal.measure), Share | Quantile | Slow | Count) for signal in signals):
        return
    scene, around = frame.scene(), frame.around(frame.stage())
    well = frame.well()
    still: Feeds = {key: Rise(Decimal(0)) if isinstance(f, Rise) else f for key, f in well.items()}
    length = frame.guardrail.blind.hold + longest(frame) + 3 * frame.rollout.evaluate
    scene.play({**around, **still, **strange_recordings(frame)}, scene.scrapes(length))
    yield made(REST, frame, scene, silent=frame.calm())


def _missed(frame: Frame) -> Iterator[Scenario]:
    scene, around = frame.scene(), frame.around(frame.stage())
    well = frame.well()
    for alert in frame.guardrail.alerts:
        settle(frame, scene, alert, around)
        break
    settled = scene.clock - 1
    step = per(frame)
    scene.play({**around, **well}, 4 * step - scene.clock % step)
    scene.miss(well, around)
    scene.play({**around, **well}, 6 * step)
    yield made(MISSED, frame, scene, silent=frame.calm(), settled=settled)


def _few(frame: Frame) -> Iterator[Scenario]:
    """The worst value there can be, with too few events and with just enough."""
    for signal in frame.guardrail.signals:
        measure = inner(signal.measure)
        if not isinstance(measure, Share | Quantile | Slow):
            continue
        found = easiest(frame, signal)
        if found is None:
            continue
        alert, condition = found
        worst = extreme(frame, condition)
        if worst is None:
            continue
        if condition.reference is not None and condition.reference.ago is not None:
            continue
        around, bad = frame.around(frame.stage(condition)), frame.bad(condition, worst)
        least = Decimal(measure.min_events)
        alone = frame.guardrail.alerts if len(frame.guardrail.signals) == 1 else (alert,)
        scene = _slowly(frame, measure, around, bad, least - Decimal("0.5"))
        yield made(FEWER, frame, scene, silent=alone, about=signal.name)
        for events in (least, least + Decimal("0.5")):
            scene = _slowly(frame, measure, around, bad, events)
            yield made(ENOUGH, frame, scene, fires=(alert,), about=signal.name)
        if measure.min_events > 3:
            yield _three(frame, signal, alert, bad, around)


def _slowly(
    frame: Frame, measure: Share | Quantile | Slow, around: Feeds, bad: Feeds, events: Decimal
) -> Scene:
    """So many events in a window, again and again, until every tier could have fired."""
    scene = frame.scene()
    every = scene.scrapes(measure.window)
    share = events / every / frame.pace.events
    slow: Feeds = {k: Rise(f.step * share) if isinstance(f, Rise) else f for k, f in bad.items()}
    scene.play({**around, **slow}, every + scene.scrapes(longest(frame)) + 3 * per(frame))
    return scene


def _three(frame: Frame, signal: Signal, alert: Alert, bad: Feeds, around: Feeds) -> Scenario:
    """Nothing but three events in one scrape, one of them bad: a third is bad, or all are slow."""
    scene = frame.scene()
    well = frame.well()
    still: Feeds = {key: Rise(Decimal(0)) if isinstance(f, Rise) else f for key, f in {**well, **bad}.items()}
    three = dict(still)
    measure = inner(signal.measure)
    if isinstance(measure, Share):
        part = chosen(measure.part, frame.fixed(signal))
        for key in bad:
            if matches(measure.whole, key) or key == part:
                three[key] = Rise(Decimal(3 if measure.part.metric != measure.whole.metric else 2))
        three[part] = Rise(Decimal(1 if measure.bad else 2))
        if not measure.bad and measure.part.metric == measure.whole.metric:
            three |= {k: Rise(Decimal(1)) for k in bad if k != part and matches(measure.whole, k)}
    else:
        for key, feed in bad.items():
            if isinstance(feed, Rise) and feed.step:
                three[key] = Rise(Decimal(3))
    scene.play({**around, **still}, 2)
    scene.play({**around, **three}, 1)
    scene.feeds = {**around, **still}
    scene.play(scene.feeds, scene.scrapes(window(measure), alert.hold))
    return made(THREE, frame, scene, silent=(alert,), about=signal.name)


def _idle(frame: Frame) -> Iterator[Scenario]:
    """Far over the limit, while the condition that the measure is bound to does not hold."""
    for signal in frame.guardrail.signals:
        measure = signal.measure
        found = frame.conditions(signal)
        if not isinstance(measure, Only) or not found:
            continue
        condition = found[0]
        stage = frame.stage(condition)
        off = measure.bound if measure.op is Op.above else measure.bound + 5
        unmet = feeds(measure.condition, off, frame.pace, frame.fixed(signal))
        far = max(frame.limit(condition, stage) * 2, Decimal(1)) if condition.op in UPWARDS else Decimal(0)
        scene = frame.scene()
        wait = window(measure) if window(measure) < timedelta(minutes=15) else timedelta(minutes=5)
        about = {**frame.around(stage), **frame.bad(condition, far), **unmet}
        scene.play(about, scene.scrapes(wait, frame.guardrail.blind.hold) + 3 * per(frame))
        silent = frame.calm() if len(found) == 1 and len(frame.guardrail.signals) == 1 else ()
        blind = tuple(a for a in frame.calm() if a is frame.guardrail.blind)
        yield made(IDLE, frame, scene, silent=silent or blind, about=signal.name)
