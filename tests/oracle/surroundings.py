"""A guardrail in one stage → what is fed of it, and what stands beside it that nobody may take for it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property

from handrail.emit.promtool.attempts import stable_of
from handrail.emit.promtool.series import Impossible, Key
from handrail.emit.promtool.story import NOTHING, seen_before
from handrail.plan import Condition, Increase, Rate, ReferenceKind, State, StateChanges

from oracle.feeds import Value
from oracle.series import Feed, Feeds
from oracle.shown import recorded_of_others, strangers
from oracle.subject import CHANGED, Subject, Values

BEFORE = "v0"
"""The version before the stable one."""


@dataclass(frozen=True)
class Surroundings:
    """What is fed of a guardrail, beside a stable arm, others' series, and figures that it is compared with."""

    subject: Subject

    @property
    def ago(self) -> timedelta:
        """How far back its limits look; no time where they do not."""
        return max((r.ago or NOTHING for r in self.subject.compared_with), default=NOTHING)

    @cached_property
    def bases(self) -> dict[str, Value]:
        """What limits are relative to, and healthy values where none is."""
        compared = {signal.name: self.subject.base(signal) for signal in self.subject.compared_with.values()}
        return self.subject.with_value(compared, None, Decimal(0))

    @cached_property
    def beside(self) -> Feeds:
        """What nobody may take for what is judged: a stable arm and others far over all limits; and what it is compared with."""
        subject, arms = self.subject, self.subject.guardrail.arms
        found: dict[Key, Feed] = {}
        sick = self.sick
        if arms is not None and any(arms.label in signal.by for signal in self.subject.guardrail.signals):
            compared = (ReferenceKind.stable, ReferenceKind.ago)
            stable = any(reference.kind in compared for reference in subject.compared_with)
            found |= subject.fed(self.bases if stable else sick, arm=stable_of(arms))
            if arms.told and not self.ago:
                found |= subject.fed(sick, arm=BEFORE)
        seen = seen_before(
            subject.guardrail
        )  # it goes on: where it ends, its rule records it at the same time
        return {**found, **seen, **subject.told(), **self.elsewhere}

    @property
    def sick(self) -> dict[str, Value]:
        """Values far over all limits."""
        sick: dict[str, Value] = dict(self.subject.healthy())
        for one in self.subject.conditions:
            if not isinstance(one.signal.measure, StateChanges):
                sick[one.signal.name] = self._at_once(one, self.far(one))
        return sick

    def _at_once(self, one: Condition, far: Value) -> Value:
        """So far over a limit of how much there is in a window that two scrapes are enough."""
        measure = one.signal.measure.inner
        if isinstance(measure, Increase | Rate) and one.is_upper and isinstance(far, Decimal):
            return 2 * far * -(-measure.window // self.subject.rollout.scrape)
        return far

    @property
    def elsewhere(self) -> Feeds:
        """What others show and record, far over all limits: it is there even where nothing of the guardrail is."""
        found: dict[Key, Feed] = {**recorded_of_others(self.subject.guardrail)}
        with suppress(Impossible):
            found |= strangers(self.subject.fed(self.sick, times=Decimal(100)), self.subject.reads())
        return found

    def feeds(self, values: Values, times: Decimal = Decimal(1)) -> Feeds:
        """Series of the judged version with these values, beside others."""
        changes = [s.name for s in self.subject.guardrail.signals if isinstance(s.measure, StateChanges)]
        if any(values.get(name) == CHANGED for name in changes):
            values = {**values, "": self.subject.quiet}
        return {**self.beside, **self.subject.fed(values, times=times)}

    def far(self, one: Condition) -> Value:
        """A value far beyond a limit."""
        if isinstance(one.signal.measure.inner, State):
            return next(c.state for c in self.subject.conditions if c.signal == one.signal and c.state)
        return self.subject.far(one.signal, up=one.is_upper)
