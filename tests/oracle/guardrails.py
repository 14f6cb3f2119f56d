"""A guardrail → its stories: its limits one after the other, those of other stages, and too few events to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from handrail.emit.promtool.series import Impossible
from handrail.emit.promtool.story import Untestable
from handrail.emit.promtool.verdicts import FREE
from handrail.plan import Condition, EventMeasure, Guardrail, PromQL, ReferenceKind, Rollout, StateChanges

from oracle.faults import Faults
from oracle.feeds import Value
from oracle.guardrail_story import GuardrailStory
from oracle.pacing import pace_of
from oracle.story import Story
from oracle.subject import Subject

MOST_AT_ONCE = 4
"""So many evaluations one after the other are less than two stories."""


@dataclass(frozen=True)
class Promises:
    """Everything that is promised of one guardrail; `stages` are those of its rollout, the most telling first."""

    rollout: Rollout
    guardrail: Guardrail
    stages: tuple[str | None, ...]

    def stories(self) -> Iterator[Story | Untestable]:
        """In the order of the file."""
        if any(isinstance(signal.measure, PromQL) for signal in self.guardrail.signals):
            yield Untestable(self.guardrail.name, FREE)
            return
        try:
            few = list(self._few_of)
        except Impossible as reason:
            yield Untestable(self.guardrail.name, str(reason))
            return
        about = self.guardrail.name
        for side in self._sides:
            yield from self._tried(about, side, self._limits)
            yield from self._tried(f"{about}, other stages", side, self._staged)
        if not self._sides:
            yield GuardrailStory(self.best, pace_of(self.best, 0)).seeing()
        yield from self._lasting
        with suppress(Impossible):  # its limits say why
            yield Faults(self.best).story()
        for condition in few:
            yield from self._tried(f"{about}, few events", condition, self._few)

    def _tried(
        self, about: str, condition: Condition, make: Callable[[Condition], Story | None]
    ) -> Iterator[Story | Untestable]:
        try:
            story = make(condition)
        except Impossible as reason:
            yield Untestable(about, str(reason))
        else:
            if story is not None and story.looks:
                yield story
            elif story is not None:
                yield Untestable(about, "at no time it is certain what fires")

    @property
    def _lasting(self) -> Iterator[Story]:
        """For each time an evaluation before it is over, and at it where its limits do not show that; all short ones in one story."""
        every = self.rollout.evaluate
        tiers = self.guardrail.alerts
        times = {time for alert in tiers for time in (alert.sustained, alert.keep_firing_for) if time}
        short = {time for time in times if time <= MOST_AT_ONCE * every}
        try:
            shown = pace_of(self.best, 0) if self._sides else every
        except Impossible:
            return  # its limits say why
        steps = {(time, time - every) for time in times - short}
        steps |= {(time, time) for time in times - short if time % shown}
        for time, step in sorted([*steps, *([(max(short), every)] if short else [])]):
            with suppress(Impossible):  # its limits say why
                yield GuardrailStory(self.best, step).lasting(time)

    # Stages

    def _subject(self, stage: str | None) -> Subject:
        return Subject(self.rollout, self.guardrail, stage)

    @cached_property
    def best(self) -> Subject:
        """In the stage in which most is judged, of those where the judged version and what it is compared with have traffic."""
        stable = any(c.reference and c.reference.kind is ReferenceKind.stable for c in self._conditions)
        weights = {stage.name: stage.weight for stage in self.rollout.stages}
        running = [
            s for s in self.stages if s is not None and weights[s] != 0 and not (stable and weights[s] == 1)
        ]
        places = self.stages if self.guardrail.versions else (None,)
        found = [self._subject(stage) for stage in running or places]
        return max(found, key=lambda subject: sum(judged(subject, one) for one in self._conditions))

    @property
    def _conditions(self) -> list[Condition]:
        return [condition for alert in self.guardrail.alerts for condition in alert.conditions]

    @cached_property
    def _sides(self) -> list[Condition]:
        """One condition for each signal and side from which its limits are reached."""
        return list({_side(one): one for one in reversed(self._conditions)}.values())[::-1]

    def _of(self, side: Condition) -> list[Condition]:
        return [one for one in self._conditions if _side(one) == _side(side)]

    # Stories

    def _limits(self, side: Condition) -> Story | None:
        own = [one for one in self._of(side) if judged(self.best, one)]
        if not own:
            return None
        played = GuardrailStory(self.best, pace_of(self.best, 2 * len(own)))
        return played.limits(own[0].signal, values_in(self.best, own))

    def _staged(self, side: Condition) -> Story | None:
        """Through the stages whose limits are others than those of the best one."""
        own, places, seen = (
            self._of(side),
            list[tuple[Subject, list[Value]]](),
            {self._figures(self.best, side)},
        )
        elsewhere = [self.best, *(self._subject(stage) for stage in self.stages)]
        for stage in dict.fromkeys((*self.stages, *([None] if self.rollout.stages else []))):
            subject = self._subject(stage)
            if (figures := self._figures(subject, side)) in seen:
                continue
            seen.add(figures)
            here = [one for one in own if judged(subject, one)]
            # What is over the limit elsewhere is no breach in a stage without one.
            over = [s.over(one) for one in own for s in elsewhere if judged(s, one)][:1]
            if values := values_in(subject, here) if here else over:
                places.append((subject, values))
        if not places or isinstance(side.signal.measure, StateChanges):
            return None
        return GuardrailStory(self.best, pace_of(self.best, 0)).through(side.signal, places)

    def _figures(self, subject: Subject, side: Condition) -> tuple[Decimal | None, ...]:
        return tuple(subject.limit(one) if judged(subject, one) else None for one in self._of(side))

    @property
    def _few_of(self) -> Iterator[Condition]:
        for signal in self.guardrail.signals:
            passed = [success.condition for success in self.guardrail.success]
            own = [c for c in (*self.best.conditions, *passed) if c.signal == signal]
            own.sort(key=lambda c: c.reference is not None)
            if isinstance(signal.measure.inner, EventMeasure) and own:
                yield own[0]

    def _few(self, one: Condition) -> Story | None:
        return GuardrailStory(self.best, pace_of(self.best, 0, thin=True)).few(one)


def values_in(subject: Subject, own: list[Condition]) -> list[Value]:
    """Just under and just over each limit, the mildest first."""
    found: list[Value] = [value for one in own for value in (subject.under(one), subject.over(one))]
    if own[0].state is not None:
        return list(dict.fromkeys(found))
    return sorted(dict.fromkeys(found), reverse=not own[0].is_upper)


def _side(one: Condition) -> tuple[str, bool, str | None]:
    return one.signal.name, one.is_upper, one.state


def judged(subject: Subject, condition: Condition) -> bool:
    """Whether a condition has a limit in the subject's stage."""
    try:
        return subject.limit(condition) is not None
    except Impossible:
        return True


def best_stages(rollout: Rollout) -> tuple[str | None, ...]:
    """The stages, those first in which most limits are judged."""
    own = [guardrail for guardrail in rollout.guardrails if guardrail.split is None]
    count = {
        stage.name: sum(
            judged(Subject(rollout, guardrail, stage.name), condition)
            for guardrail in own
            for alert in guardrail.alerts
            for condition in alert.conditions
        )
        for stage in rollout.stages
    }
    return tuple(sorted(count, key=lambda name: -count[name]))
