"""A rollout's guardrail → every story there is about it, and what promtool cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from handrail.emit.promtool.feeds import FREE, Value, selectors
from handrail.emit.promtool.figures import inner, rising
from handrail.emit.promtool.guardrails import COUNTED, LONGEST, STEPS, Director, place, reason_of
from handrail.emit.promtool.series import Feeds, Impossible, Key, Timeline, matches
from handrail.emit.promtool.stories import (
    BESIDE,
    OVER,
    RESTING,
    few,
    forgotten,
    judged,
    late,
    neighbours,
    resting,
    untold,
    young,
)
from handrail.emit.promtool.story import Clock, Context, Life, Story, Untestable
from handrail.emit.promtool.subject import Subject
from handrail.emit.promtool.sudden import sudden
from handrail.plan import (
    Absence,
    Alert,
    Condition,
    Guardrail,
    Latency,
    PromQL,
    Reference,
    Rollout,
    Signal,
    SlowerThan,
    StateChanges,
    While,
)

SELDOM = 10
"""Where it is not needed, evaluations come at most so many times more seldom."""

Make = Callable[[Director], Story]

SUDDEN = "In a sudden breach each tier fires at the evaluation at which its hold is over"

ENDS = "When a breach is over a tier fires until it is out of the window, and as long as it is kept"

GONE = "When its series go a guardrail is blind, and when they are back it sees again"

BUCKETS = "A histogram that loses its buckets is blind, and sees again with them"

UNHEARD = "When nobody reports the stage any more, a guardrail that needs it is blind"

STABLE = "When the stable arm's series go there is nothing to compare with, and that is blind"

THIN = "With a few events less than its minimum nothing is judged, however bad they are"

ENOUGH = "With a few events more than its minimum everything is judged"


@dataclass(frozen=True)
class Promises:
    """Everything that is promised of one guardrail."""

    rollout: Rollout
    guardrail: Guardrail
    stages: tuple[str | None, ...]

    def stories(self) -> Iterator[Story | Untestable]:
        """In the order of the file."""
        makers = (self._limits, self._sudden, self._blind, self._events, self._others)
        found = [one for made in makers for one in made()]
        reasons = {one.reason for one in found if isinstance(one, Untestable)}
        if len(reasons) == 1 and not any(isinstance(one, Story) for one in found):
            found = [Untestable(self.guardrail.name, *reasons)]
        yield from found

    def _made(
        self, subject: Subject, about: str, make: Make, *, exact: bool = False
    ) -> Iterator[Story | Untestable]:
        """At the pace of evaluations that needs the fewest of them, or (`exact`) at the quickest that needs not too many."""
        best: Story | None = None
        certain = False
        for times in STEPS:
            if times > 1 and self._at_its_own_pace:
                continue
            director = Director(subject, Clock(self.rollout.evaluate * times))
            try:
                if director.ago % director.clock.step:
                    continue
                story = make(director)
            except Impossible as reason:
                yield Untestable(self.guardrail.name, str(reason), about)
                return
            certain |= bool(story.looks)
            quick = story.looks and story.evaluations <= LONGEST * (4 if self._at_its_own_pace else 1)
            if quick and (best is None or story.evaluations < best.evaluations):
                best = story
            if best is not None and (exact or times >= SELDOM):
                break
        why = "it would last longer than a test should" if certain else "at no time it is certain what fires"
        yield best or Untestable(self.guardrail.name, why, about)

    @property
    def _at_its_own_pace(self) -> bool:
        """Whether a rule of it counts how often it was evaluated: what is absent is known after a whole window."""
        return any(isinstance(inner(signal.measure), Absence) for signal in self.guardrail.signals)

    # Stages

    @property
    def _stages(self) -> list[str | None]:
        return [*(stage.name for stage in self.rollout.stages), None]

    def _subject(self, stage: str | None) -> Subject:
        return Subject(self.rollout, self.guardrail, stage)

    @cached_property
    def _running(self) -> list[str | None]:
        """The stages in which the judged version has traffic and what it is compared with is there, the best first."""
        stable = any(self._uses(condition, "stable") for condition in self._conditions)
        weights = {stage.name: stage.weight for stage in self.rollout.stages}
        running = [
            s for s in self.stages if s is not None and weights[s] != 0 and not (stable and weights[s] == 1)
        ]
        return sorted(running, key=lambda stage: -len(self._judged(stage))) or [None]

    @property
    def _conditions(self) -> list[Condition]:
        return [condition for alert in self.guardrail.alerts for condition in alert.conditions]

    def _uses(self, condition: Condition, kind: str) -> bool:
        return condition.reference is not None and condition.reference.kind == kind

    def _judged(self, stage: str | None) -> list[Condition]:
        subject = self._subject(stage)
        return [c for c in self._conditions if judged(subject, c)]

    def _where(self, condition: Condition) -> list[str | None]:
        """The stages to try a condition in: the best, and each where it may have another limit."""
        best = [stage for stage in [*self._running, None] if judged(self._subject(stage), condition)]
        previous = self._uses(condition, "previous-stage")
        if condition.staged or previous:
            best += [stage for stage in self._stages if judged(self._subject(stage), condition)]
        else:
            best = best[:1] or [s for s in self._stages if judged(self._subject(s), condition)][:1]
        return list(dict.fromkeys(best))

    # Limits

    def _limits(self) -> Iterator[Story | Untestable]:
        for alert in self.guardrail.alerts:
            for number, condition in enumerate(alert.conditions):
                if isinstance(condition.signal.measure, PromQL):
                    yield from self._free(condition.signal)
                    continue
                for first, stage in enumerate(self._where(condition)):
                    yield from self._limit(alert, condition, stage, number, held=not first)
                yield from self._unlimited(alert, condition)

    def _limit(
        self,
        alert: Alert,
        condition: Condition,
        stage: str | None,
        number: int,
        *,
        held: bool,
    ) -> Iterator[Story | Untestable]:
        subject = self._subject(stage)
        limit = f"{'another' if number else 'its'} {alert.tier} limit"
        waits = " when its hold is over, and not before" if held else ""
        over = f"{place(subject)}just over {limit} an alert fires{waits}"
        under = f"{place(subject)}just under {limit} that tier is silent"
        for promise, value_of, wait in ((over, subject.over, held), (under, subject.under, False)):

            def make(
                director: Director,
                value_of: Callable[[Condition], Value] = value_of,
                promise: str = promise,
                wait: bool = wait,  # noqa: FBT001
            ) -> Story:
                return director.plateau(promise, alert, condition, value_of(condition), held=wait)

            yield from self._made(subject, promise, make)

    def _unlimited(self, alert: Alert, condition: Condition) -> Iterator[Story | Untestable]:
        """In stages without a limit even the value that is over the one elsewhere is no breach."""
        places = self._where(condition)
        without = [stage for stage in self._stages if self._subject(stage).figure(condition) is None]
        if not condition.staged or not places or not without:
            return
        said = ", ".join("none" if stage is None else stage for stage in without)
        promise = f"In stages without a {alert.tier} limit ({said}) what is over it elsewhere is no breach"

        def make(director: Director) -> Story:
            value = self._subject(places[0]).over(condition)
            story = director.plateau(promise, alert, condition, value, held=False)
            settle, every = story.end + director.clock.step, 2 * director.clock.step
            context = Context(without[0], then=tuple(without[1:]), settle=settle, every=every)
            looks = tuple(settle + number * every - director.clock.step for number in range(len(without)))
            return director.story(
                promise,
                story.timeline,
                (Life(alert, None, only=reason_of(alert, condition.signal.name)),),
                looks,
                context=context,
            )

        yield from self._made(self._subject(without[0]), promise, make)

    def _free(self, signal: Signal) -> Iterator[Untestable]:
        yield Untestable(self.guardrail.name, FREE, signal.name)

    # Sudden breaches

    def _sudden(self) -> Iterator[Story | Untestable]:
        stage = self._running[0]
        subject = self._subject(stage)
        sides = {
            (c.signal.name, rising(c)): c
            for c in subject.conditions
            if not isinstance(c.signal.measure, PromQL)
        }
        for (_, up), one in sides.items():

            def make(director: Director, *, one: Condition = one, up: bool = up) -> Story:
                return sudden(director, SUDDEN, one.signal, up=up, over=False)

            yield from self._made(subject, "a sudden breach", make, exact=True)

            def end(director: Director, *, one: Condition = one, up: bool = up) -> Story:
                return sudden(director, ENDS, one.signal, up=up, over=True)

            yield from self._made(subject, "the end of a breach", end)

    # Blindness

    def _blind(self) -> Iterator[Story | Untestable]:
        subject = self._subject(self._running[0])
        for signal in self.guardrail.signals:
            if not isinstance(inner(signal.measure), PromQL | Absence | StateChanges):
                yield from self._gone(subject, signal)
            if isinstance(signal.measure, Latency | SlowerThan):
                yield from self._bucketless(subject, signal)
        yield from self._unheard(subject)
        for reference in subject.compared_with:
            yield from self._untold(subject, reference)

    def _gone(self, subject: Subject, signal: Signal) -> Iterator[Story | Untestable]:
        arms = self.guardrail.arms

        def make(director: Director) -> Story:
            def keys(calm: Feeds) -> set[Key]:
                measures = [subject.measure(signal)]
                if arms is not None and not any(r.kind == "stable" for r in subject.compared_with):
                    measures.append(subject.measure(signal, arms.stable))
                return {k for k in calm for m in measures for s in selectors(m) if matches(s, k)}

            return director.lost(GONE, "its metrics are missing", keys, director.widest)

        yield from self._made(subject, "its series are gone", make)

    def _bucketless(self, subject: Subject, signal: Signal) -> Iterator[Story | Untestable]:
        def make(director: Director) -> Story:
            def keys(calm: Feeds) -> set[Key]:
                buckets = selectors(subject.measure(signal))[0]
                return {key for key in calm if matches(buckets, key)}

            return director.lost(BUCKETS, "its buckets are missing", keys, director.widest)

        yield from self._made(subject, "its buckets are gone", make)

    def _unheard(self, subject: Subject) -> Iterator[Story | Untestable]:
        used = [*self._conditions, *(success.condition for success in self.guardrail.success)]
        told = any(c.reference and not self._uses(c, "ago") for c in used)
        timed = any(alert.during for alert in self.guardrail.alerts)
        staged = any(condition.staged for condition in used)
        if not self.rollout.stages or not (told or timed or staged or self.guardrail.arms):
            return

        def make(director: Director) -> Story:
            heard = max(3 * director.scrape, 2 * director.clock.step)
            until = -(-heard // director.scrape) * director.scrape
            timeline = Timeline(director.scrape)
            timeline.play(director.feeds(director.bases), director.scrape)
            begins = forgotten(director, until)
            context = Context(subject.stage, until)
            return director.blind(UNHEARD, "nobody reports the stage", timeline, begins, context=context)

        yield from self._made(subject, "nobody reports the stage", make, exact=True)

    def _untold(self, subject: Subject, reference: Reference) -> Iterator[Story | Untestable]:
        name = subject.captured(reference)
        if reference.kind == "ago":
            yield from self._made(subject, "no history", lambda director: young(director, reference))
        elif reference.kind == "stable":
            yield from self._stable(subject)
        elif name is not None:
            stage = name.partition(":")[2]
            what = (
                f"the figure of stage {stage} is missing"
                if stage
                else "the figure from before the rollout is missing"
            )
            yield from self._made(subject, what, lambda director: untold(director, what), exact=True)

    def _stable(self, subject: Subject) -> Iterator[Story | Untestable]:
        def make(director: Director) -> Story:
            told = subject.told()
            return director.lost(
                STABLE,
                "the stable arm's metrics are missing",
                lambda _: {key for key in director.beside if key not in told},
                director.widest,
            )

        yield from self._made(subject, "the stable arm is gone", make)

    # Events

    def _events(self) -> Iterator[Story | Untestable]:
        subject = self._subject(self._running[0])
        for signal in self.guardrail.signals:
            if not isinstance(inner(signal.measure), COUNTED):
                continue
            own = [c for c in subject.conditions if c.signal == signal and c.reference is None]
            if not own:
                continue
            for promise, enough in ((THIN, False), (ENOUGH, True)):

                def make(
                    director: Director,
                    *,
                    one: Condition = own[0],
                    promise: str = promise,
                    enough: bool = enough,
                ) -> Story:
                    return few(director, promise, one, enough=enough)

                yield from self._made(subject, promise, make)

    # Others

    def _others(self) -> Iterator[Story | Untestable]:
        subject = self._subject(self._running[0])
        if any(isinstance(signal.measure, PromQL) for signal in self.guardrail.signals):
            return
        if subject.conditions:
            yield from self._made(subject, BESIDE, neighbours)
        for signal in self.guardrail.signals:
            if isinstance(signal.measure, While) and any(c.signal == signal for c in subject.conditions):
                yield from self._made(subject, RESTING, partial(resting, signal=signal))
        for alert in self.guardrail.alerts:
            if alert.during is not None and subject.conditions:
                yield from self._made(subject, OVER, partial(late, alert=alert))


def best(rollout: Rollout) -> tuple[str | None, ...]:
    """The stages, those first in which most limits are judged."""
    count = {
        stage.name: sum(
            judged(Subject(rollout, guardrail, stage.name), condition)
            for guardrail in rollout.guardrails
            for alert in guardrail.alerts
            for condition in alert.conditions
        )
        for stage in rollout.stages
    }
    return tuple(sorted(count, key=lambda name: -count[name]))
