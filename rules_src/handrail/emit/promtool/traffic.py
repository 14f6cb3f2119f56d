"""What must not raise an alert, and what must → scenarios: no events, few events, new series, a missed scrape."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from handrail import names
from handrail.emit.promtool.cases import OTHER, reads
from handrail.emit.promtool.frame import UPWARDS, Frame, free, inner, window
from handrail.emit.promtool.limits import check_length, extreme, had, settle
from handrail.emit.promtool.scene import Scenario, Scene
from handrail.emit.promtool.series import At, Key, Rise, labels_of
from handrail.emit.promtool.stimulus import Feeds, Impossible, chosen
from handrail.emit.promtool.storage import matches
from handrail.plan import Alert, Condition, Count, Quantile, Selector, Share, Signal, Slow

NEVER_BORN = "An error series that was never born counts as none"
NEVER_GOOD = "Where no success was ever counted, nothing succeeds"
REST = "At rest there is no verdict, and nobody is blind"
MISSED = "One missed scrape raises nothing"
THREE = "One failure out of three events is no breach"
FEWER = "With one event less than the least number there is no verdict"
ENOUGH = "With the least number of events there is a verdict"
FRESH = "A counter that appears above zero counts whole"
OLD = "What was already there when Prometheus began, and what comes back after a gap, is not new"
OTHERS = "Other arms, other series and other rollouts change nothing"
BAD_STABLE = "A bad stable arm is not the canary's fault"


def traffic(frame: Frame) -> Iterator[Scenario | Impossible]:
    """All of these for one guardrail."""
    if free(frame.guardrail):
        return
    for build in (_never_born, _rest, _missed, _few, _fresh, _others, _bad_stable):
        yield from had(build(frame), f"{build.__name__[1:].replace('_', ' ')}: {frame.guardrail.name}")


def _made(
    promise: str,
    frame: Frame,
    scene: Scene,
    *,
    fires: tuple[Alert, ...] = (),
    silent: tuple[Alert, ...] = (),
    settled: int = 0,
    about: str = "",
) -> Scenario:
    check_length(frame, scene)
    name = " ".join(filter(None, [frame.guardrail.name, about]))
    return Scenario(promise, name, frame.guardrail, scene.tapes, scene.clock, fires, silent, settled=settled)


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
            scene.play({**around, **feeds}, scene.scrapes(_longest(frame) + 3 * frame.rollout.evaluate))
            yield _made(NEVER_BORN, frame, scene, silent=_judging(frame, signal), about=signal.name)
        else:
            alerts = _judging(frame, signal, fixed=True)
            scene.play({**around, **feeds}, scene.scrapes(_longest(frame) + 3 * frame.rollout.evaluate))
            yield _made(NEVER_GOOD, frame, scene, fires=alerts, about=signal.name)


def _judging(frame: Frame, signal: Signal, *, fixed: bool = False) -> tuple[Alert, ...]:
    """The alerts that look at this signal; with `fixed`, those with a limit that stands alone."""
    stage = frame.stage()
    return tuple(
        alert
        for alert in frame.guardrail.alerts
        for condition in alert.conditions
        if condition.signal.name == signal.name
        and (not fixed or (condition.reference is None and frame.judged_in(condition, stage or "")))
    )


def _longest(frame: Frame) -> timedelta:
    return max((alert.hold for alert in frame.guardrail.alerts), default=timedelta())


def _rest(frame: Frame) -> Iterator[Scenario]:
    signals = frame.guardrail.signals
    if not all(isinstance(inner(signal.measure), Share | Quantile | Slow | Count) for signal in signals):
        return
    scene, around = frame.scene(), frame.around(frame.stage())
    well = frame.well()
    still: Feeds = {key: Rise(Decimal(0)) if isinstance(f, Rise) else f for key, f in well.items()}
    length = frame.guardrail.blind.hold + _longest(frame) + 3 * frame.rollout.evaluate
    scene.play({**around, **still}, scene.scrapes(length))
    yield _made(REST, frame, scene, silent=frame.calm())


def _missed(frame: Frame) -> Iterator[Scenario]:
    scene, around = frame.scene(), frame.around(frame.stage())
    well = frame.well()
    for alert in frame.guardrail.alerts:
        settle(frame, scene, alert, around)
        break
    settled = scene.clock - 1
    per = max(1, scene.scrapes(frame.rollout.evaluate))
    scene.play({**around, **well}, 4 * per - scene.clock % per)
    scene.miss(well, around)
    scene.play({**around, **well}, 6 * per)
    yield _made(MISSED, frame, scene, silent=frame.calm(), settled=settled)


def _few(frame: Frame) -> Iterator[Scenario]:
    """The worst value there can be, with too few events and with just enough."""
    for signal in frame.guardrail.signals:
        measure = inner(signal.measure)
        if not isinstance(measure, Share | Quantile | Slow):
            continue
        found = _easiest(frame, signal)
        if found is None:
            continue
        alert, condition = found
        worst = extreme(frame, condition)
        if worst is None:
            continue
        stage = frame.stage(condition)
        around, bad = frame.around(stage), frame.bad(condition, worst)
        every = frame.scene().scrapes(measure.window)
        least = Decimal(measure.min_events)
        for promise, events in ((FEWER, least - Decimal("0.5")), (ENOUGH, least + Decimal("0.5"))):
            share = events / every / frame.pace.events
            if condition.reference is not None and condition.reference.ago is not None:
                continue
            slow: Feeds = {k: Rise(f.step * share) if isinstance(f, Rise) else f for k, f in bad.items()}
            scene = frame.scene()
            scene.play({**around, **slow}, every + scene.scrapes(alert.hold) + 3 * _per(frame))
            fires, silent = ((), frame.guardrail.alerts) if promise is FEWER else ((alert,), ())
            silent = silent if len(frame.guardrail.signals) == 1 else ((alert,) if silent else ())
            yield _made(promise, frame, scene, fires=fires, silent=silent, about=signal.name)
        if measure.min_events > 3:
            yield _three(frame, signal, alert, bad, around)


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
    return _made(THREE, frame, scene, silent=(alert,), about=signal.name)


def _per(frame: Frame) -> int:
    return max(1, frame.scene().scrapes(frame.rollout.evaluate))


def _easiest(frame: Frame, signal: Signal) -> tuple[Alert, Condition] | None:
    """The tier on this signal that fires soonest."""
    found = [
        (alert, condition)
        for alert in frame.guardrail.alerts
        for condition in alert.conditions
        if condition.signal.name == signal.name and frame.stage(condition) is not None
    ]
    if not found and not frame.rollout.stages:
        found = [(a, c) for a in frame.guardrail.alerts for c in a.conditions if c.signal.name == signal.name]
    return min(found, key=lambda pair: pair[0].hold, default=None)


def _fresh(frame: Frame) -> Iterator[Scenario]:
    """A counter born at 20 counts 20; one that is old does not."""
    for signal in frame.guardrail.signals:
        measure = inner(signal.measure)
        if not isinstance(measure, Count):
            continue
        fixed, around, well = frame.fixed(signal), frame.around(frame.stage()), frame.well()
        counter = measure.counter if measure.bound is None else measure.counter.suffixed("_count")
        born, others = chosen(counter, fixed), {k: f for k, f in well.items() if not _of(measure, k)}
        scene = frame.scene()
        scene.play({**around, **others}, scene.scrapes(window(measure)) + 2 * _per(frame))
        found: Feeds = {born: At(Decimal(20))}
        if measure.bound is not None:
            found |= {k: At(Decimal(0)) for k in well if _of(measure, k) and k != born}
        scene.play({**around, **others, **found}, scene.scrapes(_longest(frame)) + 4 * _per(frame))
        yield _made(FRESH, frame, scene, fires=_judging(frame, signal), about=signal.name)
        scene = frame.scene()
        twenty: Feeds = {k: At(Decimal(20)) for k in well if _of(measure, k)}
        scene.play({**around, **others, **twenty}, scene.scrapes(window(measure)) + 2 * _per(frame))
        gap = timedelta(minutes=10)
        scene.vanish(twenty, {**around, **others}, scene.scrapes(gap))
        scene.play({**around, **others, **twenty}, scene.scrapes(_longest(frame)) + 4 * _per(frame))
        yield _made(OLD, frame, scene, silent=_judging(frame, signal), about=signal.name)


def _of(measure: Count, key: Key) -> bool:
    names_ = {measure.counter.metric, f"{measure.counter.metric}_count", f"{measure.counter.metric}_bucket"}
    return key.metric in names_


def _others(frame: Frame) -> Iterator[Scenario]:
    """Beside a guardrail that is well: everything that its selectors leave out, far over every limit."""
    scene, stage = frame.scene(), frame.stage()
    around, well = frame.around(stage), frame.well()
    strange = {**_strange_series(frame), **_strange_recordings(frame), **_strange_words(frame, stage)}
    for alert in frame.guardrail.alerts:
        settle(frame, scene, alert, {**around, **strange})
        break
    settled = scene.clock - 1
    scene.play({**around, **well, **strange}, scene.scrapes(_longest(frame)) + 4 * _per(frame))
    yield _made(OTHERS, frame, scene, silent=frame.calm(), settled=settled)


def _strange_series(frame: Frame) -> Feeds:
    read = list(reads(frame.guardrail))
    found: Feeds = {}
    for signal in frame.guardrail.signals:
        for selector in read:
            for label in sorted({label for label, _, _ in selector.matchers}):
                for key in _flipped(selector, frame.fixed(signal), label):
                    if not any(matches(other, key) for other in read):
                        found[key] = Rise(Decimal(1_000_000))
    return found


def _flipped(selector: Selector, fixed: dict[str, str], label: str) -> Iterator[Key]:
    try:
        yield chosen(selector, fixed, flipped=label)
    except Impossible:
        return


def _strange_recordings(frame: Frame) -> Feeds:
    """What other rules record under the same names: other rollouts, guardrails, signals and the stable arm."""
    found: Feeds = {}
    ups = [condition.op in UPWARDS for condition in frame.conditions()]
    far = At(Decimal(1_000_000 if all(ups) else 0))
    for signal in frame.guardrail.signals:
        own = {
            names.ROLLOUT: frame.rollout.name,
            names.GUARDRAIL: frame.guardrail.name,
            **frame.fixed(signal),
        }
        for condition in frame.conditions(signal):
            if condition.state is not None:
                own[signal.by[-1]] = condition.state
        told_apart = {label for label, _, _ in signal.value.matchers}
        for label in sorted(told_apart & {names.ROLLOUT, names.GUARDRAIL, names.SIGNAL, *frame.arm(signal)}):
            labels = labels_of({**own, label: OTHER}.items())
            found[Key(names.VALUE, labels)] = far
            if signal.traffic is not None and label not in frame.arm(signal):
                found[Key(names.TRAFFIC, labels)] = At(Decimal(1_000_000))
    return found


def _strange_words(frame: Frame, stage: str | None) -> Feeds:
    """What the receiver says of another rollout: in another stage, with other figures."""
    found: Feeds = {}
    for known in frame.rollout.stages:
        labels = labels_of([(names.ROLLOUT, OTHER), (names.STAGE, known.name)])
        found[Key(names.STAGE_METRIC, labels)] = At(Decimal(int(known.name != stage)))
    for (guardrail, reference), figure in frame.captured().items():
        for other in (
            {names.ROLLOUT: OTHER, names.GUARDRAIL: guardrail, names.REFERENCE: reference},
            {names.ROLLOUT: frame.rollout.name, names.GUARDRAIL: OTHER, names.REFERENCE: reference},
            {names.ROLLOUT: frame.rollout.name, names.GUARDRAIL: guardrail, names.REFERENCE: OTHER},
        ):
            for factor in (Decimal(0), Decimal(1000)):
                labels = labels_of({**other, "instance": f"receiver-{factor}"}.items())
                found[Key(names.REFERENCE_METRIC, labels)] = At(figure * factor)
    return found


def _bad_stable(frame: Frame) -> Iterator[Scenario]:
    """The stable arm at its worst, the canary well."""
    if frame.guardrail.arms is None:
        return
    for signal in frame.guardrail.signals:
        found = _easiest(frame, signal)
        worst = None if found is None else extreme(frame, found[1])
        if found is None or worst is None:
            continue
        alert, condition = found
        scene, around = frame.scene(), frame.around(frame.stage(condition))
        bad = frame.stable(frame.at(signal, worst))
        scene.play({**around, **frame.well(), **bad}, scene.scrapes(alert.hold) + 4 * _per(frame))
        yield _made(BAD_STABLE, frame, scene, silent=frame.calm(), about=signal.name)
