"""A rollout of the plan → from how much traffic on each guardrail protects, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail import plan
from handrail.report.tables import Table
from handrail.report.wording import enough_bad
from handrail.units import per_minute, seconds, span

COLUMNS = ("guardrail", "judges from", "a breach from", "the whole service then has")


def needed_traffic(rollout: plan.Rollout) -> Table:
    """A row for each guardrail that needs a number of events.

    It judges from `min_events` in its window on. A breach shows with fewer, where so many of them are bad that more good
    ones would not fix it; then as many as that must fail. A canary has its share of the traffic of the whole service.
    """
    return Table("Traffic it needs", COLUMNS, tuple(_rows(rollout)))


def _rate(events: Decimal, measure: plan.EventMeasure) -> str:
    return per_minute(events, seconds(measure.window))


def _rows(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    for guardrail in rollout.guardrails:
        if guardrail.split is not None:
            yield guardrail.name, "any traffic", "-", _found(rollout, guardrail.split)
            continue
        for signal in guardrail.signals:
            measure = signal.measure.inner
            if isinstance(measure, plan.EventMeasure):
                name = f"{guardrail.name}, {signal.name}" if signal.name else guardrail.name
                least = Decimal(measure.min_events)
                judges = f"{_rate(least, measure)} ({measure.min_events} in {span(measure.window)})"
                yield name, judges, _breach(guardrail, signal, measure), _whole(rollout, guardrail, measure)


def _found(rollout: plan.Rollout, split: plan.SampleRatio) -> str:
    """What the whole service needs for a canary with twice the odds it should have to be found, by stage."""
    stages = ((one.name, float(one.weight)) for one in rollout.stages if one.weight and one.has_both)
    needed = (
        f"{name}: {per_minute(Decimal(split.finds(2, share)), seconds(split.window))}"
        for name, share in stages
    )
    return "; ".join(needed) + " for a doubling"


def _breach(guardrail: plan.Guardrail, signal: plan.Signal, measure: plan.EventMeasure) -> str:
    """From how many bad events on its tiers break their limits, the first of them first."""
    said = (
        f"{_rate(Decimal(bad), measure)} bad ({bad}: {', '.join(tiers)})"
        for bad, tiers in enough_bad(guardrail, signal).items()
    )
    return "; ".join(said) or "-"


def _whole(rollout: plan.Rollout, guardrail: plan.Guardrail, measure: plan.EventMeasure) -> str:
    """What the whole service has when the judged version has enough, by stage."""
    least = Decimal(measure.min_events)
    if guardrail.arms is None:
        return "the same"
    shares = [(stage.name, stage.weight) for stage in rollout.stages if stage.weight]
    return "; ".join(f"{name}: {_rate(least / share, measure)}" for name, share in shares) or "-"
