"""limit-never-fires: no value of the measure can be beyond the limit, so the alert never fires.

A share above 100 %, a latency above the highest bucket of its histogram, a count below 0, a tier that counts in the
first hour of a stage (`during="1h"`) where there are no stages, more changes than there are scrapes in their window,
fewer than one series without `presence=`, an `Age` that rose by an hour since `Ago("1h")`. Such a tier looks like a guard and
is none: `Critical(Above("150%"), action="rollback")` on a `Ratio`. A success criterion that every value meets is just as
useless: the gate asks for nothing. Nor is anything judged of a `While` whose condition never holds, like a `Count` of at most 0
without `presence=`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.declare import (
    Above,
    Age,
    Ago,
    AtLeast,
    AtMost,
    Changes,
    Count,
    Guardrail,
    RisePoints,
    Rollout,
    While,
)
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, always, figures, never, settled, shown, uses
from handrail.units import amount, duration, seconds

NAME = "limit-never-fires"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every figure of every limit, every tier that counts for a time only, every condition."""
    for guardrail in rollout.guardrails:
        yield from _no_stages(rollout, guardrail)
        for use in uses(guardrail):
            yield from _condition(rollout, use)
            impossible = always if use.wanted else never
            for figure in figures(use.limit):
                written, value = settled(use.limit, figure.value, use.against)
                if impossible(written, value, use.measure) or _too_much(rollout, use, written, value):
                    sleeps = "asks for nothing" if use.tier is None else "can never fire"
                    what = f"has a limit that {sleeps}: {shown(use.limit, figure)} on {type(use.measure).__name__}"
                    cure = _cure(use)
                    yield finding(NAME, use.limit, what, cure, *figure.path, about=guardrail)


def _no_stages(rollout: Rollout, guardrail: Guardrail) -> Iterator[Finding]:
    for tier in (tier for tier in guardrail.tiers if tier.during is not None and not rollout.stages):
        whole = "an attempt" if tier.of == "attempt" else "a stage"
        what = f"has a tier that counts only in the first {tier.during} of {whole}, and there are no stages"
        yield finding(NAME, tier, what, "add stages=, or remove during=", "during", about=guardrail)


def _condition(rollout: Rollout, use: Use) -> Iterator[Finding]:
    """What a measure is bound to, where it never holds."""
    if not isinstance(use.measure, While):
        return
    most, held = use.measure.at_most, use.measure.condition
    limit: Limit = Above(use.measure.above) if most is None else AtMost(most)
    figure = amount(use.measure.above if most is None else most).value
    if never(limit, figure, held) or _too_often(rollout, held, limit, figure):
        field = "above" if most is None else "at_most"
        bound = f"{field.replace('_', ' ')} {use.measure.above if most is None else most}"
        what = f"is judged only while {type(held).__name__} is {bound}, which it never is"
        yield finding(NAME, use.measure, what, _reachable(held), field, about=use.guardrail)


def _too_much(rollout: Rollout, use: Use, limit: Limit, figure: Decimal) -> bool:
    """Whether it asks for more than there can be in its window, or in the time since the figure it is compared with."""
    measure = use.measure.inner
    if isinstance(measure, Age) and isinstance(use.against, Ago) and isinstance(limit, RisePoints):
        return figure >= seconds(duration(use.against.time))
    return not use.wanted and _too_often(rollout, measure, limit, figure)


def _too_often(rollout: Rollout, measure: Measure, limit: Limit, figure: Decimal) -> bool:
    """Whether it asks for more changes than there are scrapes in the window."""
    if not isinstance(measure, Changes) or measure.over == "sum":
        return False
    most = duration(measure.window) // duration(rollout.scrape)
    return (
        figure > most
        if isinstance(limit, AtLeast)
        else figure >= most and isinstance(limit, Above | RisePoints)
    )


def _cure(use: Use) -> str:
    if isinstance(use.measure.inner, Age) and isinstance(use.limit, RisePoints):
        return "write less than the time since then, by which an age grows at most"
    return _reachable(use.measure.inner)


def _reachable(measure: Measure) -> str:
    if isinstance(measure, Count) and measure.presence is None:
        return "write a figure that the measure can reach; without any series there is no data, and presence= makes it 0"
    if isinstance(measure, Changes):
        return "write a figure that the measure can reach, or widen window="
    return "write a figure that the measure can reach"
