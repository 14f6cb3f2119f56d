"""The guardrail of the traffic's split → the story of what is recorded of it, and when it is blind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.attempts import canary_of, stable_of
from handrail.emit.promtool.series import At, Feed, Feeds, Impossible, Key, Rise, Timeline, chosen
from handrail.emit.promtool.story import Course, Figure, Story, Text, Untestable, instance
from handrail.plan import Arms, Guardrail, Rollout, SampleRatio, Selector
from handrail.plan.split_evidence import ODDS, SIDES, ratio
from handrail.units import plain

SPLIT = (
    "The requests of either arm, and the evidence that they are not split as asked; where the canary's are not counted it "
    "is blind"
)
UNCOUNTED = "the canary's requests are not counted"
SHARE, REQUESTS = Decimal("0.3"), Decimal(40)
"""What share of how many requests in an evaluation the canary has."""


def split(rollout: Rollout) -> Iterator[Story | Untestable]:
    """Of each guardrail of a split; its traffic is that of the first stage with both arms."""
    for guardrail in rollout.guardrails:
        if guardrail.split is not None and guardrail.arms is not None:
            try:
                yield _Split(rollout, guardrail, guardrail.split, guardrail.arms).story()
            except Impossible as reason:
                yield Untestable(guardrail.name, str(reason))


@dataclass(frozen=True)
class _Split:
    rollout: Rollout
    guardrail: Guardrail
    split: SampleRatio
    arms: Arms

    def story(self) -> Story:
        """At first there is nothing; then both arms have requests for some time; then only one of them has."""
        split, every, blind = self.split, self.rollout.evaluate, self.guardrail.blind
        stage = next(one for one in self.rollout.stages if one.weight and one.has_both)
        asked, gone = stage.weight or Decimal(0), instance(blind, "reason", UNCOUNTED)
        course = Course(-(-2 * split.window // every) * every, Timeline(self._scrape), {gone: blind})
        before = max(10 * every, split.settle + every)
        course.go_on(self._feeds(None, asked), [], stage.name, unknown=[gone])
        course.timeline.play({}, course.next - before)
        course.go_on(self._feeds(SHARE, asked), [], stage.name)
        figures = [*self._figures(course.now, asked)]
        while not course.fires(blind.name):
            course.go_on(self._feeds(None, asked), [gone], stage.name)
        return course.story(SPLIT, [Text(blind, course.now, {"reason": UNCOUNTED}, None)], figures)

    def _figures(self, at: timedelta, asked: Decimal) -> Iterator[Figure]:
        """What is recorded of an evaluation in which there are requests of both arms."""
        split, signal = self.split, self.guardrail.signals[0]
        canary, stable = REQUESTS * SHARE, REQUESTS * (1 - SHARE)
        yield Figure(at, split.canary, canary)
        yield Figure(at, split.stable, stable)
        if signal.events is not None:
            yield Figure(at, signal.events, canary)
        yield Figure(at, signal.value, SHARE)
        counts = float(canary), float(stable), float(asked)
        for side in SIDES:
            for odds in ODDS:
                likelihood = ratio(*counts, side, float(odds), float(split.most)) / split.per_choice
                apart = (*split.evidence.matchers, (names.SIDE, "=", side), (names.ODDS, "=", plain(odds)))
                yield Figure(at, Selector(names.SPLIT_LIKELIHOOD, apart), Decimal(likelihood))
        yield Figure(at, split.evidence, Decimal(split.evidence_of(*counts)))

    @property
    def _scrape(self) -> timedelta:
        """Each evaluation counts what is new to it, so there is something new to each."""
        return min(self.rollout.scrape, self.rollout.evaluate)

    def _feeds(self, share: Decimal | None, asked: Decimal) -> Feeds:
        """So many requests in an evaluation, and the canary's share of them; None: nobody counts the canary's."""
        each = REQUESTS * Decimal(self._scrape / self.rollout.evaluate)
        found: dict[Key, Feed] = {Key.of(names.WEIGHT_METRIC, {names.ROLLOUT: self.rollout.name}): At(asked)}
        parts = {stable_of(self.arms): 1 - SHARE} | ({} if share is None else {canary_of(self.arms): share})
        for arm, part in parts.items():
            labels = {self.arms.label: arm, "instance": f"of-{arm}"}
            found[chosen(self.split.counted[0].without(self.arms.label), labels)] = Rise(each * part)
        return found
