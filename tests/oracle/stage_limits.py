"""A guardrail in one stage → its limits there, and the figures with which relative ones compare.

All of it is arithmetic on the declaration: nothing here knows how Prometheus gets at a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from handrail.contract import names
from handrail.emit.promtool.series import Impossible
from handrail.plan import (
    Alert,
    Changes,
    Condition,
    Count,
    Guardrail,
    Latency,
    Measure,
    Ratio,
    Reference,
    ReferenceKind,
    Rollout,
    Signal,
    SlowerThan,
    Usage,
)

from oracle.figures import bounds, calm, like_now
from oracle.series_feeds import unsteady

_BASES = tuple(map(Decimal, ("0.1", "0.5", "0.02", "0.9", "0.001", "10", "1000", "100000")))


@dataclass(frozen=True)
class StageLimits:
    """A guardrail while its rollout is in `stage` (None: in none)."""

    rollout: Rollout
    guardrail: Guardrail
    stage: str | None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What fires at a limit."""
        return self.guardrail.alerts

    @cached_property
    def conditions(self) -> list[Condition]:
        """Every condition that has a limit here."""
        return [condition for condition in self._tiers if self.limit(condition) is not None]

    @cached_property
    def compared_with(self) -> dict[Reference, Signal]:
        """Everything that tiers and success criteria are relative to here, and the signal that is compared."""
        wanted = [*self.conditions, *(success.condition for success in self.guardrail.success)]
        return {
            one.reference: one.signal
            for one in reversed(wanted)
            if one.reference is not None and self.compared(one.reference)
        }

    def limit(self, condition: Condition) -> Decimal | None:
        """What the value is compared with; None where nothing is judged here."""
        if self.guardrail.versions and self.stage is None:
            return None
        figure, reference = condition.figure_in(self.stage), condition.reference
        if figure is None or reference is None:
            return figure
        if reference.ago:
            like_now(condition.signal.measure.inner, self.guardrail, self.rollout.scrape)
        if not self.compared(reference):
            return None
        if self.captured(reference) is None:
            unsteady(condition)
        return condition.limit_from(self.base(condition.signal), figure)

    def compared(self, reference: Reference) -> bool:
        """Whether there is something to compare with in this stage."""
        match reference.kind:
            case ReferenceKind.previous_stage:
                return self.before(reference) is not None
            case ReferenceKind.before | ReferenceKind.stable | ReferenceKind.ago:
                return True

    def captured(self, reference: Reference) -> str | None:
        """The name under which the receiver tells the figure of a reference; None where it is measured."""
        if reference.kind is ReferenceKind.before:
            return names.BEFORE
        if reference.kind is ReferenceKind.previous_stage:
            return names.stage_reference(self.before(reference) or self.rollout.stages[0].name)
        return None

    def before(self, reference: Reference) -> str | None:
        """The earlier stage with which this one is compared: the canary has traffic in both."""
        earlier: list[str] = []
        for stage in self.rollout.stages:
            idle = self.guardrail.arms is not None and stage.weight == 0
            if stage.name == self.stage:
                named = reference.stage is None or reference.stage in earlier
                return (reference.stage or earlier[-1]) if earlier and named and not idle else None
            if not idle:
                earlier.append(stage.name)
        return None

    def base(self, signal: Signal) -> Decimal:
        """A value to compare with: healthy itself, and every relative limit lies where the measure can be."""
        measure = signal.measure.inner
        own = [
            condition
            for condition in (*self._tiers, *(success.condition for success in self.guardrail.success))
            if condition.signal == signal and condition.figure_in(self.stage) is not None
        ]
        figures = [(c, c.figure_in(self.stage) or Decimal(0)) for c in own]
        fixed = [(c.op, figure) for c, figure in figures if c.reference is None and c in self._tiers]
        relative = [(c, figure) for c, figure in figures if c.reference is not None]
        low, high = bounds(measure)
        for base in (*([calm(measure, fixed)] if fixed else []), *self._bases(measure), *_BASES):
            limits = [condition.limit_from(base, figure) for condition, figure in relative]
            reached = all((low is None or limit > low) and (high is None or limit < high) for limit in limits)
            enough = all(condition.least is None or base >= condition.least for condition, _ in relative)
            if reached and enough and not any(op.breached(base, figure) for op, figure in fixed):
                return base
        raise Impossible("no reference could be found beside which its limits can be reached")

    @cached_property
    def _tiers(self) -> list[Condition]:
        return [condition for alert in self.alerts for condition in alert.conditions]

    def _bases(self, measure: Measure) -> tuple[Decimal, ...]:
        if isinstance(measure, Latency) and measure.buckets:
            edges = [bound * measure.scale for bound in measure.buckets]
            return tuple((low + high) / 2 for low, high in pairwise(edges))
        if isinstance(measure, Ratio | SlowerThan | Usage | Latency):
            return ()
        if isinstance(measure, Count | Changes):
            return (Decimal(10), Decimal(5), Decimal(20), Decimal(30), Decimal(100))
        return (Decimal(1000),)
