"""No events, few events, a missed scrape → scenarios: what must not raise an alert, and what must."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.frame import UPWARDS, Frame, free, inner, tiers, window
from handrail.emit.promtool.instances import SHARES, parted
from handrail.emit.promtool.judge import Judge, limit_in
from handrail.emit.promtool.limits import extreme, had, settle
from handrail.emit.promtool.made import easiest, judging, longest, made, per
from handrail.emit.promtool.measure import ms
from handrail.emit.promtool.measure import traffic as events_per_second
from handrail.emit.promtool.recordings import strange_recordings
from handrail.emit.promtool.scene import Scenario, Scene, samples
from handrail.emit.promtool.series import Rise
from handrail.emit.promtool.stimulus import Feeds, Impossible, chosen
from handrail.emit.promtool.storage import Storage, matches
from handrail.plan import Alert, Count, Only, Op, Quantile, Share, Signal, Slow

NEVER_BORN = "An error series that was never born counts as none"
NEVER_GOOD = "Where no success was ever counted, nothing succeeds"
REST = "At rest there is no verdict, and nobody is blind"
MISSED = "One missed scrape raises nothing"
THREE = "One failure out of three events is no breach"
FEWER = "With one event less than the least number there is no verdict"
ENOUGH = "With the least number of events there is a verdict"
FEW_THEN = "With too few events back then, or now, there is no verdict on a change since then"
UNJUDGED = "What no tier judges is recorded all the same, for gates and people"
IDLE = "While its condition does not hold there is no verdict, and nobody is blind"


HALF = Decimal("0.5")


def traffic(frame: Frame) -> Iterator[Scenario | Impossible]:
    """All of these for one guardrail."""
    if free(frame.guardrail):
        return
    for build in (_never_born, _rest, _missed, _few, _few_then, _unjudged, _idle):
        yield from had(build(frame), f"{build.__name__[1:].replace('_', ' ')}: {frame.guardrail.name}")


def _shares(frame: Frame) -> Iterator[tuple[Signal, Share]]:
    for signal in frame.guardrail.signals:
        measure = inner(signal.measure)
        if isinstance(measure, Share):
            yield signal, measure


def _never_born(frame: Frame) -> Iterator[Scenario]:
    """First without what others record, then beside it."""
    for signal, measure in _shares(frame):
        scene, around, look = frame.scene(), frame.around(frame.stage()), per(frame)
        unborn = chosen(measure.part, frame.fixed(signal))
        feeds = {key: feed for key, feed in frame.well().items() if key != unborn}
        scene.play({**around, **feeds}, look + 1)
        around |= strange_recordings(frame)
        scene.play({**around, **feeds}, scene.scrapes(longest(frame) + 3 * frame.rollout.evaluate))
        if measure.bad:
            silent = judging(frame, signal)
            yield made(NEVER_BORN, frame, scene, silent=silent, looks=(look,), about=signal.name)
        else:
            fires = judging(frame, signal, fixed=True)
            yield made(NEVER_GOOD, frame, scene, fires=fires, looks=(look,), about=signal.name)


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
        scene = _slowly(frame, around, measure, _thin(frame, measure, bad, least - HALF))
        yield made(FEWER, frame, scene, silent=alone, about=signal.name)
        for enough in _just_enough(frame, signal, measure, bad):
            scene = _slowly(frame, around, measure, enough)
            yield made(ENOUGH, frame, scene, fires=(alert,), about=signal.name)
        if measure.min_events > 3:
            yield _three(frame, signal, alert, bad, around)


def _slowly(frame: Frame, around: Feeds, measure: Share | Quantile | Slow, thin: Feeds) -> Scene:
    """So few events, again and again, until every tier could have fired."""
    scene = frame.scene()
    scene.play({**around, **thin}, scene.scrapes(measure.window, longest(frame)) + 3 * per(frame))
    return scene


def _just_enough(
    frame: Frame, signal: Signal, measure: Share | Quantile | Slow, feeds: Feeds
) -> Iterator[Feeds]:
    """The least number of events; where floats make it more or less, half an event more."""
    least = Decimal(measure.min_events)
    if (share := _exact_share(frame, signal, measure, feeds)) is not None:
        yield parted(_thin(frame, measure, feeds, least), share)
    yield _thin(frame, measure, feeds, least)
    yield _thin(frame, measure, feeds, least + HALF)


def _exact_share(
    frame: Frame, signal: Signal, measure: Share | Quantile | Slow, feeds: Feeds
) -> Decimal | None:
    """How two instances share the least number of events so that in floats it is just that."""
    thin = _thin(frame, measure, feeds, Decimal(measure.min_events))
    for share in SHARES:
        scene = frame.scene()
        scene.play(parted(thin, share), scene.scrapes(measure.window) + 2 * per(frame))
        scraped = samples(scene.tapes, frame.rollout.scrape)
        time = (scene.clock - 1) // per(frame) * per(frame) * ms(frame.rollout.scrape)
        seen = [_events(frame, signal, measure, Storage(scraped, closed), time) for closed in (True, False)]
        if seen == [measure.min_events] * 2:
            return share
    return None


def _events(
    frame: Frame, signal: Signal, measure: Share | Quantile | Slow, storage: Storage, time: int
) -> float:
    """How many events there are in the window, as a rule computes it."""
    judge = Judge(frame.rollout, frame.guardrail, storage)
    found = events_per_second(measure, judge.parts(signal), storage, time) or {}
    return found.get(judge.arm(signal), 0.0) * (ms(measure.window) / 1000)


def _thin(frame: Frame, measure: Share | Quantile | Slow, feeds: Feeds, events: Decimal) -> Feeds:
    """The same shares of so many events in a window."""
    share = events / frame.scene().scrapes(measure.window) / frame.pace.events
    return {k: Rise(f.step * share) if isinstance(f, Rise) else f for k, f in feeds.items()}


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


def _unjudged(frame: Frame) -> Iterator[Scenario]:
    """Of a histogram every event slower than its buckets, then half of what is usual for most of a window, then few."""
    for signal in frame.guardrail.signals:
        measure = inner(signal.measure)
        if frame.conditions(signal) or not isinstance(measure, Share | Quantile | Slow):
            continue
        scene, around, well = frame.scene(), frame.around(frame.stage()), frame.well()
        part, step = scene.scrapes(measure.window) * 2 // 3, per(frame)
        slowest: Feeds = {
            key: Rise(Decimal(0)) if dict(key.labels).get("le", "+Inf") != "+Inf" else feed
            for key, feed in well.items()
        }
        scene.play({**around, **slowest}, part)
        half = {**well, **frame.at(signal, frame.good(signal) / 2)}
        scene.play({**around, **half}, part - (scene.clock + part - 1) % step)
        look = scene.clock - 1
        few = _thin(frame, measure, half, Decimal(20))
        scene.play({**around, **few}, scene.scrapes(measure.window) + step)
        yield made(UNJUDGED, frame, scene, silent=frame.calm(), looks=(look,), about=signal.name)


def _idle(frame: Frame) -> Iterator[Scenario]:
    """Far over the limit, while the condition that the measure is bound to does not hold."""
    for signal in frame.guardrail.signals:
        measure = signal.measure
        found = frame.conditions(signal)
        if not isinstance(measure, Only) or not found:
            continue
        condition = found[0]
        stage = frame.stage(condition)
        far = max(frame.limit(condition, stage) * 2, Decimal(1)) if condition.op in UPWARDS else Decimal(0)
        around, scene = {**frame.around(stage), **frame.bad(condition, far)}, frame.scene()
        wait, past = _short(window(measure)), _short(window(measure.condition))
        keeps = max((alert.keep_firing_for for alert in frame.guardrail.alerts), default=timedelta())
        if measure.op is Op.above:
            scene.play(around, 4)
        scene.play(
            {**around, **frame.unmet(signal)},
            scene.scrapes(max(wait, past + keeps), frame.guardrail.blind.hold) + 3 * per(frame),
        )
        settled = scene.scrapes(past, keeps) + 4 + per(frame)
        silent = frame.calm() if len(found) == 1 and len(frame.guardrail.signals) == 1 else ()
        blind = tuple(a for a in frame.calm() if a is frame.guardrail.blind)
        yield made(IDLE, frame, scene, silent=silent or blind, settled=settled, about=signal.name)


def _short(past: timedelta) -> timedelta:
    """Five minutes where a window is longer than a test should last."""
    return past if past < timedelta(minutes=15) else timedelta(minutes=5)


def _few_then(frame: Frame) -> Iterator[Scenario]:
    """With too few events back then, with enough, and with too few now: just worse than back then all the while."""
    for alert, condition in tiers(frame.guardrail):
        reference, measure = condition.reference, inner(condition.signal.measure)
        if reference is None or reference.ago is None or not isinstance(measure, Share | Quantile | Slow):
            continue
        scene, stage = frame.scene(), frame.stage(condition)
        around = frame.around(stage)
        figure = limit_in(condition, stage) or Decimal(0)
        then = frame.base(condition.signal) if condition.op in UPWARDS else Decimal(1)
        limit = then + figure if condition.points else then * figure
        now = limit * (Decimal("1.02") if condition.op in UPWARDS else Decimal("0.98"))
        least, phase = Decimal(measure.min_events), measure.window + alert.hold + 3 * frame.rollout.evaluate
        share = _exact_share(frame, condition.signal, measure, frame.bad(condition, then))
        enough = least if share is not None else least + HALF
        for value, events, lasts in (
            (then, least - HALF, phase),
            (then, enough, 2 * phase),
            (now, enough, reference.ago - phase),
            (now, least - HALF, phase),
        ):
            thin = _thin(frame, measure, frame.bad(condition, value), events)
            scene.play({**around, **parted(thin, share or HALF)}, scene.scrapes(lasts))
        yield made(FEW_THEN, frame, scene, fires=(alert,), about=condition.signal.name)
