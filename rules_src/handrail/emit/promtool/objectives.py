"""An SLO → test cases: burning just over and just under each pace, at rest, vanished.

What is recorded and what burns is computed from the plan's measure and burns, never from the texts of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from handrail import names
from handrail.emit.document import Data
from handrail.emit.promtool.cases import alert_data
from handrail.emit.promtool.lifecycle import Firing, firing
from handrail.emit.promtool.limits import had
from handrail.emit.promtool.measure import at_bound, ms
from handrail.emit.promtool.scene import LONGEST, Scene, samples, surroundings
from handrail.emit.promtool.series import Labels, Rise, labels_of
from handrail.emit.promtool.stimulus import Feeds, Impossible, Pace, chosen, feeds
from handrail.emit.promtool.storage import Storage
from handrail.plan import Alert, Burn, Rollout, Selector, Share, Slo
from handrail.units import span

OVER = "Just over its pace the budget burns"
UNDER = "Just under every pace nothing burns"
SHORT = "Just over its pace in both windows of a pair the budget burns, just under it in the short one it does not"
LONG = "Just under its pace in the long window of a pair nothing burns"
NEVER_BORN = "Events of which no failure was ever counted burn nothing"
NEVER_GOOD = "Where no success was ever counted, all fail"
VANISHED = "At rest an objective is not blind; when its series vanish it is, until they are back"
NEAR = Decimal("0.03")
"""How far from a pace "just over" and "just under" are."""
EVENTS = 10_000_000


def objectives(rollout: Rollout, slo: Slo) -> Iterator[Data | Impossible]:
    """All cases of one SLO; where one cannot be had, the reason."""
    for tier, burns in slo.burns:
        alert = next(alert for alert in slo.alerts if alert.tier == tier)
        yield from had(_steady(rollout, slo, alert, burns), f"slo-{slo.name} {tier}")
        for burn in burns[:-1]:
            about = f"slo-{slo.name} {tier}: {span(burn.long)} and {span(burn.short)} alone"
            yield from had(_pair(rollout, slo, alert, burn, burns), about)
    yield from had(_never_born(rollout, slo), f"slo-{slo.name}")
    yield from had(_vanished(rollout, slo), f"slo-{slo.name}")


@dataclass(frozen=True)
class _Course:
    """What an SLO records and what burns, as one generation of Prometheus sees it."""

    rollout: Rollout
    slo: Slo
    storage: Storage
    times: range

    def states(self) -> dict[int, dict[str, Firing]]:
        """At every evaluation, what fires."""
        counted = {time: self._counted(time) for time in self.times}
        states: dict[int, dict[str, Firing]] = {time: {} for time in self.times}
        for alert in (*self.slo.alerts, self.slo.blind):
            found = ((time, self._holds(alert, time, counted)) for time in self.times)
            for time, fires in firing(found, ms(alert.hold), ms(alert.keep_firing_for)):
                states[time][alert.name] = {
                    labels_of({**dict(labels), **dict(alert.labels)}.items()): value
                    for labels, value in fires.items()
                }
        return states

    def _counted(self, time: int) -> tuple[float, float] | None:
        """Errors and events of one evaluation."""
        measure = self.slo.measure
        if isinstance(measure, Share):
            whole, part, bad = measure.whole, measure.part, measure.bad
        else:
            whole, bad = measure.histogram.suffixed("_count"), False
            part = at_bound(measure.histogram, measure.bound)
        total = self._grown(whole, time)
        if total is None:
            return None
        some = self._grown(part, time) or 0.0
        return (some if bad else total - some), total

    def _grown(self, series: Selector, time: int) -> float | None:
        every, scrape = ms(self.rollout.evaluate), ms(self.rollout.scrape)
        found = [number for _, number in self.storage.grown(series, time, every + scrape)]
        return sum(found) * every / (every + scrape) if found else None

    def _holds(self, alert: Alert, time: int, counted: dict[int, tuple[float, float] | None]) -> Firing:
        if alert is self.slo.blind:
            return {(("reason", "its metrics are missing"),): 1.0} if counted[time] is None else {}
        found: Firing = {}
        for burn in dict(self.slo.burns)[alert.tier]:
            long, short = (self._ratio(window, time, counted) for window in (burn.long, burn.short))
            if min(long, short) > float(_limit(self.slo, burn)):
                found[self._labels(burn)] = long
        return found

    def _labels(self, burn: Burn) -> Labels:
        return labels_of([(names.SLO, self.slo.name), (names.WINDOW, span(burn.long))])

    def _ratio(self, window: timedelta, time: int, counted: dict[int, tuple[float, float] | None]) -> float:
        """The share of errors; below every limit where there was no event."""
        first = time - ms(window) + (0 if self.storage.closed else 1)
        known = [pair for then, pair in counted.items() if pair is not None and first <= then <= time]
        total = sum(pair[1] for pair in known)
        return sum(pair[0] for pair in known) / total if total > 0 else -1.0


def _limit(slo: Slo, burn: Burn) -> Decimal:
    return burn.factor * (1 - slo.objective)


def _failing(rollout: Rollout, slo: Slo, share: Decimal, events: int = EVENTS) -> Feeds:
    """So many events from scrape to scrape, of which a share fails."""
    measure = slo.measure
    value = 1 - share if isinstance(measure, Share) and not measure.bad else share
    return {**_around(rollout), **feeds(measure, value, Pace(rollout.scrape, events), {})}


def _around(rollout: Rollout) -> Feeds:
    return surroundings(rollout, None, {}, Decimal(0))


def _steady(rollout: Rollout, slo: Slo, alert: Alert, burns: tuple[Burn, ...]) -> Iterator[Data]:
    """The slowest pace, from the beginning on."""
    limit = min(_limit(slo, burn) for burn in burns)
    length = 8 * rollout.evaluate
    scene = Scene(rollout)
    scene.play(_failing(rollout, slo, limit * (1 + NEAR)), scene.scrapes(length))
    yield _case(OVER, rollout, slo, scene, fires=alert)
    scene = Scene(rollout)
    scene.play(_failing(rollout, slo, limit * (1 - NEAR)), scene.scrapes(length))
    yield _case(UNDER, rollout, slo, scene, silent=alert)


def _pair(rollout: Rollout, slo: Slo, alert: Alert, burn: Burn, burns: tuple[Burn, ...]) -> Iterator[Data]:
    """Many errors, then none until the others' short windows have forgotten them, then a burst."""
    rest = max(other.short for other in burns if other is not burn) + 2 * rollout.evaluate
    burst, limit = burn.short + 3 * rollout.evaluate, _limit(slo, burn)
    if (rest + 3 * burst) / rollout.evaluate > LONGEST or rest + 2 * burst > burn.long:
        raise Impossible("it would last longer than a test should")
    for promise, past, paces in (
        (SHORT, 1 + 2 * NEAR, (1 - NEAR, 1 + NEAR)),
        (LONG, 1 - 2 * NEAR, (1 + NEAR,)),
    ):
        scene = Scene(rollout)
        scene.play(_failing(rollout, slo, limit * past, EVENTS * 1000), scene.scrapes(4 * rollout.evaluate))
        scene.play(_failing(rollout, slo, Decimal(0)), scene.scrapes(rest))
        began = scene.clock
        for pace in paces:
            scene.play(_failing(rollout, slo, limit * pace), scene.scrapes(burst))
        if promise == LONG:
            yield _case(promise, rollout, slo, scene, silent=alert, settled=began)
        else:
            scene.play(_failing(rollout, slo, Decimal(0)), 8)
            yield _case(promise, rollout, slo, scene, fires=alert, settled=began)


def _never_born(rollout: Rollout, slo: Slo) -> Iterator[Data]:
    scene, measure = Scene(rollout), slo.measure
    bad = isinstance(measure, Share) and measure.bad
    part = measure.part if isinstance(measure, Share) else at_bound(measure.histogram, measure.bound)
    unborn = chosen(part, {})
    found = {key: feed for key, feed in _failing(rollout, slo, Decimal(0)).items() if key != unborn}
    scene.play(found, scene.scrapes(6 * rollout.evaluate))
    alert = slo.alerts[-1]
    if bad:
        yield _case(NEVER_BORN, rollout, slo, scene, silent=alert)
    else:
        yield _case(NEVER_GOOD, rollout, slo, scene, fires=alert)


def _vanished(rollout: Rollout, slo: Slo) -> Iterator[Data]:
    scene, around = Scene(rollout), _around(rollout)
    well = _failing(rollout, slo, Decimal(0))
    own = {key: feed for key, feed in well.items() if key not in around}
    hold = scene.scrapes(slo.blind.hold + 3 * rollout.evaluate)
    scene.play(well, 4)
    scene.rest(around, hold)
    scene.vanish(own, around, hold)
    scene.play({key: Rise(Decimal(1)) if key in own else feed for key, feed in well.items()}, 8)
    yield _case(VANISHED, rollout, slo, scene, fires=slo.blind)


def _case(
    promise: str,
    rollout: Rollout,
    slo: Slo,
    scene: Scene,
    *,
    fires: Alert | None = None,
    silent: Alert | None = None,
    settled: int = 0,
) -> Data:
    """The course as promtool reads it. Raises Impossible when the scenario does not show its promise."""
    times = range(0, (scene.clock - 1) * ms(rollout.scrape) + 1, ms(rollout.evaluate))
    scraped = samples(scene.tapes, rollout.scrape)
    old, new = (_Course(rollout, slo, Storage(scraped, closed), times).states() for closed in (True, False))
    alert = fires or silent
    late = [time for time in times if time >= settled * ms(rollout.scrape)]
    shown = [any(course[time][alert.name] for time in late) for course in (old, new) if alert]
    if shown != [fires is not None] * 2:
        raise Impossible(f"{promise}: slo-{slo.name}: not what the model says")
    return {
        "name": f"{promise}: slo-{slo.name}{f' {alert.tier}' if alert else ''}",
        "interval": span(rollout.scrape),
        "input_series": [{"series": str(key), "values": tape.notation} for key, tape in scene.tapes.items()],
        **({"alert_rule_test": _texts(fires, late, old, new, rollout)} if fires else {}),
        "promql_expr_test": [
            _firing(rollout, slo, time, old[time])
            for time in _turns(old, list(times))
            if _names(old[time]) == _names(new[time])
        ],
    }


def _texts(
    alert: Alert,
    times: list[int],
    old: dict[int, dict[str, Firing]],
    new: dict[int, dict[str, Firing]],
    rollout: Rollout,
) -> list[Data]:
    for time in times:
        first, second = (
            [alert_data(alert, labels, value, rollout) for labels, value in course[time][alert.name].items()]
            for course in (old, new)
        )
        if first and first == second:
            at = span(timedelta(milliseconds=time))
            return [{"eval_time": at, "alertname": alert.name, "exp_alerts": first}]
    return []


def _turns(states: dict[int, dict[str, Firing]], times: list[int]) -> list[int]:
    turns = {times[-1]}
    for before, now in pairwise(times):
        if _names(states[before]) != _names(states[now]):
            turns |= {before, now}
    return sorted(turns)


def _names(state: dict[str, Firing]) -> dict[str, frozenset[Labels]]:
    return {name: frozenset(fires) for name, fires in state.items() if fires}


def _firing(rollout: Rollout, slo: Slo, time: int, state: dict[str, Firing]) -> Data:
    matchers = (
        ("alertstate", "=", "firing"),
        (names.ROLLOUT, "=", rollout.name),
        (names.GUARDRAIL, "=", f"slo-{slo.name}"),
        (names.LEVEL, "=", ""),
    )
    counts = sorted((name, len(fires)) for name, fires in state.items() if fires)
    return {
        "expr": f"count by (alertname) ({Selector('ALERTS', matchers)})",
        "eval_time": span(timedelta(milliseconds=time)),
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": count} for name, count in counts],
    }
