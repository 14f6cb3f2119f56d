"""One SLO + what was scraped → what it records and what burns, at every evaluation.

Computed from the plan's measure, burns and least number of events, never from the texts of the rules.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail import names
from handrail.emit.promtool.lifecycle import Firing, firing
from handrail.emit.promtool.measure import at_bound, ms
from handrail.emit.promtool.series import Labels, labels_of
from handrail.emit.promtool.storage import Storage, Values
from handrail.plan import Alert, Burn, Rollout, Selector, Share, Slo
from handrail.units import duration, span

REMEMBERED = 3_600_000
"""How long (ms) a series may be away and still go on from its value."""
Counted = tuple[float, float]
"""Errors and events of one evaluation."""


@dataclass(frozen=True)
class Course:
    """Every evaluation of an SLO, as one generation of Prometheus sees it."""

    rollout: Rollout
    slo: Slo
    storage: Storage
    times: range

    @cached_property
    def states(self) -> dict[int, dict[str, Firing]]:
        """At every evaluation, what fires."""
        states: dict[int, dict[str, Firing]] = {time: {} for time in self.times}
        for alert in (*self.slo.alerts, self.slo.blind):
            found = ((time, self._holds(alert, time)) for time in self.times)
            for time, fires in firing(found, ms(alert.hold), ms(alert.keep_firing_for)):
                states[time][alert.name] = {
                    labels_of({**dict(labels), **dict(alert.labels)}.items()): value
                    for labels, value in fires.items()
                }
        return states

    def recorded(self, time: int) -> dict[str, Values]:
        """What is recorded, by metric."""
        now = self._counted[time]
        ratios = {
            labels_of([*self._own, (names.WINDOW, span(window))]): self._ratio(window, time)
            for window in self._windows
        }
        return {
            names.SLO_ERRORS: {} if now is None else {self._own: now[0]},
            names.SLO_TOTAL: {} if now is None else {self._own: now[1]},
            names.SLO_RATIO: {labels: ratio for labels, ratio in ratios.items() if ratio is not None},
        }

    @cached_property
    def _own(self) -> Labels:
        return labels_of([(names.ROLLOUT, self.rollout.name), (names.SLO, self.slo.name)])

    @cached_property
    def _windows(self) -> list[timedelta]:
        return [duration(dict(ratio.labels)[names.WINDOW]) for ratio in self.slo.ratios]

    @cached_property
    def _counted(self) -> dict[int, Counted | None]:
        return {time: self._count(time) for time in self.times}

    def _count(self, time: int) -> Counted | None:
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
        """What each scrape added since the last evaluation; after a reset all that is there is new."""
        every, scrape = ms(self.rollout.evaluate), ms(self.rollout.scrape)
        step = min(every, scrape)
        end, found = time - 1, []
        for look in range((end - every) // step * step + step, end + 1, step):
            before = {key: values[-1] for key, values in self.storage.ranges(series, look - step, REMEMBERED)}
            for key, values in self.storage.ranges(series, look, every + scrape):
                if key in before:
                    found.append(values[-1] - (before[key] if before[key] <= values[-1] else 0))
        return sum(found) if found else None

    def _holds(self, alert: Alert, time: int) -> Firing:
        if alert is self.slo.blind:
            missing = self._counted[time] is None
            return {(("reason", "its metrics are missing"),): 1.0} if missing else {}
        return dict(self._burning(alert, time))

    def _burning(self, alert: Alert, time: int) -> Iterator[tuple[Labels, float]]:
        for burn in dict(self.slo.burns)[alert.tier]:
            long, short = (self._ratio(window, time) for window in (burn.long, burn.short))
            if long is not None and short is not None and min(long, short) > float(pace(self.slo, burn)):
                yield labels_of([(names.SLO, self.slo.name), (names.WINDOW, span(burn.long))]), long

    def _ratio(self, window: timedelta, time: int) -> float | None:
        """The share of errors; None where there were too few events to tell."""
        first = bisect_left(self.times, time - ms(window) + (0 if self.storage.closed else 1))
        seen = self.times[first : self.times.index(time) + 1]
        known = [pair for then in seen if (pair := self._counted[then]) is not None]
        total = sum(pair[1] for pair in known)
        least = self.slo.measure.min_events if window in self._relied_on else 0
        if total < least or total <= 0:
            return None
        ratio = sum(pair[0] for pair in known) / total
        return ratio if 0 <= ratio <= 1 else None

    @cached_property
    def _relied_on(self) -> set[timedelta]:
        """The windows that say whether there were events enough: the long one of each pair."""
        return {burn.long for _, burns in self.slo.burns for burn in burns}


def pace(slo: Slo, burn: Burn) -> Decimal:
    """The share of errors above which a pair of windows burns."""
    return burn.factor * (1 - slo.objective)
