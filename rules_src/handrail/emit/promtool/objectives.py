"""An objective → the stories that show what it promises: each pace of burning, births, a short burst, blindness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.births import Recorded, counter_of, counts, moments, play
from handrail.emit.promtool.feeds import Pace, edges, feeds, selectors
from handrail.emit.promtool.figures import just_over, just_under
from handrail.emit.promtool.series import Feeds, Impossible, Timeline
from handrail.emit.promtool.story import (
    NOTHING,
    Clock,
    Context,
    Figure,
    Life,
    Span,
    Story,
    Text,
    Untestable,
    turns,
)
from handrail.plan import (
    Burn,
    EventMeasure,
    Latency,
    Measure,
    Rollout,
    Selector,
    Slo,
    SlowerThan,
    TimeSlices,
)
from handrail.units import plain, span

SELDOM = 10
BURST = (
    "A few errors after many events that were well burn no budget, though the short windows see nothing else"
)
GONE = "When its series go an objective is blind, and when they are back it sees again"
BORN = "An objective counts what a process shows first, and nothing of what comes back, moves or gets other labels"
OVER, UNDER = Decimal("1.05"), Decimal("0.95")


@dataclass(frozen=True)
class Objective:
    """One objective; what takes its time is looked at `SELDOM` times more seldom."""

    rollout: Rollout
    slo: Slo
    clock: Clock

    def stories(self) -> Iterator[Story | Untestable]:
        """In the order of the file."""
        if isinstance(self.slo.measure, TimeSlices):
            yield from self._slices()
            return
        try:
            self._feeds(Decimal("0.5"))
        except Impossible as reason:
            yield Untestable(f"slo-{self.slo.name}", str(reason))
            return
        seldom = replace(self, clock=Clock(self.clock.step * SELDOM))
        for tier, burn in self.burns:
            yield from seldom.paces(tier, burn)
        yield seldom.burst()
        yield seldom.blind()
        try:
            yield replace(self, clock=Clock(moments(self.rollout.evaluate))).births()
        except Impossible as reason:
            yield Untestable(f"slo-{self.slo.name}", str(reason), "births")

    def _slices(self) -> Iterator[Story | Untestable]:
        try:
            yield self.lasting("Slices that are good burn no budget", Decimal(0))
            yield self.lasting("When all slices are bad the budget burns at every pace", Decimal(1))
            yield replace(self, clock=Clock(self.clock.step * SELDOM)).blind()
        except Impossible as reason:
            yield Untestable(f"slo-{self.slo.name}", str(reason))

    def lasting(self, promise: str, bad: Decimal) -> Story:
        """All slices are alike for long enough to say so."""
        slices = self.slo.measure
        if not isinstance(slices, TimeSlices):
            raise TypeError("it has no slices")
        timeline = Timeline(self.rollout.scrape)
        known = slices.measure.width + 3 * timeline.scrape
        begins = Span(NOTHING, self.clock.first(known + (self.slo.least + 1) * slices.length))
        at = begins.last + self.clock.step
        timeline.play(self._feeds(bad), at)
        return self._story(promise, timeline, self._burning(bad, begins), (at,))

    @property
    def burns(self) -> list[tuple[str, Burn]]:
        """Every pair of windows with its tier."""
        return [(tier, burn) for tier, burns in self.slo.burns for burn in burns]

    def _limit(self, burn: Burn) -> Decimal:
        return burn.factor * (1 - self.slo.objective)

    @property
    def _pace(self) -> Pace:
        measure = self.slo.measure
        least = measure.min_events if isinstance(measure, EventMeasure) else 1
        shape: tuple[Decimal, ...] = ()
        if isinstance(measure, TimeSlices):
            least = getattr(measure.measure, "min_events", 1)
            shape = (
                edges(measure.measure, (measure.limit,))
                if isinstance(measure.measure, Latency | SlowerThan)
                else ()
            )
        elif isinstance(measure, SlowerThan):
            shape = edges(measure, ())
        return Pace(self.rollout.scrape, Decimal(10 ** len(str(10 * least))), {}, (), shape)

    def _share(self, bad: Decimal) -> Decimal:
        """What its measure says where this share of the events, or every slice or none, is bad."""
        measure = self.slo.measure
        if isinstance(measure, TimeSlices):
            condition, limit = measure.condition, measure.limit
            return (
                just_over(condition, limit, self.rollout.scrape)
                if bad
                else just_under(condition, limit, self.rollout.scrape)
            )
        return bad if isinstance(measure, SlowerThan) or measure.bad else 1 - bad

    def _feeds(self, bad: Decimal, times: int = 1) -> Feeds:
        return feeds(self._measured, self._share(bad), self._pace.of(self._pace.events * times))

    @property
    def _measured(self) -> Measure:
        measure = self.slo.measure
        return measure.measure if isinstance(measure, TimeSlices) else measure

    def healthy(self) -> Feeds:
        """What it shows where nothing fails."""
        return self._feeds(Decimal(0))

    def _story(
        self,
        promise: str,
        timeline: Timeline,
        lives: tuple[Life, ...],
        looks: tuple[timedelta, ...],
        texts: tuple[Text, ...] = (),
        figures: tuple[Figure, ...] = (),
    ) -> Story:
        reads = tuple(selectors(self._measured))
        about = f"slo-{self.slo.name}"
        return Story(promise, about, Context(), self.clock, timeline, lives, looks, texts, reads, figures)

    def _burning(self, share: Decimal, begins: Span) -> tuple[Life, ...]:
        """Whose budget burns too fast where this share of all events is bad from the start."""
        found = []
        for alert, (_, burns) in zip(self.slo.alerts, self.slo.burns, strict=True):
            burning = any(share > self._limit(burn) for burn in burns)
            found.append(Life(alert, begins if burning else None))
        return tuple(found)

    def paces(self, tier: str, burn: Burn) -> Iterator[Story | Untestable]:
        if OVER * self._limit(burn) >= 1:
            reason = f"its budget cannot burn {plain(burn.factor)} times too fast"
            yield Untestable(f"slo-{self.slo.name}", reason)
            return
        for word, by in (("just over", OVER), ("just under", UNDER)):
            promise = f"{word} {plain(burn.factor)} times the pace at which it lasts, over {span(burn.long)} and {span(burn.short)}"
            verb = "fires" if by is OVER else "says nothing of it"
            share = round(by * self._limit(burn), 3 - self._limit(burn).adjusted())
            timeline = Timeline(self.rollout.scrape)
            at = self.clock.first(3 * timeline.scrape)
            begins = Span(NOTHING, at)
            timeline.play(self._feeds(share), at)
            said = f"A budget that burns {promise}: {tier} {verb}"
            texts = tuple(self._texts(share, at, burn))
            yield self._story(said, timeline, self._burning(share, begins), (at,), texts)

    def _texts(self, share: Decimal, at: timedelta, burn: Burn) -> Iterator[Text]:
        """The alert of the pair that is the only one of its tier to burn."""
        for alert, (_, burns) in zip(self.slo.alerts, self.slo.burns, strict=True):
            if [one for one in burns if share > self._limit(one)] == [burn]:
                labels = {names.SLO: self.slo.name, names.WINDOW: span(burn.long)}
                yield Text(alert, at, labels, share)

    def burst(self) -> Story:
        """The short windows see nothing but errors, and the long ones that there were few of them."""
        short = min(burn.short for _, burn in self.burns)
        timeline = Timeline(self.rollout.scrape)
        timeline.play(self._feeds(Decimal(0), 1_000_000), 2 * self.clock.step)
        at = self.clock.first(timeline.now + short + 2 * timeline.scrape) + self.clock.step
        timeline.play(self._feeds(Decimal(1)), at)
        return self._story(BURST, timeline, tuple(Life(one, None) for one in self.slo.alerts), (at,))

    def blind(self) -> Story:
        """Without its series, and with them again."""
        alert, clock, scrape = self.slo.blind, self.clock, self.rollout.scrape
        timeline, fed = Timeline(scrape), self._feeds(Decimal(0))
        timeline.play(fed, clock.step)
        gone = timeline.now
        begins = clock.span(gone, gone + self.rollout.evaluate + 2 * scrape + self._lingers)
        fires = begins.last + clock.times(alert.sustained)
        timeline.play({}, fires)
        ends = clock.span(timeline.now, timeline.now + 4 * scrape)
        life = Life(alert, begins, ends)
        looks = tuple(at for at in turns((life,), clock) if at >= clock.step)
        timeline.play(fed, looks[-1])
        text = Text(alert, fires, {"reason": "its metrics are missing"}, None)
        return self._story(GONE, timeline, (life,), looks, (text,))

    @property
    def _lingers(self) -> timedelta:
        """How long the value of a slice goes on without its series."""
        return self.slo.measure.measure.width if isinstance(self.slo.measure, TimeSlices) else NOTHING

    def births(self) -> Story:
        """Its counters: errors and events since the evaluation before."""
        every, pace = self.rollout.evaluate, self._pace
        if every % pace.scrape:
            raise Impossible("what one evaluation counts is not certain where scrapes do not divide it")
        calm = (1 - self.slo.objective) / 2
        shares = self._share(calm), self._share(Decimal(1))
        counter = counter_of(self._measured, every, self.rollout.service, pace, *shares)
        usual, every_one = counter.usual_events, counter.all_events(counts(counter, pace.scrape))
        own = ((names.ROLLOUT, "=", self.rollout.name), (names.SLO, "=", self.slo.name))
        recorded = [
            Recorded(Selector(names.SLO_TOTAL, own), usual, every_one),
            Recorded(Selector(names.SLO_ERRORS, own), usual * calm, every_one - usual * (1 - calm)),
        ]
        timeline, figures = play(counter, self.clock, pace.scrape, recorded)
        return self._story(BORN, timeline, (), (), figures=tuple(figures))
