"""An SLO → test cases that last for hours or days, in evaluations that lie far apart.

An SLO's rules look at the last scrapes and remember the rest in what they recorded. So these cases have test
files of their own, in which an evaluation comes seldom, and three scrapes before each that has something to
count. No window is a multiple of the time between: both generations of Prometheus see the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail.emit.document import Data
from handrail.emit.promtool.budget import pace
from handrail.emit.promtool.burning import Shown
from handrail.emit.promtool.instances import halved
from handrail.emit.promtool.limits import had
from handrail.emit.promtool.objectives import EVENTS, NEAR, around, failing, others
from handrail.emit.promtool.scene import LONGEST, Scene
from handrail.emit.promtool.series import At, Rise
from handrail.emit.promtool.stimulus import Feeds, Impossible
from handrail.plan import Burn, Rollout, Slo
from handrail.units import span

SHORT = "Over its pace in the long window of a pair the budget burns as soon as it is over it in the short one too"
LONG = "At its pace in the long window of a pair the budget does not burn, whatever the short one says"
LEAST = "With one event less than the least number nothing burns, with the least number it does"
WHOLE = "The whole window of an objective forgets what lies behind it"
BURST = 1000 * EVENTS
"""Events that outweigh all others."""


@dataclass(frozen=True)
class Far:
    """A test file of a rollout: the window it is for, and how far apart its evaluations lie."""

    window: timedelta
    step: timedelta

    @property
    def name(self) -> str:
        """What the file's name says."""
        return span(self.window)


def fars(rollout: Rollout) -> list[Far]:
    """The test files that the windows of a rollout's SLOs need."""
    shorts = {burn.short for slo in rollout.slos for _, burns in slo.burns for burn in burns}
    windows = shorts | {_part(slo) for slo in rollout.slos}
    return [Far(window, _step(rollout, window)) for window in sorted(windows)]


def _part(slo: Slo) -> timedelta:
    """The part of an objective's whole window that has an evaluation."""
    return slo.window / 30


def _step(rollout: Rollout, window: timedelta) -> timedelta:
    """In whole scrapes; those of one evaluation reach not back to the one before."""
    return max(window * 7 / 10 // rollout.scrape, _looked_at(rollout) + 1) * rollout.scrape


def _looked_at(rollout: Rollout) -> int:
    """How many scrapes the rules of an SLO look at."""
    return (rollout.evaluate + rollout.scrape) // rollout.scrape + 1


def paces(rollout: Rollout, slo: Slo, far: Far) -> Iterator[Data | Impossible]:
    """The cases of one SLO in one of these files."""
    shown = Shown("", rollout, slo, far.step)
    pairs = [(tier, burn) for tier, burns in slo.burns for burn in burns]
    for tier, burn in pairs:
        if burn.short == far.window:
            about = f"{tier}, {span(burn.long)} and {span(burn.short)}"
            yield from had(_pair(replace(shown, about=about), tier, burn), f"slo-{slo.name} {about}")
    if far.window == min(burn.short for _, burn in pairs):
        yield from had(_least(shown), f"slo-{slo.name}: its least number of events")
    if far.window == _part(slo):
        yield from had(_whole(shown), f"slo-{slo.name}: {span(slo.window)}")


@dataclass
class _Seldom:
    """A scene in evaluations that lie far apart; `beside` is what is there besides the SLO's own series."""

    shown: Shown
    scene: Scene
    beside: Feeds
    at: int = 0

    def rest(self, evaluations: int) -> None:
        """So many evaluations with nothing to see."""
        self.at += evaluations

    def play(self, feeds: Feeds, evaluations: int = 1) -> int:
        """What each of so many evaluations looks at; the scrape of the last one."""
        rollout = self.shown.rollout
        whole, scrapes = {**self.beside, **feeds}, _looked_at(rollout)
        for _ in range(evaluations):
            self.at += 1
            self.scene.clock = self.at * (self.shown.step // rollout.scrape) - scrapes + 1
            self.scene.play(whole, scrapes)
        return self.scene.clock - 1

    def fail(self, share: Decimal, events: Decimal = Decimal(EVENTS), evaluations: int = 1) -> int:
        """So many events from scrape to scrape, of which a share fails."""
        steps = failing(self.shown.rollout, self.shown.slo, share)
        scaled: Feeds = {
            key: Rise(feed.step * events / EVENTS) for key, feed in steps.items() if isinstance(feed, Rise)
        }
        return self.play(halved(scaled), evaluations)


def _pair(shown: Shown, tier: str, burn: Burn) -> Iterator[Data]:
    """All else lies before the long window; within it lies a burst of events, and the short one comes last."""
    alert = next(alert for alert in shown.slo.alerts if alert.tier == tier)
    limit, seen = pace(shown.slo, burn), burn.short // shown.step + 1
    shown = replace(shown, promise=SHORT, fires=alert, window=burn.long)
    seldom = _remembering(shown, burn.long, 2 * seen, (Decimal(0), limit * (1 + 2 * NEAR)))
    for share in (limit, limit * (1 + NEAR)):
        settled = seldom.fail(share, evaluations=seen)
    seldom.fail(Decimal(0), evaluations=2)
    yield shown.case(seldom.scene, settled=settled)
    shown = replace(shown, promise=LONG, fires=None, silent=(alert,))
    seldom = _remembering(shown, burn.long, seen, (Decimal(1), limit * (1 - NEAR)), seen * EVENTS)
    settled = seldom.scene.clock
    seldom.fail(limit * (1 + NEAR), evaluations=seen)
    yield shown.case(seldom.scene, settled=settled)


def _beside(shown: Shown) -> Feeds:
    return {**around(shown.rollout), **others(shown.rollout, shown.slo)}


def _remembering(
    shown: Shown,
    window: timedelta,
    still: int,
    shares: tuple[Decimal, Decimal],
    events: int = BURST,
) -> _Seldom:
    """Errors that a window has forgotten, and such as lie in its older half, before `still` evaluations come."""
    # promtool takes a while for every series of a month.
    beside = {} if window == shown.slo.window else _beside(shown)
    seldom = _Seldom(shown, Scene(shown.rollout), beside)
    forgotten, remembered = window // shown.step + still + 1, int(window * 0.6 / shown.step)
    if remembered < still or forgotten > LONGEST:
        raise Impossible("it would last longer than a test should")
    for share, rest in zip(shares, (forgotten - remembered, remembered - still + 1), strict=True):
        seldom.fail(share, Decimal(events))
        seldom.rest(rest - 1)
    return seldom


def _whole(shown: Shown) -> Iterator[Data]:
    """Half of the events failed before the window began, a quarter in its older half, an eighth at its end."""
    shown, shares = replace(shown, promise=WHOLE), (Decimal("0.5"), Decimal("0.25"))
    seldom = _remembering(shown, shown.slo.window, 1, shares, EVENTS)
    seldom.fail(Decimal("0.125"))
    yield seldom.shown.case(seldom.scene)


def _least(shown: Shown) -> Iterator[Data]:
    """At first there is one event, in the end as many as there must be, and all of them fail."""
    rollout, slo, least = shown.rollout, shown.slo, shown.slo.measure.min_events
    if least < 3:
        return
    seldom = _Seldom(shown, Scene(rollout), _beside(shown))
    share = rollout.scrape / rollout.evaluate
    still: Feeds = dict.fromkeys(halved(failing(rollout, slo, Decimal(1))), At(Decimal(1000)))
    looks = [seldom.play(still)]
    looks += [seldom.fail(Decimal(1), events * Decimal(str(share))) for events in (1, least - 2, 1)]
    yield replace(shown, promise=LEAST, fires=slo.alerts[-1]).case(seldom.scene, tuple(looks))
