"""The guardrail of the traffic's split → the story that shows what is a mismatch, what is none, and when it is blind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.plan import Guardrail, Rollout, SampleRatio, Selector
from handrail.plan.split_evidence import ODDS, SIDES, ratio
from handrail.units import plain

from oracle.attempts import canary_of, stable_of
from oracle.series import At, Feed, Feeds, Impossible, Key, Rise, Timeline, chosen
from oracle.story import FIRES, Course, Figure, Story, Text, Untestable

SPLIT = (
    "Arms whose traffic is just tolerated are no mismatch, nor are a few requests; a canary with far more or far less "
    "traffic than is asked for is one; when the canary's requests are not counted it is blind, and then it sees again"
)
FAR = Decimal(8)
"""So many times the asked odds, or the part of them, is far."""
MANY, FEW = 20, Decimal("0.3")
"""So many times as many requests in an evaluation as find it, and a part of them that does not."""


@dataclass(frozen=True)
class Split:
    """The guardrail; its traffic is that of the first stage with both arms."""

    rollout: Rollout
    guardrail: Guardrail
    split: SampleRatio

    def stories(self) -> Iterator[Story | Untestable]:
        """At each evaluation another split: it sees nothing of the one before, for it comes when the window is over."""
        try:
            yield self._story()
        except Impossible as reason:
            yield Untestable(self.guardrail.name, str(reason))

    def _story(self) -> Story:
        guardrail, split, every = self.guardrail, self.split, self.rollout.evaluate
        stage, asked = next(
            (one.name, one.weight) for one in self.rollout.stages if one.weight and one.has_both
        )
        finds, warning, blind = (
            Decimal(split.finds(float(FAR), float(asked))),
            guardrail.alerts[0],
            guardrail.blind,
        )
        alerts = {(alert.name, ""): alert for alert in guardrail.every_alert}
        course = Course(-(-2 * split.window // every) * every, Timeline(self._scrape), alerts)
        before, texts, figures = max(10 * every, split.settle + every), list[Text](), list[Figure]()
        for odds, requests, mismatch in (
            (split.most, MANY * finds, False),
            (1 / split.most, MANY * finds, False),
            (FAR, FEW * finds, False),
            (FAR, MANY * finds, True),
            (1 / FAR, MANY * finds, True),
            (None, MANY * finds, False),
            (None, MANY * finds, False),
            (Decimal(1), MANY * finds, False),
        ):
            share = None if odds is None else odds * asked / (odds * asked + 1 - asked)
            feeds = self._feeds(share, requests, asked)
            breaches = {(warning.name, ""): mismatch, (blind.name, ""): share is None}
            course.go_on(feeds, breaches, stage, before)
            if mismatch:
                figures += self._figures(feeds, course.now, asked)
            fires = warning if mismatch else blind
            if course.states.get(fires.name) == FIRES and not any(text.alert is fires for text in texts):
                labels, arms = {"reason": "the canary's requests are not counted"}, guardrail.arms
                if mismatch and arms is not None:
                    labels = {arms.recorded: arms.canary} | (
                        {arms.label: canary_of(arms)} if arms.told else {}
                    )
                texts.append(Text(fires, course.now, labels, share))
        said = Selector(names.WEIGHT_METRIC, ((names.ROLLOUT, "=", self.rollout.name),))
        story = course.story(SPLIT, guardrail.name, texts, (*split.counted, said))
        return replace(story, figures=tuple(figures))

    def _figures(self, feeds: Feeds, at: timedelta, asked: Decimal) -> Iterator[Figure]:
        """What is recorded of an evaluation in which there are requests of both arms."""
        split, name, arms = self.split, self.guardrail.name, self.guardrail.arms
        value, events = self.guardrail.signals[0].value, self.guardrail.signals[0].events
        if arms is None or events is None:
            raise TypeError("it has no arms")
        times = Decimal(self.rollout.evaluate / self._scrape)
        canary, stable = (
            sum(
                feed.step * times
                for key, feed in feeds.items()
                if (arms.label, arm) in key.labels and isinstance(feed, Rise)
            )
            for arm in (canary_of(arms), stable_of(arms))
        )
        yield Figure(name, at, split.canary, Decimal(canary))
        yield Figure(name, at, split.stable, Decimal(stable))
        yield Figure(name, at, events, Decimal(canary))
        yield Figure(name, at, value, Decimal(canary) / Decimal(canary + stable))
        counts = float(canary), float(stable), float(asked)
        for side in SIDES:
            for odds in ODDS:
                found = ratio(*counts, side, float(odds), float(split.most)) / split.per_choice
                apart = (*split.evidence.matchers, (names.SIDE, "=", side), (names.ODDS, "=", plain(odds)))
                yield Figure(name, at, Selector(names.SPLIT_LIKELIHOOD, apart), Decimal(found))
        yield Figure(name, at, split.evidence, Decimal(split.evidence_of(*counts)))

    @property
    def _scrape(self) -> timedelta:
        """Each evaluation counts what is new to it, so there is something new to each."""
        return min(self.rollout.scrape, self.rollout.evaluate)

    def _feeds(self, share: Decimal | None, requests: Decimal, asked: Decimal) -> Feeds:
        """So many requests in an evaluation, and the canary's share of them; None: nobody counts the canary's."""
        arms = self.guardrail.arms
        if arms is None:
            raise TypeError("it has no arms")
        each = requests * Decimal(self._scrape / self.rollout.evaluate)
        found: dict[Key, Feed] = {Key.of(names.WEIGHT_METRIC, {names.ROLLOUT: self.rollout.name}): At(asked)}
        parts = {stable_of(arms): 1 - (share or 0)} | ({} if share is None else {canary_of(arms): share})
        for arm, part in parts.items():
            labels = {arms.label: arm, "instance": f"of-{arm}"}
            found[chosen(self.split.counted[0].without(arms.label), labels)] = Rise(round(each * part, 3))
        return found
