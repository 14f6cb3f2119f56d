"""Counters that appear above zero → scenarios: what is new counts whole, what is old does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.frame import Frame, free, inner, window
from handrail.emit.promtool.instances import twice
from handrail.emit.promtool.limits import had
from handrail.emit.promtool.made import judging, longest, made, per
from handrail.emit.promtool.measure import BORN_WITHIN
from handrail.emit.promtool.scene import LONGEST, Scenario
from handrail.emit.promtool.series import At, Key
from handrail.emit.promtool.stimulus import Feeds, Impossible, chosen
from handrail.plan import Alert, Count, Signal

FRESH = "A counter that appears above zero counts whole"
EARLY = "A counter that appears above zero counts whole as soon as Prometheus has looked for a window's time"
DEAD = "What a process counted counts for a window's time, also when the process is dead"
LONG_AGO = "What comes back after more than an hour is new"
HOUR = timedelta(milliseconds=BORN_WITHIN)
OLD = "What was already there when Prometheus began, and what comes back within an hour, is not new"


def births(frame: Frame) -> Iterator[Scenario | Impossible]:
    """All of these for each counter of one guardrail."""
    if free(frame.guardrail):
        return
    for signal in frame.guardrail.signals:
        measure = inner(signal.measure)
        if isinstance(measure, Count):
            birth = _birth(frame, signal, measure)
            for build in (_fresh, _dead, _old, _early, _long_ago):
                about = f"{build.__name__[1:].replace('_', ' ')}: {frame.guardrail.name}"
                yield from had(build(frame, birth), about)


@dataclass(frozen=True)
class Birth:
    """A counter born at 20 in each of two instances, one that is nothing new, and what is there beside it.

    Of a histogram's 20 events eight are quick.
    """

    signal: Signal
    born: Feeds
    old: Feeds
    others: Feeds
    alerts: tuple[Alert, ...]
    past: timedelta

    def outlasts(self, hold: timedelta) -> bool:
        """Whether the events are remembered for longer than the alerts wait."""
        return self.past > hold


def _birth(frame: Frame, signal: Signal, measure: Count) -> Birth:
    counter = measure.counter if measure.bound is None else measure.counter.suffixed("_count")
    key, well = chosen(counter, frame.fixed(signal)), frame.well()
    born: Feeds = {key: At(Decimal(20))}
    if measure.bound is not None:
        quick = {k: At(Decimal(8)) for k in well if _of(measure, k) and k != key}
        born |= {k: At(Decimal(20)) if ("le", "+Inf") in k.labels else feed for k, feed in quick.items()}
    return Birth(
        signal,
        born=twice(born),
        old={k: At(Decimal(20)) for k in well if _of(measure, k)},
        others={**frame.around(frame.stage()), **{k: f for k, f in well.items() if not _of(measure, k)}},
        alerts=judging(frame, signal),
        past=window(measure),
    )


def _fresh(frame: Frame, birth: Birth) -> Iterator[Scenario]:
    scene, step = frame.scene(), 2 * per(frame)
    scene.play(birth.others, scene.scrapes(birth.past) + step)
    look = _until(frame, scene.clock + scene.scrapes(birth.past) - 1)
    scene.play(
        {**birth.others, **birth.born}, max(scene.scrapes(longest(frame)), look - scene.clock) + 2 * step
    )
    yield made(FRESH, frame, scene, fires=birth.alerts, looks=(look,), about=birth.signal.name)


def _dead(frame: Frame, birth: Birth) -> Iterator[Scenario]:
    """It is scraped twice and never again; the last evaluation that still takes it for new is looked at."""
    scene, step = frame.scene(), 2 * per(frame)
    past = scene.scrapes(birth.past)
    look = 2 * past + step - 1
    look += -look % per(frame)
    scene.play(birth.others, look - past + 1)
    scene.play({**birth.others, **birth.born}, 2)
    scene.vanish(birth.born, birth.others, past + 2 * step)
    fires = birth.alerts if birth.outlasts(longest(frame)) else ()
    yield made(DEAD, frame, scene, fires=fires, looks=(look,), about=birth.signal.name)


def _until(frame: Frame, scrape: int) -> int:
    """The last evaluation until then."""
    return scrape // per(frame) * per(frame)


def _old(frame: Frame, birth: Birth) -> Iterator[Scenario]:
    """When it is seen for the first time, and when it is seen again, there is one sample and nothing to compare it with."""
    scene, step = frame.scene(), 2 * per(frame)
    scene.clock = step // 2
    first = scene.clock
    scene.play({**birth.others, **birth.old}, scene.scrapes(birth.past) + step)
    away = scene.scrapes(_hour(frame, birth.past)) - 2
    scene.vanish(birth.old, birth.others, away - (scene.clock + away) % (step // 2))
    again = scene.clock
    scene.play({**birth.others, **birth.old}, scene.scrapes(longest(frame)) + 2 * step)
    yield made(OLD, frame, scene, silent=birth.alerts, looks=(first, again), about=birth.signal.name)


def _early(frame: Frame, birth: Birth) -> Iterator[Scenario]:
    """It counts for one evaluation: when Prometheus began is then just a window ago."""
    scene, step = frame.scene(), 2 * per(frame)
    looked = scene.scrapes(birth.past)
    first = -(-looked // per(frame)) * per(frame)
    scene.play(birth.others, first - looked + 1)
    scene.play({**birth.others, **birth.born}, looked + 2 * step)
    fires = () if longest(frame) else birth.alerts
    half = first // 2 // per(frame) * per(frame)
    yield made(EARLY, frame, scene, fires=fires, looks=(half, first), about=birth.signal.name)


def _long_ago(frame: Frame, birth: Birth) -> Iterator[Scenario]:
    away = _hour(frame, birth.past)
    if away != HOUR:
        return
    scene, step = frame.scene(), 2 * per(frame)
    scene.play({**birth.others, **birth.born}, 2)
    scene.vanish(birth.born, birth.others, scene.scrapes(away, birth.past))
    scene.play({**birth.others, **birth.born}, scene.scrapes(birth.past) + 2 * step)
    fires = birth.alerts if birth.outlasts(longest(frame)) else ()
    yield made(LONG_AGO, frame, scene, fires=fires, about=birth.signal.name)


def _hour(frame: Frame, past: timedelta) -> timedelta:
    """As long as a series is remembered; ten minutes where that would last too long."""
    long = HOUR + 3 * past + 6 * frame.rollout.evaluate
    return HOUR if long / frame.rollout.evaluate <= LONGEST // 2 else timedelta(minutes=10)


def _of(measure: Count, key: Key) -> bool:
    names = {measure.counter.metric, f"{measure.counter.metric}_count", f"{measure.counter.metric}_bucket"}
    return key.metric in names
