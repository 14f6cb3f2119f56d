"""An objective → the stories that show what it promises: each pace of burning, a short burst, an end, blindness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.feeds import Pace, edges, feeds, selectors
from handrail.emit.promtool.guardrails import LOOKBACK
from handrail.emit.promtool.series import Feeds, Impossible, Timeline
from handrail.emit.promtool.story import NOTHING, Clock, Context, Life, Span, Story, Text, Untestable, turns
from handrail.plan import Burn, Rollout, Slo, SlowerThan
from handrail.units import plain, span

SELDOM = 10
BURST = (
    "A few errors after many events that were well burn no budget, though the short windows see nothing else"
)
GONE = "When its series go an objective is blind, and when they are back it sees again"
OVER, UNDER = Decimal("1.05"), Decimal("0.95")


@dataclass(frozen=True)
class Objective:
    """One objective; what takes its time is looked at `SELDOM` times more seldom."""

    rollout: Rollout
    slo: Slo
    clock: Clock

    def stories(self) -> Iterator[Story | Untestable]:
        """In the order of the file."""
        try:
            self._feeds(Decimal("0.5"))
        except Impossible as reason:
            yield Untestable(f"slo-{self.slo.name}", str(reason))
            return
        for tier, burn in self.burns:
            yield from self._paces(tier, burn)
        seldom = replace(self, clock=Clock(self.clock.step * SELDOM))
        yield seldom.burst()
        yield seldom.blind()

    @property
    def burns(self) -> list[tuple[str, Burn]]:
        """Every pair of windows with its tier."""
        return [(tier, burn) for tier, burns in self.slo.burns for burn in burns]

    def _limit(self, burn: Burn) -> Decimal:
        return burn.factor * (1 - self.slo.objective)

    def _feeds(self, share: Decimal, times: int = 1) -> Feeds:
        """Series of which this share of the events is bad."""
        measure = self.slo.measure
        shape = edges(measure, ()) if isinstance(measure, SlowerThan) else ()
        events = Decimal(times * 10 ** len(str(10 * measure.min_events)))
        good = not isinstance(measure, SlowerThan) and not measure.bad
        return feeds(measure, 1 - share if good else share, Pace(self.rollout.scrape, events, {}, (), shape))

    def _story(
        self,
        promise: str,
        timeline: Timeline,
        lives: tuple[Life, ...],
        looks: tuple[timedelta, ...],
        *texts: Text,
    ) -> Story:
        reads = tuple(selectors(self.slo.measure))
        story = Story(
            promise, f"slo-{self.slo.name}", Context(), self.clock, timeline, lives, looks, texts, reads
        )
        count, last = timeline.phases[-1]
        missing = max(story.end - timeline.now, NOTHING)
        timeline.phases[-1] = count + missing // timeline.scrape + 1, last
        return story

    def _burning(self, share: Decimal, begins: Span, ends: Span | None = None) -> tuple[Life, ...]:
        """Whose budget burns too fast where this share of all events is bad from the start."""
        found = []
        for alert, (_, burns) in zip(self.slo.alerts, self.slo.burns, strict=True):
            burning = any(share > self._limit(burn) for burn in burns)
            found.append(Life(alert, begins, ends) if burning else Life(alert, None))
        return tuple(found)

    def _paces(self, tier: str, burn: Burn) -> Iterator[Story | Untestable]:
        if OVER * self._limit(burn) >= 1:
            yield Untestable(
                f"slo-{self.slo.name}", f"its budget cannot burn {plain(burn.factor)} times too fast"
            )
            return
        for word, by in (("just over", OVER), ("just under", UNDER)):
            promise = f"{word} {plain(burn.factor)} times the pace at which it lasts, over {span(burn.long)} and {span(burn.short)}"
            verb = "fires" if by is OVER else "says nothing of it"
            share = round(by * self._limit(burn), 1 - (burn.factor * (1 - self.slo.objective)).adjusted() + 2)
            timeline = Timeline(self.rollout.scrape)
            timeline.play(self._feeds(share), timeline.scrape)
            begins = Span(NOTHING, self.clock.first(3 * timeline.scrape))
            lives, at = self._burning(share, begins), begins.last + self.clock.step
            said = f"A budget that burns {promise}: {tier} {verb}"
            yield self._story(said, timeline, lives, (at,), *self._texts(share, at, burn))

    def _texts(self, share: Decimal, at: timedelta, burn: Burn) -> Iterator[Text]:
        """The alert of the pair that is the only one of its tier to burn."""
        for alert, (_, burns) in zip(self.slo.alerts, self.slo.burns, strict=True):
            burning = [one for one in burns if share > self._limit(one)]
            if burning == [burn]:
                labels = {names.SLO: self.slo.name, names.WINDOW: span(burn.long)}
                yield Text(alert, at, labels, share)

    def burst(self) -> Story:
        """The short windows see nothing but errors, and the long ones that there were few of them."""
        short = min(burn.short for _, burn in self.burns)
        timeline = Timeline(self.rollout.scrape)
        timeline.play(self._feeds(Decimal(0), 1_000_000), max(4 * timeline.scrape, 2 * self.clock.step))
        timeline.play(self._feeds(Decimal(1)), timeline.scrape)
        at = self.clock.first(timeline.now + short + 2 * timeline.scrape) + self.clock.step
        lives = tuple(Life(one, None) for one in self.slo.alerts)
        return self._story(BURST, timeline, lives, (at,))

    def blind(self) -> Story:
        """Without its series, and with them again."""
        alert, clock, scrape = self.slo.blind, self.clock, self.rollout.scrape
        timeline = Timeline(scrape)
        fed = self._feeds(Decimal(0))
        timeline.play(fed, max(4 * scrape, clock.step))
        gone = timeline.now
        begins = Span(clock.first(gone), clock.first(gone + LOOKBACK + scrape))
        timeline.play({}, begins.last + clock.times(alert.hold) + clock.step - gone)
        back = timeline.now
        timeline.play(fed, scrape)
        life = Life(alert, begins, Span(clock.first(back), clock.first(back + 4 * scrape)))
        fires = begins.last + clock.times(alert.hold)
        text = Text(alert, fires, {"reason": "its metrics are missing"}, None)
        return replace(self._story(GONE, timeline, (life,), turns((life,), clock), text), whatever=True)
