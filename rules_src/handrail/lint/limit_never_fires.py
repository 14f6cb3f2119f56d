"""limit-never-fires: no value of the measure can be beyond the limit, so the alert never fires.

A share above 100 %, a latency above the highest bucket of its histogram, a count below 0, a tier that counts in the
first hour of a stage (`during="1h"`) where there are no stages, more changes than there are scrapes in their window,
fewer than one series without `presence=`. Such a tier looks like a guard and is none:
`Critical(Above("150%"), action="rollback")` on a `Ratio`. A success criterion that every value meets is just as
useless: the gate asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.declare import Above, AtLeast, Changes, Count, Rollout
from handrail.declare.limits import Limit
from handrail.declare.measures import Measure
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, always, figures, never, settled, shown, uses
from handrail.units import duration

NAME = "limit-never-fires"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every figure of every limit, and every tier that counts for a time only."""
    for guardrail in rollout.guardrails:
        for tier in (tier for tier in guardrail.tiers if tier.during is not None and not rollout.stages):
            whole = "an attempt" if tier.of == "attempt" else "a stage"
            what = (
                f"has a tier that counts only in the first {tier.during} of {whole}, and there are no stages"
            )
            yield finding(NAME, tier, what, "add stages=, or remove during=", "during", about=guardrail)
        for use in uses(guardrail):
            impossible = always if use.wanted else never
            for figure in figures(use.limit):
                written, value = settled(use.limit, figure.value, use.against)
                if impossible(written, value, use.measure) or _too_often(rollout, use, written, value):
                    sleeps = "asks for nothing" if use.tier is None else "can never fire"
                    what = f"has a limit that {sleeps}: {shown(use.limit, figure)} on {type(use.measure).__name__}"
                    cure = _cure(use.measure.inner)
                    yield finding(NAME, use.limit, what, cure, *figure.path, about=guardrail)


def _too_often(rollout: Rollout, use: Use, limit: Limit, figure: Decimal) -> bool:
    """Whether it asks for more changes than there are scrapes in the window."""
    measure = use.measure.inner
    if not isinstance(measure, Changes) or not isinstance(limit, Above | AtLeast):
        return False
    most = duration(measure.window) // duration(rollout.scrape)
    return not use.wanted and (figure >= most if isinstance(limit, Above) else figure > most)


def _cure(measure: Measure) -> str:
    if isinstance(measure, Count) and measure.presence is None:
        return "write a figure that the measure can reach; without any series there is no data, and presence= makes it 0"
    if isinstance(measure, Changes):
        return "write a figure that the measure can reach, or widen window="
    return "write a figure that the measure can reach"
