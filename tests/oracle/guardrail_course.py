"""Values of a guardrail's signals, one after the other → what is fed up to each evaluation, and who is in breach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from handrail.contract import names
from handrail.emit.promtool.series import Impossible, matches
from handrail.emit.promtool.story import FIRING, NOTHING, Text, seen_before
from handrail.emit.promtool.text import expanded
from handrail.plan import (
    Absence,
    Alert,
    Changes,
    Condition,
    EventMeasure,
    Forecast,
    Guardrail,
    Increase,
    Measure,
    PromQL,
    Rate,
    Signal,
    State,
    StateChanges,
    While,
)

from oracle.feeds import Value, selectors
from oracle.figures import settles
from oracle.pacing import LONGEST, MOST, scraped
from oracle.series import Timeline
from oracle.series_feeds import settled
from oracle.shown import Shown, with_arm
from oracle.story import FIRES, Course, Reason
from oracle.subject import Subject, Values
from oracle.surroundings import Surroundings


@dataclass
class GuardrailCourse:
    """A guardrail through evaluations every `step`."""

    subject: Subject
    step: timedelta
    moving: set[str] = field(default_factory=set)
    texts: dict[str, Text] = field(default_factory=dict)
    eager: bool = False

    def __post_init__(self) -> None:
        self.subject = scraped(self.subject, self.step)
        self.fed = Surroundings(self.subject)
        self._now = Shown({}, {}, NOTHING, few=False)
        self.course = Course(self.step, Timeline(self.scrape), self._reasons)

    @property
    def guardrail(self) -> Guardrail:
        """The guardrail."""
        return self.subject.guardrail

    @property
    def scrape(self) -> timedelta:
        """How often is scraped."""
        return self.subject.rollout.scrape

    @property
    def _reasons(self) -> dict[Reason, Alert]:
        own = self.guardrail
        found = {(alert.name, c.signal.name): alert for alert in own.alerts for c in alert.conditions}
        found |= {(own.blind.name, ""): own.blind} if self._seen else {}
        return found | ({} if own.thin is None else {(own.thin.name, ""): own.thin})

    @property
    def _seen(self) -> list[Signal]:
        """What is missed when its series are gone."""
        unseen = (PromQL, Absence, StateChanges)
        return [s for s in self.guardrail.signals if not isinstance(s.measure.inner, unseen)]

    # Evaluations

    def blank(self) -> None:
        """At first there is only what is elsewhere: whatever is missed by then is blind."""
        weights = {stage.name: stage.weight for stage in self.subject.rollout.stages}
        running = not weights or weights.get(self.subject.stage or "", 0) != 0
        blind = running or not self.guardrail.arms or None
        if seen := seen_before(self.guardrail):
            self.course.go_on(self.fed.elsewhere, {}, self.subject.stage)  # an optional source, never seen
        missing = {**self.fed.elsewhere, **seen}
        self.course.go_on(missing, {(self.guardrail.blind.name, ""): blind}, self.subject.stage)

    def phase(
        self, values: Values, times: Decimal = Decimal(1), *, few: bool = False, bad: bool = False
    ) -> None:
        """Go on with these values until they surely show; of too `few` events only so many `bad` ones are a verdict."""
        known = len(self.guardrail.signals) == 1
        feeds = self.fed.feeds(values, times)
        now = Shown(
            values=values if known else self.subject.known(values, feeds),
            feeds=feeds,
            start=self.course.timeline.now,
            few=few,
            bad=bad,
            scaled=times != 1,
        )
        first = now.start <= self.scrape
        sure = max(
            (
                settles(one, self.scrape, now.start, first=first, eager=eager)
                for one, eager in self._measures(first=first)
            ),
            default=now.start,
        )
        before, self._now = None if first else self._now, now
        while self.course.next < sure:
            self._go_on(before)
        self._go_on(now)

    def _measures(self, *, first: bool) -> Iterator[tuple[Measure, bool]]:
        """What must have settled, and whether it is so far over its limits that its window need not be full."""
        for signal in self.guardrail.signals:
            own = [one.is_upper for one in self.subject.conditions if one.signal == signal]
            if not isinstance(signal.measure, StateChanges):
                yield signal.measure.inner, self.eager and all(own)
            if isinstance(signal.measure, While) and first:
                yield signal.measure.condition, False

    def again(self) -> None:
        """One evaluation more, and all is as it was."""
        self._go_on(self._now)

    def until(self, state: str) -> None:
        """Go on until all alerts in breach surely fire, or none does."""
        for _ in range(MOST + 2):
            breaches = self._breaches(self._now, self.course.now)
            unknown = {name for (name, _), breach in breaches.items() if breach is None}
            wanted = {name for (name, _), breach in breaches.items() if breach} - unknown
            states = self.course.states
            if all(states.get(name) == FIRES for name in wanted) and (
                state == FIRING or not any(states.values())
            ):
                return
            self.again()

    def _go_on(self, sure: Shown | None) -> None:
        """Up to the next evaluation; without `sure` values go from what they were to what they are."""
        now = self._now
        if len(self.course.stages) >= LONGEST * (4 if self.step == self.subject.rollout.evaluate else 1):
            raise Impossible("it would last longer than a test should")
        at = self.course.next
        breaches = self._breaches(now, at)
        if sure is not now:
            was = self._surely_none(breaches) if sure is None else self._breaches(sure, at)
            moves = {
                s.name for s in self.guardrail.signals if isinstance(s.measure.inner, Forecast | Changes)
            }
            breaches = {
                reason: breach if reason[1] not in moves and was.get(reason, "unknown") is breach else None
                for reason, breach in breaches.items()
            }
        self.course.go_on(now.feeds, breaches, self.subject.stage)
        if sure is now and not now.few:
            self._tell(now.values, breaches)

    def _surely_none(self, breaches: Mapping[Reason, bool | None]) -> dict[Reason, bool | None]:
        """What is no breach in a whole window is none in a part of it, where more is worse."""
        upper = {
            (alert.name, one.signal.name)
            for alert in self.guardrail.alerts
            for one in alert.conditions
            if isinstance(one.signal.measure.inner, Increase | Rate)
            and all(other.is_upper for other in alert.conditions if other.signal == one.signal)
        }
        return {reason: False for reason in upper if breaches.get(reason) is False}

    def _breaches(self, shown: Shown, at: timedelta) -> dict[Reason, bool | None]:
        """Whether each reason is in breach at these values; None where that is uncertain."""
        found: dict[Reason, bool | None] = {}
        moving = [s for s in self.guardrail.signals if s.name in self.moving]
        # So many bad events in the emptiest window may be enough events in a window with a scrape more.
        uneven = shown.bad and any(s.measure.width % self.scrape for s in moving)
        # What looks at the same series sees how they go from one value to the next, and that is not said here.
        blurred = bool(moving) and (
            self.subject.entangled or any(isinstance(s.measure, State | StateChanges) for s in moving)
        )
        for name, signal in {s.name: s for s in self.guardrail.signals}.items():
            for alert in self.guardrail.alerts:
                own = [one for one in alert.conditions if one.signal.name == name]
                if not own:
                    continue
                verdict: bool | None = None
                if not blurred or name in self.moving:
                    verdict = self.subject.breached(own, shown.values)
                if shown.few and signal.name in self.moving:
                    alone = [one for one in own if shown.bad and one.least_bad is not None]
                    verdict = (
                        self.subject.breached(alone, shown.values) if alone else None if uneven else False
                    )
                if shown.scaled and any(one.reference and one.reference.ago for one in own):
                    verdict = None  # there is no past yet
                if alert.during is not None and self.subject.stage is None:
                    verdict = None  # it counts for some time of a stage, which is remembered for a while
                if isinstance(signal.measure, StateChanges) and verdict:
                    verdict = at < shown.start - self.scrape + signal.measure.window
                    verdict = verdict or (
                        None if at < shown.start + 2 * self.scrape + signal.measure.window else False
                    )
                found[alert.name, name] = verdict
        # One of its series may be fed for another alone; and it may miss what has no figure in this stage.
        unknown = None if self.subject.entangled or self._misses_a_figure else False
        if self.guardrail.thin is not None:
            several = sum(isinstance(s.measure.inner, EventMeasure) for s in self.guardrail.signals) > 1
            blurred = self.subject.entangled or (several and shown.scaled) or uneven
            found[self.guardrail.thin.name, ""] = None if blurred else shown.few
        whole = max(s.measure.width for s in self.guardrail.signals) if self.fed.ago else NOTHING
        found[self.guardrail.blind.name, ""] = None if at < self.fed.ago + whole + self.step else unknown
        return {reason: verdict for reason, verdict in found.items() if reason in self.course.alerts}

    @property
    def _misses_a_figure(self) -> bool:
        own = [c for alert in self.guardrail.alerts for c in alert.conditions]
        own += [success.condition for success in self.guardrail.success]
        return any(one.reference not in (None, *self.subject.compared_with) for one in own)

    # Texts

    def _tell(self, values: Values, breaches: Mapping[Reason, bool | None]) -> None:
        """Each alert once, as it is sent while it fires for one reason alone."""
        for (name, signal), alert in self.course.alerts.items():
            reasons = [breach for (other, _), breach in breaches.items() if other == name]
            if name in self.texts or not breaches[name, signal] or reasons.count(False) < len(reasons) - 1:
                continue
            one = next(
                (
                    c
                    for c in alert.conditions
                    if c.signal.name == signal and self.subject.breached([c], values)
                ),
                None,
            )
            if one is None or self.course.states.get(name) != FIRES or not self._told_to_the_last_digit(one):
                continue
            for text in self._text(alert, one, values[signal]):
                self.texts[name] = text

    def _told_to_the_last_digit(self, one: Condition) -> bool:
        measure = one.signal.measure.inner
        return settled(measure) and not (isinstance(measure, Increase) and measure.window % self.scrape)

    def _text(self, alert: Alert, one: Condition, value: Value) -> Iterator[Text]:
        """The alert, where its value can be told to the last digit that is shown."""
        keys, seen = self._now.feeds, selectors(self.subject.measure(one.signal))
        own = {pair for series in seen for key in keys if matches(series, key) for pair in key.labels.items()}
        labels = {name: text for name, text in sorted(own) if name in one.signal.by}
        labels = with_arm(self.guardrail.arms, labels)
        labels |= {names.SIGNAL: one.signal.name} if one.signal.name else {}
        if one.state is not None:
            labels[one.signal.by[-1]], value = one.state, Decimal(1)
        figure = value if isinstance(value, Decimal) else Decimal(1)
        near = {expanded(alert.description, float(figure) * (1 + by), labels) for by in (-1e-9, 0, 1e-9)}
        if len(near) == 1:
            yield Text(alert, self.course.now, labels, figure)
