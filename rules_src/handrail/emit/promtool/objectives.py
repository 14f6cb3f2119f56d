"""An SLO → test cases in its rollout's own evaluations: its pace from the beginning on, never born, vanished."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from handrail import names
from handrail.emit.document import Data
from handrail.emit.promtool.budget import pace
from handrail.emit.promtool.burning import Shown
from handrail.emit.promtool.limits import had
from handrail.emit.promtool.measure import at_bound
from handrail.emit.promtool.reads import selectors
from handrail.emit.promtool.recorded import OTHER
from handrail.emit.promtool.scene import Scene, surroundings
from handrail.emit.promtool.series import At, Key, Rise, labels_of
from handrail.emit.promtool.stimulus import Feeds, Impossible, Pace, chosen, feeds
from handrail.emit.promtool.storage import matches
from handrail.emit.promtool.strangers import flipped
from handrail.plan import Alert, Burn, Rollout, Share, Slo

OVER = "Just over its pace the budget burns"
UNDER = "Just under every pace nothing burns"
NEVER_BORN = "Events of which no failure was ever counted burn nothing"
NEVER_GOOD = "Where no success was ever counted, all fail"
VANISHED = "At rest an objective is not blind; when its series vanish it is, until they are back"
NEAR = Decimal("0.03")
"""How far from a pace "just over" and "just under" are."""
EVENTS = 10_000_000


def objectives(rollout: Rollout, slo: Slo) -> Iterator[Data | Impossible]:
    """All cases of one SLO; where one cannot be had, the reason."""
    shown = Shown("", rollout, slo, rollout.evaluate)
    for tier, burns in slo.burns:
        alert = next(alert for alert in slo.alerts if alert.tier == tier)
        yield from had(_steady(replace(shown, about=tier), alert, burns), f"slo-{slo.name} {tier}")
    yield from had(_never_born(shown), f"slo-{slo.name}")
    yield from had(_vanished(shown), f"slo-{slo.name}")


def failing(rollout: Rollout, slo: Slo, share: Decimal, events: int = EVENTS) -> Feeds:
    """The SLO's own series: so many events from scrape to scrape, of which a share fails."""
    measure = slo.measure
    value = 1 - share if isinstance(measure, Share) and not measure.bad else share
    return feeds(measure, value, Pace(rollout.scrape, events), {})


def around(rollout: Rollout) -> Feeds:
    """What is there beside the service's metrics."""
    return surroundings(rollout, None, {}, Decimal(0))


def others(rollout: Rollout, slo: Slo) -> Feeds:
    """What others have: series that a matcher leaves out, and records of other rollouts and objectives that fail."""
    read = selectors(slo.measure)
    found = {k: feed for k, feed in _missed(slo).items() if not any(matches(series, k) for series in read)}
    for rollout_name, slo_name in ((OTHER, slo.name), (rollout.name, OTHER)):
        own = [(names.ROLLOUT, rollout_name), (names.SLO, slo_name)]
        for metric in (names.SLO_ERRORS, names.SLO_TOTAL):
            found[Key(metric, labels_of(own))] = At(Decimal(EVENTS))
        for ratio in slo.ratios:
            window = (names.WINDOW, dict(ratio.labels)[names.WINDOW])
            found[Key(names.SLO_RATIO, labels_of([*own, window]))] = At(Decimal(1))
    return found


def _missed(slo: Slo) -> Feeds:
    """For every matcher of the measure a series that misses it alone."""
    found: Feeds = {}
    for series in selectors(slo.measure):
        for label in sorted({label for label, _, _ in series.matchers}):
            for key in flipped(series, {}, label):
                found[key] = Rise(Decimal(EVENTS))
    return found


def _steady(shown: Shown, alert: Alert, burns: tuple[Burn, ...]) -> Iterator[Data]:
    """The slowest pace, from the beginning on."""
    rollout, slo = shown.rollout, shown.slo
    limit = min(pace(slo, burn) for burn in burns)
    for share, one in (
        (limit * (1 + NEAR), replace(shown, promise=OVER, fires=alert)),
        (limit * (1 - NEAR), replace(shown, promise=UNDER, silent=(alert,))),
    ):
        scene = Scene(rollout)
        scene.play({**around(rollout), **failing(rollout, slo, share)}, scene.scrapes(8 * rollout.evaluate))
        yield one.case(scene)


def _never_born(shown: Shown) -> Iterator[Data]:
    rollout, slo, measure = shown.rollout, shown.slo, shown.slo.measure
    bad = isinstance(measure, Share) and measure.bad
    part = measure.part if isinstance(measure, Share) else at_bound(measure.histogram, measure.bound)
    unborn = chosen(part, {})
    found = {key: feed for key, feed in failing(rollout, slo, Decimal(0)).items() if key != unborn}
    scene = Scene(rollout)
    scene.play({**around(rollout), **found}, scene.scrapes(6 * rollout.evaluate))
    if bad:
        yield replace(shown, promise=NEVER_BORN, silent=slo.alerts).case(scene)
    else:
        yield replace(shown, promise=NEVER_GOOD, fires=slo.alerts[-1]).case(scene)


def _vanished(shown: Shown) -> Iterator[Data]:
    rollout, slo = shown.rollout, shown.slo
    scene, own = Scene(rollout), failing(rollout, slo, Decimal(0))
    beside = {**around(rollout), **others(rollout, slo)}
    hold = scene.scrapes(slo.blind.hold + 3 * rollout.evaluate)
    scene.play({**beside, **own}, 4)
    scene.rest(beside, hold)
    scene.vanish(own, beside, hold)
    scene.play({**beside, **{key: Rise(Decimal(1)) for key in own}}, 8)
    yield replace(shown, promise=VANISHED, fires=slo.blind).case(scene)
