"""thin-traffic: the arm gets too few events in a stage for the guardrail ever to judge it.

With fewer than `min_events` events, a share or a quantile gives no verdict. At 50 events a second a canary with 1 %
sees 150 in five minutes, which is enough for 100; at 5 a second it sees 15, and the whole stage passes unjudged. A
breach is found then only where so many events are bad (a share's `min_bad`) or slow that more good ones would not fix it.
`expected=` on the guardrail says what the whole service has.

`success=OverStage(…)` counts all events of a stage instead, and needs as many as its limit asks for: of 0.5 % errors 2000.
In a stage that has fewer it is never met.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.declare import Guardrail, Latency, Ratio, Rollout, Stage
from handrail.declare.measures import EventMeasure
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import figure_in, in_force
from handrail.lower.over_stage import events_needed
from handrail.units import amount, duration, per_minute, plain, seconds

NAME = "thin-traffic"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every guardrail that says how many events are expected."""
    for guardrail in rollout.guardrails:
        measure = guardrail.measure.inner
        if guardrail.expected is not None and isinstance(measure, EventMeasure):
            yield from _in_windows(rollout, guardrail, measure, amount(guardrail.expected).value)
            yield from _in_stages(rollout, guardrail, measure, amount(guardrail.expected).value)


def _in_windows(
    rollout: Rollout, guardrail: Guardrail, measure: EventMeasure, all_events: Decimal
) -> Iterator[Finding]:
    limits = [*(tier.limit for tier in guardrail.tiers)]
    limits += [limit for limit, over in guardrail.criteria if over is None]
    stages = [stage for stage in rollout.stages if any(in_force(limit, stage) for limit in limits)]
    shares = {stage.name: _share(rollout, guardrail, stage) for stage in stages}
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


def _in_stages(
    rollout: Rollout, guardrail: Guardrail, measure: EventMeasure, all_events: Decimal
) -> Iterator[Finding]:
    """Every criterion that counts a whole stage, against the stages that end."""
    for limit, over in guardrail.criteria:
        for stage in rollout.stages if over is not None else ():
            figure = figure_in(limit, stage.name)
            if over is None or stage.bake is None or figure is None:
                continue
            seen = all_events * _share(rollout, guardrail, stage) * seconds(duration(stage.bake))
            least = over.min_events or events_needed(_rare(measure, figure))
            if 0 < seen < least:
                what = f"sees about {plain(seen.quantize(Decimal(1)))} events in stage '{stage.name}', and its criterion needs {least}: it is never met"
                cure = "raise bake= or the share, or write OverStage(…, min_events=)"
                yield finding(NAME, over, what, cure, about=guardrail)


def _rare(measure: EventMeasure, figure: Decimal) -> Decimal:
    """The share of events beyond the limit, where that is just reached."""
    if isinstance(measure, Latency):
        return 1 - Decimal(str(measure.p)) / 100
    return 1 - figure if isinstance(measure, Ratio) and measure.bad is None else figure


def _share(rollout: Rollout, guardrail: Guardrail, stage: Stage) -> Decimal:
    """What the judged version has of all events in a stage."""
    whole = rollout.arms is None or guardrail.whole_service
    return Decimal(1) if whole or stage.weight is None else amount(stage.weight).value
