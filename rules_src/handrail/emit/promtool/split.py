"""The guardrail of the traffic's split → the story of what is recorded of it, and when it is blind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.attempts import canary_of, stable_of
from handrail.emit.promtool.series import OTHER, At, Feed, Feeds, Impossible, Key, Rise, Timeline, chosen
from handrail.emit.promtool.story import Course, Figure, Instance, Story, Text, Untestable, instance
from handrail.plan import Arms, Guardrail, Rollout, SampleRatio, Selector, Stage
from handrail.plan.split_evidence import ODDS, SIDES, ratio
from handrail.promql.remembered import REMEMBER
from handrail.promql.split_shares import NO_CANARY, NO_STABLE, NOT_ASKED
from handrail.units import plain

RECORDS = "The requests of each arm are recorded, and the evidence that they are not split as requested"
BLIND_SPLIT = (
    "The traffic split is blind while an arm's requests are not counted or nobody reports the requested share"
)
COUNTED = "the requests of both arms are counted, and the asked share is reported"
CANARY, STABLE = BOTH = ("canary", "stable")
UNSEEN_FOR = 2
"""So many evaluations and scrapes without requests are no silence of the arm's yet."""
SHARE, REQUESTS = Decimal("0.3"), Decimal(40)
"""What share of how many requests in an evaluation the canary has."""


def split(rollout: Rollout) -> Iterator[Story | Untestable]:
    """Of each guardrail of a split; its traffic is that of the first stage with both arms."""
    for guardrail in rollout.guardrails:
        if guardrail.split is not None and guardrail.arms is not None:
            try:
                yield from _Split(rollout, guardrail, guardrail.split, guardrail.arms).stories()
            except Impossible as reason:
                yield Untestable(guardrail.name, str(reason))


@dataclass(frozen=True)
class _Split:
    rollout: Rollout
    guardrail: Guardrail
    split: SampleRatio
    arms: Arms

    def stories(self) -> Iterator[Story]:
        """What is recorded; then it is blind an evaluation before its time is over, and at it."""
        yield self._measured()
        every, sustained = self.rollout.evaluate, self.guardrail.blind.sustained
        for step, reasons in ((sustained - every, 1), (sustained, 3)):
            if step > UNSEEN_FOR * (every + self._scrape):  # what is not counted is missed within a step
                yield self._blind(step, reasons)

    def _measured(self) -> Story:
        """At first there is nothing; then both arms have requests for some time."""
        every, blind = self.rollout.evaluate, self.guardrail.blind
        course = Course(
            -(-2 * self.split.window // every) * every,
            Timeline(self._scrape),
            dict.fromkeys(self._blind_for, blind),
        )
        before = max(10 * every, self.split.settle + every)
        course.go_on(self._feeds(BOTH), [], self._stage.name, unknown=self._blind_for)
        course.timeline.play(self._feeds(()), course.next - before)
        course.go_on(self._feeds(BOTH), [], self._stage.name)
        return course.story(RECORDS, figures=[*self._figures(course.now)])

    def _blind(self, step: timedelta, reasons: int) -> Story:
        """One arm after the other is not counted, and then nobody reports the share, which is believed for a while: so many
        of these.

        In no stage, so that no other guardrail is blind beside it: each that is costs promtool a millisecond an evaluation.
        """
        blind, [canary, stable, asked] = self.guardrail.blind, self._blind_for
        course = Course(step, Timeline(self._scrape), dict.fromkeys(self._blind_for, blind))
        course.go_on(self._feeds(BOTH), [], None, unknown=self._blind_for, shown=[COUNTED])
        texts: list[Text] = []
        for gone, arms in ((canary, (STABLE,)), (stable, (CANARY,)), (asked, None))[:reasons]:
            course.go_on(self._feeds(BOTH), [], None, shown=[COUNTED])
            reported = course.now + (self._scrape if (REMEMBER + self._scrape) % step else 2 * self._scrape)
            if arms is None:  # no window of any Prometheus begins just at what was reported last
                course.timeline.play(self._feeds(BOTH), reported)
            while not course.fires(blind.name):
                believed = arms is None and course.next < reported + REMEMBER
                lost = (
                    "nobody reports the asked share"
                    if arms is None
                    else f"only the {arms[0]}'s requests are counted"
                )
                course.go_on(self._feeds(arms), [] if believed else [gone], None, shown=[lost])
            texts.append(Text(blind, course.now, {gone[1]: gone[2]}, None))
        return course.story(BLIND_SPLIT, texts)

    @property
    def _blind_for(self) -> list[Instance]:
        return [
            instance(self.guardrail.blind, "reason", reason) for reason in (NO_CANARY, NO_STABLE, NOT_ASKED)
        ]

    @property
    def _stage(self) -> Stage:
        return next(one for one in self.rollout.stages if one.weight and one.has_both)

    @property
    def _asked(self) -> Decimal:
        return self._stage.weight or Decimal(0)

    def _figures(self, at: timedelta) -> Iterator[Figure]:
        """What is recorded of an evaluation in which there are requests of both arms."""
        split, signal = self.split, self.guardrail.signals[0]
        canary, stable = REQUESTS * SHARE, REQUESTS * (1 - SHARE)
        yield Figure(at, split.canary, canary)
        yield Figure(at, split.stable, stable)
        if signal.events is not None:
            yield Figure(at, signal.events, canary)
        yield Figure(at, signal.value, SHARE)
        counts = float(canary), float(stable), float(self._asked)
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

    def _feeds(self, counted: Sequence[str] | None) -> Feeds:
        """So many requests in an evaluation, of which the canary has its share; only these arms are counted, None also says
        that nobody reports the asked share.
        """
        each = REQUESTS * Decimal(self._scrape / self.rollout.evaluate)
        weight, others = Key.of(names.WEIGHT_METRIC, {names.ROLLOUT: self.rollout.name}), dict[Key, Feed]()
        found: dict[Key, Feed] = {} if counted is None else {weight: At(self._asked)}
        labels_of = {CANARY: (canary_of(self.arms), SHARE), STABLE: (stable_of(self.arms), 1 - SHARE)}
        for arm in BOTH if counted is None else counted:
            name, part = labels_of[arm]
            labels = {self.arms.label: name, "instance": f"of-{name}"}
            found[chosen(self.split.counted[0].without(self.arms.label), labels)] = Rise(each * part)
        others[Key.of(names.WEIGHT_METRIC, {names.ROLLOUT: OTHER})] = At(self._asked)
        for label in (names.ROLLOUT, names.GUARDRAIL):
            for one in (
                self.split.canary,
                self.split.stable,
                Selector(names.SPLIT_ASKED, self.split.evidence.matchers),
            ):
                labels = {name: text for name, _, text in one.matchers} | {label: OTHER}
                others[Key.of(one.metric, labels)] = At(Decimal(1))
        return {**found, **others}
