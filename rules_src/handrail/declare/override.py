"""Overrides for one environment; a field that is not given stays as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from handrail.base import declared
from handrail.contract import Step, Tell
from handrail.declare.guardrail import Accept, Critical, Emergency, Name, Warning
from handrail.declare.limits import Reference, Success
from handrail.declare.measures import Measure
from handrail.declare.rollout import Acknowledge, Budget, HAProxySplit, Stage
from handrail.units import Duration, Frequency, Interval


@declared
class ForRollout:
    """In this environment the rollout has other stages, another rollback, other people, or other times."""

    rollout: Name
    stages: Sequence[Stage] | None = Field(default=None, kw_only=True)
    split: HAProxySplit | None = Field(default=None, kw_only=True)
    rollback: Sequence[Step] | None = Field(default=None, kw_only=True)
    emergency: Sequence[Step] | None = Field(default=None, kw_only=True)
    security: Sequence[Step] | None = Field(default=None, kw_only=True)
    tell: Sequence[Tell] | None = Field(default=None, kw_only=True)
    tell_rollback: Sequence[Tell] | None = Field(default=None, kw_only=True)
    tell_emergency: Sequence[Tell] | None = Field(default=None, kw_only=True)
    tell_security: Sequence[Tell] | None = Field(default=None, kw_only=True)
    acknowledge: Sequence[Acknowledge] | None = Field(default=None, kw_only=True)
    contacts: Sequence[str] | None = Field(default=None, kw_only=True)
    scrape: Interval | None = Field(default=None, kw_only=True)
    evaluate: Interval | None = Field(default=None, kw_only=True)
    budget: Budget | None = Field(default=None, kw_only=True)
    accept: Accept | None = Field(default=None, kw_only=True)


@declared
class ForGuardrail:
    """In this environment the guardrail has other limits, another measure or other traffic, or is a shadow."""

    rollout: Name
    guardrail: Name
    measure: Measure | None = Field(default=None, kw_only=True)
    tiers: Sequence[Warning | Critical | Emergency] | None = Field(default=None, kw_only=True)
    success: Success | Sequence[Success] | None = Field(default=None, kw_only=True)
    against: Reference | None = Field(default=None, kw_only=True)
    mode: Literal["active", "shadow"] | None = Field(default=None, kw_only=True)
    blind_after: Duration | None = Field(default=None, kw_only=True)
    expected: Frequency | None = Field(default=None, kw_only=True)
    accept: Accept | None = Field(default=None, kw_only=True)


Override = ForRollout | ForGuardrail
