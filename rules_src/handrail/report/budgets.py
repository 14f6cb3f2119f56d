"""A rollout of the plan → whether its time budgets are kept, and from which breach on, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import ROUND_UP, Decimal

from handrail import plan
from handrail.contract import names
from handrail.plan.timing import Times, first_to_act, measured_alike, timing, window
from handrail.report.tables import Table
from handrail.report.wording import rounded_up
from handrail.units import Unit, seconds, show, span


def budgets(rollout: plan.Rollout) -> list[Table]:
    """The budgets, and what is decided within the one to decide; no rows where none is declared."""
    decide = rollout.decide_within
    within = Table(
        f"Decided within {span(decide or timedelta())}",
        ("guardrail", "tier", "from"),
        tuple(_within(rollout, decide)) if decide else (),
    )
    return [
        Table("Time budgets", ("budget", "allowed", "computed", "kept"), tuple(_budgets(rollout))),
        within,
    ]


def _budgets(rollout: plan.Rollout) -> Iterator[tuple[str, ...]]:
    decide, recover = rollout.decide_within, rollout.recover_within
    if decide is not None:
        yield _budget("to the decision, all fails", decide, rollout, lambda one: one.decided)
    if recover is not None:
        yield _budget("to the last step, all fails", recover, rollout, lambda one: one.done)
        yield _budget("to the last step, just over", recover, rollout, lambda one: one.done_at_last)


def _budget(
    name: str, allowed: timedelta, rollout: plan.Rollout, takes: Callable[[Times], timedelta]
) -> tuple[str, ...]:
    """The longest over all that is measured, of the tier that is fastest there."""
    known = timing(rollout)
    computed = [
        takes(known[alert.name])
        for alike in measured_alike(rollout.guardrails)
        for _, alert in first_to_act(alike, rollout.stages, known, takes)
    ]
    longest = max(computed, default=None)
    if longest is None:
        return name, span(allowed), "nothing acts", "unknown"
    return name, span(allowed), rounded_up(longest), "yes" if longest <= allowed else "NO"


def _within(rollout: plan.Rollout, decide: timedelta) -> Iterator[tuple[str, ...]]:
    known = timing(rollout)
    for guardrail in rollout.guardrails:
        for alert in guardrail.alerts:
            if alert.action in names.ACTING and not guardrail.shadow and guardrail.split is None:
                room = decide - known[alert.name].beside_window
                yield guardrail.name, alert.tier, "; ".join(_least(one, room) for one in alert.conditions)


NEVER = "nothing: it takes longer"


def _least(condition: plan.Condition, room: timedelta) -> str:
    """The least breach that takes no more than `room` to fill its window, in words."""
    sudden, slight = window(condition)
    if slight <= room:
        return "any breach"
    if room <= timedelta() or not condition.figures or sudden == slight:
        return NEVER
    times = seconds(slight) / seconds(room)
    figure = max(condition.figures) if condition.is_upper else min(condition.figures)
    measure = condition.signal.measure.inner
    if not isinstance(measure, plan.EventMeasure):
        return show(figure * times, condition.signal.unit)
    match measure:
        case plan.Latency(q=q):
            return _share((1 - q) * times, f"slower than {show(figure, Unit.seconds)}")
        case plan.SlowerThan():
            return _share(figure * times, "slow")
        case plan.Ratio(bad=bad):
            return _share((figure if bad else 1 - figure) * times, "bad" if bad else "not good")


def _share(share: Decimal, what: str) -> str:
    """A share, rounded up to a tenth of a percent: what is said to be enough is enough."""
    least = round(share, 9).quantize(Decimal("0.001"), ROUND_UP)
    return NEVER if least > 1 else f"{show(least, Unit.ratio)} {what}"
