"""thin-traffic: the arm gets too few events in a stage for the guardrail ever to judge it.

With fewer than `min_events` events, a share or a quantile gives no verdict. At 50 events a second a canary with 1 %
sees 150 in five minutes, which is enough for 100; at 5 a second it sees 15, and the whole stage passes unjudged. A
breach is found then only where so many events are bad (a share's `min_bad`) or slow that more good ones would not fix it.
`expected=` on the guardrail says what the whole service has.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.declare import Guardrail, Rollout
from handrail.declare.measures import EventMeasure
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import in_force
from handrail.units import amount, duration, per_minute, plain, seconds

NAME = "thin-traffic"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every guardrail that says how many events are expected."""
    for guardrail in rollout.guardrails:
        measure = guardrail.measure.inner
        if guardrail.expected is not None and isinstance(measure, EventMeasure):
            yield from _guardrail(rollout, guardrail, measure, amount(guardrail.expected).value)


def _guardrail(
    rollout: Rollout, guardrail: Guardrail, measure: EventMeasure, all_events: Decimal
) -> Iterator[Finding]:
    limits = [*(tier.limit for tier in guardrail.tiers), *guardrail.successes]
    stages = [stage for stage in rollout.stages if any(in_force(limit, stage) for limit in limits)]
    whole = rollout.arms is None or guardrail.whole_service
    shares = {
        stage.name: Decimal(1) if whole or stage.weight is None else amount(stage.weight).value
        for stage in stages
    }
    for stage, share in shares.items() if rollout.stages else [("", Decimal(1))]:
        if share == 0:
            continue
        seen = all_events * share * seconds(duration(measure.window))
        if seen < measure.min_events:
            at = f" in stage '{stage}'" if stage else ""
            enough = per_minute(Decimal(measure.min_events) / share, seconds(duration(measure.window)))
            what = f"sees about {plain(seen.quantize(Decimal(1)))} events in {measure.window}{at}, and needs {measure.min_events} to judge, for which the service must have {enough}"
            cure = "widen window=, lower min_events= or raise the share"
            yield finding(NAME, measure, what, cure, "min_events", about=guardrail)
