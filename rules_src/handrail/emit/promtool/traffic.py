"""The guardrail of the traffic's split → the stories that show what is a mismatch, what is none, and when it is blind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.attempts import canary_of, stable_of
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Rise, Timeline, chosen
from handrail.emit.promtool.story import NOTHING, Clock, Context, Life, Span, Story, Text, Untestable, turns
from handrail.plan import Arms, Guardrail, Rollout, SampleRatio, Selector

TOLERATED = "Arms whose traffic is just tolerated are no mismatch, however many requests say so"
FEW = "A few requests are no mismatch, however they are split"
MISMATCH = "A canary with far {} traffic than is asked for is a mismatch: hold"
FOLLOWS = "When another share is asked for the traffic has time to follow"
GONE = "When the canary's requests are not counted its share is blind, and when they are again it sees"
FAR = Decimal(8)
"""So many times the asked odds, or the part of them, is far."""
MANY, FEWER = 20, 3
"""So many times as many requests in an evaluation as find it, and so many times fewer in all of a story."""
LOOKS = 12


@dataclass(frozen=True)
class Split:
    """The guardrail; its traffic is that of the first stage with both arms."""

    rollout: Rollout
    guardrail: Guardrail
    split: SampleRatio
    clock: Clock

    def stories(self) -> Iterator[Story | Untestable]:
        """In the order of the file."""
        try:
            yield from self._even()
            for word, odds in (("more", FAR), ("less", 1 / FAR)):
                yield self._mismatch(MISMATCH.format(word), odds)
            yield from self._follows()
            yield self._blind()
        except Impossible as reason:
            yield Untestable(self.guardrail.name, str(reason))

    @property
    def _arms(self) -> Arms:
        if self.guardrail.arms is None:
            raise TypeError("it has no arms")
        return self.guardrail.arms

    @property
    def _stages(self) -> list[tuple[str, Decimal]]:
        return [(one.name, one.weight) for one in self.rollout.stages if one.weight and one.has_both]

    @property
    def _end(self) -> timedelta:
        return self.clock.step * LOOKS

    def _share(self, odds: Decimal, asked: Decimal | None = None) -> Decimal:
        """The canary's share where it has so many times the asked odds."""
        asked = self._stages[0][1] if asked is None else asked
        return odds * asked / (odds * asked + 1 - asked)

    @property
    def _many(self) -> Decimal:
        return Decimal(MANY * self.split.finds(float(FAR), float(self._stages[0][1])))

    def _feeds(self, share: Decimal | None, requests: Decimal, asked: Decimal | None = None) -> Feeds:
        """So many requests in an evaluation, and the canary's share of them; None: nobody counts the canary's."""
        arms, asked = self._arms, self._stages[0][1] if asked is None else asked
        each = requests * Decimal(self.rollout.scrape / self.clock.step)
        found: dict[Key, Feed] = {self._weight: At(asked)}
        parts = {stable_of(arms): 1 - (share or 0)} | ({} if share is None else {canary_of(arms): share})
        for arm, part in parts.items():
            labels = {arms.label: arm, "instance": f"of-{arm}"}
            found[chosen(self.split.counted[0].without(arms.label), labels)] = Rise(round(each * part, 3))
        return found

    @property
    def _weight(self) -> Key:
        return Key.of(names.WEIGHT_METRIC, {names.ROLLOUT: self.rollout.name})

    def _story(
        self,
        promise: str,
        timeline: Timeline,
        lives: tuple[Life, ...],
        looks: tuple[timedelta, ...],
        texts: tuple[Text, ...] = (),
    ) -> Story:
        said = Selector(names.WEIGHT_METRIC, ((names.ROLLOUT, "=", self.rollout.name),))
        context = Context(self._stages[0][0])
        reads = (*self.split.counted, said)
        return Story(promise, self.guardrail.name, context, self.clock, timeline, lives, looks, texts, reads)

    @property
    def _quiet(self) -> tuple[Life, ...]:
        return tuple(Life(alert, None) for alert in (*self.guardrail.alerts, self.guardrail.blind))

    def _even(self) -> Iterator[Story]:
        few = Decimal(self.split.finds(float(FAR), float(self._stages[0][1]))) / (FEWER * LOOKS)
        for promise, odds, requests in (
            (TOLERATED, self.split.most, self._many),
            (TOLERATED, 1 / self.split.most, self._many),
            (FEW, FAR, few),
        ):
            timeline = Timeline(self.rollout.scrape)
            timeline.play(self._feeds(self._share(odds), requests), self._end)
            yield self._story(promise, timeline, self._quiet, (self._end,))

    def _mismatch(self, promise: str, odds: Decimal) -> Story:
        timeline, alert, share = Timeline(self.rollout.scrape), self.guardrail.alerts[0], self._share(odds)
        begins = Span(NOTHING, self.clock.first(3 * timeline.scrape + 2 * self.rollout.evaluate))
        at = begins.last + self.clock.step
        timeline.play(self._feeds(share, self._many), at)
        lives = (Life(alert, begins), Life(self.guardrail.blind, None))
        arms = self._arms
        labels = {arms.recorded: arms.canary} | ({arms.label: canary_of(arms)} if arms.told else {})
        return self._story(promise, timeline, lives, (at,), (Text(alert, at, labels, share),))

    def _follows(self) -> Iterator[Story]:
        if len(self._stages) < 2:
            return
        first, then = (weight for _, weight in self._stages[:2])
        timeline = Timeline(self.rollout.scrape)
        timeline.play(self._feeds(first, self._many), self._end)
        timeline.play(self._feeds(first, self._many, then), timeline.now + self.split.settle / 2)
        at = self.clock.first(timeline.now + self.split.settle) + 2 * self.clock.step
        timeline.play(self._feeds(then, self._many, then), at)
        looks = tuple(range(self._end // self.clock.step, at // self.clock.step + 1))
        yield self._story(FOLLOWS, timeline, self._quiet, tuple(look * self.clock.step for look in looks))

    def _blind(self) -> Story:
        blind, clock, scrape = self.guardrail.blind, self.clock, self.rollout.scrape
        timeline, asked = Timeline(scrape), self._stages[0][1]
        fed = self._feeds(asked, self._many)
        timeline.play(fed, self._end)
        gone, every = timeline.now, self.rollout.evaluate
        begins = clock.span(gone, gone + 4 * every + 3 * scrape)
        fires = begins.last + clock.times(blind.sustained)
        timeline.play(self._feeds(None, self._many), fires)
        life = Life(blind, begins, clock.span(timeline.now, timeline.now + 3 * scrape + every))
        looks = turns((life,), clock)
        timeline.play(fed, looks[-1])
        text = Text(blind, fires, {"reason": "the canary's requests are not counted"}, None)
        return self._story(GONE, timeline, (life,), looks, (text,))
