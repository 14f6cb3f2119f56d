"""condition-below-limit: a lower limit is judged from so few events on that a healthy service breaks it.

`While(Rate(entries), condition=Rate(changes))` with `Below("0.01/s")` is judged from the first change on, and one
change with its one entry is 0.003/s in five minutes: every quiet night fires. With `above="4/min"` it is judged only
when as many entries as changes are surely enough. For a ratio there is `min_events=`, which covers its own measure and
no other of the tier.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from handrail.contract import names
from handrail.declare import Increase, Rate, Rollout, While
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, figures, uses
from handrail.units import amount, duration, plain, seconds

NAME = "condition-below-limit"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every lower limit of a rate that is bound to a rate."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            bound, least = _bound(use), _least(use)
            if bound is not None and least is not None and bound < least:
                what = f"is judged from {plain(bound)}/s on, and below {plain(least)}/s it is too little"
                cure = f'write above="{plain(least)}/s" or more'
                acts = use.tier is not None and use.tier.action in names.ACTING
                severity = Severity.error if acts else Severity.warning
                yield finding(NAME, use.measure, what, cure, about=guardrail, severity=severity)


def _bound(use: Use) -> Decimal | None:
    """From which rate of its condition on it is judged; None where that is no rate, or holds for less."""
    measure = use.measure
    if not isinstance(measure, While) or not isinstance(measure.condition, Rate):
        return None
    return amount(measure.above).value if measure.at_most is None else None


def _least(use: Use) -> Decimal | None:
    """The highest rate that is still too little; None where the limit is no lower one of a rate."""
    measure, limit = use.measure.inner, use.limit
    lower = limit.is_upper is not None and limit.is_upper == use.wanted
    if limit.relative or not lower or not isinstance(measure, Rate | Increase):
        return None
    window = Decimal(1) if isinstance(measure, Rate) else seconds(duration(measure.window))
    return max((figure.value / window for figure in figures(limit)), default=None)
