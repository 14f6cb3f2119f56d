"""A guardrail → stories about it: at its limits, for how long, from stage to stage, with few events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from handrail.emit.promtool.series import Impossible
from handrail.emit.promtool.story import FIRING, Text
from handrail.plan import (
    Absence,
    Condition,
    Signal,
    StateChanges,
)

from oracle.feeds import Value
from oracle.guardrail_course import GuardrailCourse
from oracle.pacing import simple
from oracle.series_feeds import counts_targets
from oracle.shown import bad_share, times_of
from oracle.story import FIRES, Story
from oracle.subject import Subject
from oracle.surroundings import Surroundings

LIMITS = (
    "Blind without series, seeing with them; just under each limit its tier is silent beside sick others, "
    "just over it fires once that is sustained, and is kept as long as declared"
)
SEES = "Blind without series, seeing with them"
STAGES = "Each stage has its own limits: just under them a tier is silent, just over them it is not"
LASTS = (
    "Far over all limits, an alert is pending until that has lasted as long as declared, and fires then; when all is "
    "well again it is kept as long as declared, and no longer"
)
FEW = "Too few events are no verdict, however bad they are, and are told if they stay few; enough are one"


class GuardrailStory(GuardrailCourse):
    """A story about a guardrail that is being made."""

    def _story(self, promise: str) -> Story:
        return self.course.story(
            promise,
            self.guardrail.name,
            self.texts.values(),
            self.subject.reads(),
            counts_targets=any(counts_targets(signal.measure) for signal in self.guardrail.signals),
        )

    def limits(self, signal: Signal, values: Sequence[Value]) -> Story:
        """From value to value, each milder one first, until all fire; then it is well again."""
        self.moving = {signal.name}
        calm = self.fed.bases if self.fed.ago else self.subject.healthy()
        if self._seen and not any(isinstance(s.measure.inner, Absence) for s in self.guardrail.signals):
            self.blank()
        if self.fed.ago:
            self.phase(calm)
            widest = max(s.measure.width for s in self.guardrail.signals)
            while self.course.next < self.fed.ago + 2 * self.step + 2 * widest:
                self.again()
        known = self.course.timeline.now + self.fed.ago
        for value in values:
            self.phase(self.subject.with_value(calm, signal, value))
        self.until(FIRING)
        if not self.fed.ago and not self.subject.entangled and not isinstance(signal.measure, StateChanges):
            self.phase(self.subject.with_value(calm, signal, calm[signal.name]))
            self.until("")
        if self.fed.ago:  # from then on it is compared with itself
            self.course.looks = [look for look in self.course.looks if self.fed.ago < look.at <= known]
            self.texts = {name: text for name, text in self.texts.items() if text.at <= known}
        return self._story(LIMITS)

    def lasting(self, time: timedelta) -> Story:
        """Far over all limits, for as long as what must be sustained for this time; and well again, where it is kept for it."""
        if self.fed.ago or not simple(self.subject):
            raise Impossible("what it looks back on would take longer than a test should")
        alerts, often = self.guardrail.alerts, max(1, time // self.step)
        self.moving = {signal.name for signal in self.guardrail.signals}
        self.eager = True
        self.blank()
        self.phase(self.fed.sick)
        kept = [alert for alert in alerts if alert.keep_firing_for == time]
        if any(alert.sustained == time for alert in alerts):
            self._again(often)
        if kept:
            self._again(max(-(-alert.sustained // self.step) for alert in kept))
            self.phase(self.subject.healthy())
            self._again(often)
        self.texts = {}
        return self._story(LASTS)

    def _again(self, often: int) -> None:
        for _ in range(often):
            self.again()

    def seeing(self) -> Story:
        """Nothing, and then all is well."""
        self.blank()
        self.phase(self.subject.healthy())
        return self._story(SEES)

    def through(self, signal: Signal, places: Sequence[tuple[Subject, Sequence[Value]]]) -> Story:
        """From stage to stage, in each from value to value."""
        if self.fed.ago:
            raise Impossible("what it is compared with would be that of another stage")
        self.moving = {signal.name}
        for subject, values in places:
            scrape = self.subject.rollout.scrape
            self.subject = replace(subject, rollout=replace(subject.rollout, scrape=scrape))
            self.fed = Surroundings(self.subject)
            if not self.course.stages:
                self.blank()
            for value in values:
                self.phase(self.subject.with_value({}, signal, value))
        self.texts = {}
        return self._story(STAGES)

    def few(self, one: Condition) -> Story:
        """All events are bad: fewer in each window than any tier judges, and then as many bad ones as it judges alone.

        Then few are bad: over a limit in half an event less than all tiers need, and in half an event more.
        """
        subject, measure = self.subject, one.signal.measure.inner
        if subject.entangled:
            raise Impossible("two of its measures look at one series, and have their own minimum")
        self.moving = {one.signal.name}
        least, half = Decimal(getattr(measure, "min_events", 1)), Decimal("0.5")
        own = [c for c in subject.conditions if c.signal == one.signal]
        bad = [Decimal(c.least_bad) for c in own if c.least_bad is not None]
        fewest = min([least - half, *(one - 1 for one in bad)])
        alone = [] if one.signal.filled else bad  # a quantile of few events depends on where its buckets lie
        if fewest <= 0:
            raise Impossible("one event is enough")
        far = subject.with_value({}, one.signal, self.fed.far(one))
        self.blank()
        self.phase(far, times_of(subject, one.signal, fewest, most=True), few=True)
        if (thin := self.guardrail.thin) is not None:
            self.again()
            if self.course.states.get(thin.name) == FIRES and not measure.width % self.scrape:
                self.texts[thin.name] = Text(thin, self.course.now, {}, fewest)
        if not alone:
            self.phase(far, times_of(subject, one.signal, least + half))
            return self._story(FEW)
        self.phase(far, times_of(subject, one.signal, max(alone)), few=True, bad=True)
        shares = {bad_share(c, value): value for c in own if isinstance(value := subject.over(c), Decimal)}
        if some := [share for share in shares if share * (least + half) <= min(alone) - 1]:
            values = subject.with_value({}, one.signal, shares[max(some)])
            self.phase(values, times_of(subject, one.signal, least - half, most=True), few=True)
            self.again()  # nothing is kept any more
            self.phase(values, times_of(subject, one.signal, least + half))
        return self._story(FEW)
