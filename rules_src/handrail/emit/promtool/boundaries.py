"""A guardrail in a stage → its limits there, values on either side of them, and a value that is well.

All of it is arithmetic on the declaration: nothing here knows how Prometheus gets at a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from handrail.emit.promtool.series import Impossible
from handrail.plan import (
    Absence,
    Alert,
    Condition,
    Guardrail,
    PromQL,
    Reference,
    ReferenceKind,
    Rollout,
    Signal,
    State,
    While,
    compared_stages,
)
from handrail.promql.needs_series import needs_series

MARGIN = Decimal("0.01")
"""How far beside its limit a value lies that is just over or just under it."""
_OTHERS = tuple(map(Decimal, ("0.5", "0.1", "0.02", "0.9", "0.001", "10", "1000", "100000")))
CALM, SICK = "(calm)", Decimal(10**9)

Value = Decimal | str
"""A figure, or the state that something is in."""


def derived(signal: Signal) -> bool:
    """Whether its value comes of two other recorded series, a part and a whole, and is not fed itself."""
    return signal.part is not None and not isinstance(signal.measure, While)


def of_unknown_series(signal: Signal) -> bool:
    """Whether no series of the service are known that give it a value."""
    return isinstance(signal.measure.inner, PromQL | Absence)


def unfed(signal: Signal) -> bool:
    """Whether nothing can be fed in its place: it may show something of itself while nothing of the service is fed."""
    measure = signal.measure.inner
    return isinstance(measure, Absence) or (isinstance(measure, PromQL) and not needs_series(measure.expr))


def fires_of_itself(alert: Alert) -> bool:
    """Whether it may fire whatever is fed: what it looks at may have a value without any series, or another guardrail's."""
    every = [one.signal for one in alert.conditions]
    return any(unfed(one) and isinstance(one.measure.inner, PromQL) for one in every)


@dataclass(frozen=True, eq=False)
class Boundaries:
    """A guardrail while its rollout is in `stage` (None: in none)."""

    rollout: Rollout
    guardrail: Guardrail
    stage: str | None

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """Those that show nothing while nothing of the service is fed: others would be recorded beside what is fed."""
        own = self.guardrail.signals
        return tuple(one for one in own if not unfed(one))

    @cached_property
    def conditions(self) -> list[tuple[Alert, Condition]]:
        """What fires at a limit."""
        known = {one.name for one in self.signals}
        shown = [one for one in self.guardrail.alerts if not fires_of_itself(one)]
        return [(a, c) for a in shown for c in a.conditions if c.signal.name in known]

    @cached_property
    def relative(self) -> dict[str, list[Reference]]:
        """What limits are relative to, also those of its criteria, by signal."""
        every = [*(c for _, c in self.conditions), *(one.condition for one in self.guardrail.success)]
        found: dict[str, list[Reference]] = {}
        for one in every:
            if one.reference is not None and one.reference not in found.setdefault(one.signal.name, []):
                found[one.signal.name].append(one.reference)
        return found

    @cached_property
    def beside_stable(self) -> bool:
        """Whether it is compared with the stable arm, while that has traffic."""
        kinds = {one.kind for several in self.relative.values() for one in several}
        return ReferenceKind.stable in kinds

    # Boundaries

    def limit(self, condition: Condition) -> Decimal | None:
        """The limit in this stage; None where there is none."""
        figure = condition.figure_in(self.stage)
        if figure is None or condition.reference is None:
            return figure
        if not self.compared(condition.reference):
            return None
        return condition.limit_from(self.base(condition.signal), figure)

    def compared(self, reference: Reference) -> bool:
        """Whether there is something to compare with in this stage."""
        if reference.kind is not ReferenceKind.previous_stage:
            return True
        return self.stage in self._compared_stages(reference)

    def base(self, signal: Signal) -> Decimal:
        """The value that it is compared with, which is healthy itself."""
        value = self.healthy(signal)
        if isinstance(value, str):
            raise Impossible("a state is not compared with another one")
        return value

    def healthy(self, signal: Signal) -> Value:
        """A value beyond no limit, of whichever stage."""
        return self._healthy[signal.name]

    @cached_property
    def _healthy(self) -> dict[str, Value]:
        return {one.name: self._well(one) for one in self.signals}

    def _well(self, signal: Signal) -> Value:
        if isinstance(signal.measure.inner, State):
            return CALM
        tiers = [c for _, c in self.conditions if c.signal == signal]
        fixed = [(c.is_upper, c.figures) for c in tiers if c.reference is None]
        roof = min((f for upper, figures in fixed if upper for f in figures), default=None)
        floor = max((f for upper, figures in fixed if not upper for f in figures), default=None)
        success = [one.condition for one in self.guardrail.success if one.condition.signal == signal]
        if roof is None and floor is not None and derived(signal):
            roof = Decimal(1)
        bounds = [c.least for c in (*tiers, *success) if c.least is not None]
        tried, least = (_between(floor, roof), *_OTHERS), max(bounds, default=Decimal(0))
        below = () if bounds else tried  # a number that may be below 0
        for value in dict.fromkeys((*(max(one, least) for one in tried), *below)):
            limits = [(c, c.limit_from(value, f) if c.reference else f) for c in tiers for f in c.figures]
            shares = [limit for one, limit in limits if one.reference and derived(signal)]
            if all(0 < limit < 1 for limit in shares) and not any(
                c.op.breached(value, one) for c, one in limits
            ):
                return value
        raise Impossible("no value lies within the limits of all its stages")

    def over(self, condition: Condition) -> Value:
        """A value just beyond the limit; the limit itself where that is beyond it."""
        return self._beside(condition, beyond=True)

    def under(self, condition: Condition) -> Value:
        """A value just on the right side of the limit; the limit itself where that is not beyond it."""
        return self._beside(condition, beyond=False)

    def beyond(self, condition: Condition) -> Value:
        """A value so far beyond the limit that it is beyond it of few events too, of which no share is had to the last digit."""
        return self._beside(condition, beyond=True, apart=True)

    def _beside(self, condition: Condition, *, beyond: bool, apart: bool = False) -> Value:
        if condition.state is not None:
            return condition.state if beyond else CALM
        limit = self.limit(condition)
        if limit is None:
            raise TypeError("nothing is judged here")
        exact = condition.reference is None and not apart
        if exact and condition.op.breached(limit, limit) is beyond:
            return limit
        by, up = self._margin(condition, limit), condition.is_upper is beyond
        if derived(condition.signal):
            by = min(by, (1 - limit if up else limit) / 2)
        if by <= 0 and condition.op.breached(limit, limit) is beyond:
            return limit
        if by <= 0:
            raise Impossible("no share lies beyond its limit")
        return limit + by if up else limit - by

    def _margin(self, condition: Condition, limit: Decimal) -> Decimal:
        """So much that another limit is told from this one: of a share, of what is left to all or nothing, and of a limit that is
        relative, of how far it lies from what it is relative to.
        """
        sizes = [abs(limit), *([1 - limit] if derived(condition.signal) else [])]
        if condition.reference is not None:
            sizes.append(abs(limit - self.base(condition.signal)))
        return min((size for size in sizes if size > 0), default=Decimal(1)) * MARGIN

    def judged(self, condition: Condition) -> bool:
        """Whether the condition has a limit in this stage."""
        return self.limit(condition) is not None

    @cached_property
    def figures(self) -> tuple[Decimal | None, ...]:
        """Its limits here."""
        return tuple(self.limit(one) for _, one in self.conditions)

    def ladder(self, signal: Signal) -> Iterator[Value]:
        """From limit to limit of either side, the milder ones first: at it, and beyond it; beyond the last, and well, twice.

        So at the next limit whatever has been beyond its own for long enough fires.
        """
        own = [c for _, c in self.conditions if c.signal == signal and self.judged(c)]
        for upper in (True, False):
            side = [c for c in own if c.is_upper is upper]
            side.sort(key=self._order, reverse=not upper)
            for under, over in dict.fromkeys((self.under(one), self.over(one)) for one in side):
                yield under
                yield over
            if side:
                yield self.over(side[-1])
                yield self.healthy(signal)
                yield self.healthy(signal)

    def _order(self, condition: Condition) -> Decimal:
        return self.limit(condition) or Decimal(0)

    def sick(self, signal: Signal) -> Decimal:
        """A value far beyond every limit."""
        lower = any(not c.is_upper for _, c in self.conditions if c.signal == signal)
        if derived(signal):
            return Decimal(not lower)
        return -SICK if lower else SICK

    @property
    def has_both(self) -> bool:
        """Whether both arms have traffic in this stage."""
        return not self.rollout.stages or any(
            s.name == self.stage and s.has_both for s in self.rollout.stages
        )

    def before(self, reference: Reference) -> str:
        """The stage with which this one is compared."""
        return self._compared_stages(reference)[self.stage or ""]

    def _compared_stages(self, reference: Reference) -> dict[str, str]:
        return compared_stages(reference, self.rollout.stages, self.guardrail.arms)


def _between(floor: Decimal | None, roof: Decimal | None) -> Decimal:
    if floor is not None and roof is not None:
        return (floor + roof) / 2
    if roof is not None:
        return roof / 2 if roof > 0 else roof - 1
    if floor is not None:
        return floor * 2 if floor > 0 else floor + 1
    return Decimal(1)
