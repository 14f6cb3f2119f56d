"""diluted-canary: the whole service is judged while a small share of it is new.

At 5 % of the traffic a canary must fail 20 % of its requests before the service fails 1 %; and however slow
it is, the service's p95 does not move, because only 5 % are slow. Arms tell the versions apart;
`whole_service=True` on the guardrail states that no label does.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.declare import Guardrail, Latency, Ratio, Rollout, SlowerThan
from handrail.declare.measures import EventMeasure
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import figure_in, uses
from handrail.units import amount, plain

NAME = "diluted-canary"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every share and quantile of a rollout without arms."""
    shares = [
        (amount(stage.weight).value, stage.name)
        for stage in rollout.stages
        if stage.weight is not None and 0 < amount(stage.weight).value < 1
    ]
    if rollout.arms is not None or not shares:
        return
    share, stage = min(shares)
    for guardrail in rollout.guardrails:
        if not guardrail.whole_service and isinstance(guardrail.measure.inner, EventMeasure):
            what = f"judges the whole service, {_seen(guardrail, share, stage)}"
            cure = "add arms= to the rollout, or state whole_service=True on the guardrail"
            yield finding(NAME, guardrail, what, cure, about=guardrail, severity=Severity.warning)


def _seen(guardrail: Guardrail, share: Decimal, stage: str) -> str:
    measure = guardrail.measure.inner
    if isinstance(measure, Latency) and share <= 1 - Decimal(str(measure.p)) / 100:
        return f"and in stage '{stage}' its p{measure.p:g} cannot show a canary that is slow throughout"
    for use in uses(guardrail):
        limit = figure_in(use.limit, stage)
        if (
            use.limit.is_upper
            and not use.limit.relative
            and isinstance(measure, Ratio | SlowerThan)
            and limit
        ):
            alone = limit / share
            if alone > 1:
                return f"and in stage '{stage}' a canary that fails throughout stays under the limit"
            return f"and in stage '{stage}' a canary alone must reach {plain(round(alone * 100, 1))} % for it to fire"
    return f"and in stage '{stage}' a canary is {plain(round(share * 100, 1))} % of that"
