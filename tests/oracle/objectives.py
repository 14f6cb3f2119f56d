"""An objective → one story: at each evaluation its budget burns at another pace, just under and just over every limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import Impossible
from handrail.emit.promtool.story import UNHEARD, Text, Untestable
from handrail.plan import Alert, Burn, EventMeasure, Latency, Measure, Rollout, Slo, SlowerThan, TimeSlices
from handrail.units import plain, span

from oracle.feeds import Pace, edges, feeds, selectors
from oracle.figures import just_over, just_under
from oracle.series import Feeds, Timeline
from oracle.story import FIRES, Course, Reason, Story

BURNS = (
    "Blind without series, seeing with them; a budget that burns just under a pace is none to speak of, "
    "one that burns just over it in its long and its short window is"
)
SLICES = "Slices that are good burn no budget; when all are bad it burns at every pace"
OVER, UNDER = Decimal("1.05"), Decimal("0.95")


@dataclass(frozen=True)
class Objective:
    """One objective."""

    rollout: Rollout
    slo: Slo

    def stories(self) -> Iterator[Story | Untestable]:
        """In the order of the file."""
        try:
            if isinstance(self.slo.measure, TimeSlices):
                yield from self._slices(self.slo.measure)
            else:
                yield from self._burning()
        except Impossible as reason:
            yield Untestable(self._about, str(reason))
            return
        for _, burn in self._burns:
            if OVER * self._limit(burn) >= 1 and not isinstance(self.slo.measure, TimeSlices):
                cannot = f"its budget cannot burn {plain(burn.factor)} times too fast"
                yield Untestable(self._about, cannot)

    @property
    def _about(self) -> str:
        return f"slo-{self.slo.name}"

    @property
    def _burns(self) -> list[tuple[Alert, Burn]]:
        """Every pair of windows with its alert."""
        tiers = zip(self.slo.alerts, self.slo.burns, strict=True)
        return [(alert, burn) for alert, (_, burns) in tiers for burn in burns]

    def _limit(self, burn: Burn) -> Decimal:
        return burn.factor * (1 - self.slo.objective)

    def _burning(self) -> Iterator[Story]:
        """For each share a story of its own, minutes long: every window sees all there is of it.

        One after the other they would take weeks, and promtool's store moves what is older than a day to disk meanwhile.
        """
        slo, scrape, every = self.slo, self._pace.scrape, self.rollout.evaluate
        limits = sorted({limit for _, burn in self._burns if OVER * (limit := self._limit(burn)) < 1})
        shares = [round(by * limit, 3 - limit.adjusted()) for limit in limits for by in (UNDER, OVER)]
        reasons: dict[Reason, Alert] = {(alert.name, span(burn.long)): alert for alert, burn in self._burns}
        told = set[Alert]()
        for share in sorted(shares):
            course = Course(
                10 * max(every, scrape),
                Timeline(scrape),
                {**reasons, (slo.blind.name, ""): slo.blind},
                names.WINDOW,
            )
            course.go_on({}, {(slo.blind.name, ""): True}, UNHEARD)
            burning = {(alert.name, span(b.long)): share > self._limit(b) for alert, b in self._burns}
            course.go_on(self._feeds(share), burning, UNHEARD)
            texts = list[Text]()
            for alert in slo.alerts:
                windows = [
                    window for (name, window), burns in burning.items() if name == alert.name and burns
                ]
                if len(windows) == 1 and alert not in told and course.states.get(alert.name) == FIRES:
                    told.add(alert)
                    labels = {names.SLO: slo.name, names.WINDOW: windows[0]}
                    texts.append(Text(alert, course.now, labels, share))
            yield course.story(BURNS, self._about, texts, selectors(self._measured))

    def _slices(self, slices: TimeSlices) -> Iterator[Story]:
        """All slices are alike for long enough to say so."""
        slo, scrape = self.slo, self._pace.scrape
        known = slices.measure.width + 3 * scrape + (slo.least + 1) * slices.length
        alerts: dict[Reason, Alert] = {(alert.name, ""): alert for alert in slo.alerts}
        for bad in (Decimal(0), Decimal(1)):
            course = Course(self.rollout.evaluate, Timeline(scrape), alerts)
            feeds = self._feeds(bad)
            while course.next < known:
                course.go_on(feeds, dict.fromkeys(alerts, False if not bad else None), None)
            burning = {(alert.name, ""): bool(bad) for alert, _ in self._burns}
            course.go_on(feeds, burning, None)
            course.go_on(feeds, burning, None)
            course.looks = course.looks[-1:]
            yield course.story(SLICES, self._about, (), selectors(self._measured))

    @property
    def _pace(self) -> Pace:
        measure = self.slo.measure
        least = measure.min_events if isinstance(measure, EventMeasure) else 1
        shape: tuple[Decimal, ...] = ()
        if isinstance(measure, TimeSlices):
            least = getattr(measure.measure, "min_events", 1)
            if isinstance(measure.measure, Latency | SlowerThan):
                shape = edges(measure.measure, (measure.limit,))
        elif isinstance(measure, SlowerThan):
            shape = edges(measure, ())
        scrape = min(self.rollout.scrape, self.rollout.evaluate)  # each evaluation counts what is new to it
        return Pace(scrape, Decimal(10 ** len(str(10 * least))), {}, (), shape)

    def _share(self, bad: Decimal) -> Decimal:
        """What its measure says where this share of the events, or every slice or none, is bad."""
        measure = self.slo.measure
        if isinstance(measure, TimeSlices):
            beside = just_over if bad else just_under
            return beside(measure.condition, measure.limit, self.rollout.scrape)
        return bad if isinstance(measure, SlowerThan) or measure.bad else 1 - bad

    def _feeds(self, bad: Decimal) -> Feeds:
        return feeds(self._measured, self._share(bad), self._pace)

    @property
    def _measured(self) -> Measure:
        measure = self.slo.measure
        return measure.measure if isinstance(measure, TimeSlices) else measure
