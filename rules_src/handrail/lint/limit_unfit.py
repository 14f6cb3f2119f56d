"""limit-unfit: a kind of limit that cannot judge this measure.

`Is` and `Changed` judge a `State`, the others a number; an `Absence` neither rises nor drops, a
`TimeUntil` drops by itself, and no share of a `Difference` or `Forecast` says anything once it is less than 0; nor does
one of a `Fixed` figure below 0, or a `Drop` from 0, whether it is a `Fixed` figure or allowed by `least=`. `Changed` can
be the limit of a tier but not of `success=`, only on the guardrail's own state, and with one window for all tiers.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import (
    Absence,
    Changed,
    Difference,
    Drop,
    Forecast,
    Guardrail,
    Is,
    On,
    Rise,
    Rollout,
    State,
    TimeUntil,
)
from handrail.declare.limits import Fixed
from handrail.declare.measures import Measure
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, figure_field, figures, uses
from handrail.units import amount, duration

NAME = "limit-unfit"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every limit of every guardrail."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            for what, cure in _wrong(guardrail, use):
                yield finding(NAME, use.limit, what, cure, about=guardrail, severity=Severity.fatal)


def _wrong(guardrail: Guardrail, use: Use) -> Iterator[tuple[str, str]]:
    measure, limit = type(use.measure).__name__, type(use.limit).__name__
    if isinstance(use.limit, Is | Changed) != isinstance(use.measure, State):
        what = f"judges {measure} by {limit}, which does not fit"
        yield what, "Is and Changed judge a State, the others a number"
    elif use.limit.relative and isinstance(use.measure.inner, Absence):
        yield (
            f"judges {measure} by {limit}, and what is absent does not {limit.removesuffix('Points').lower()}",
            "write Above(0)",
        )
    elif use.limit.relative and isinstance(use.measure.inner, TimeUntil):
        yield (
            f"judges TimeUntil by {limit}, and it drops all the time by itself",
            "write Below(…) or AtMost(…)",
        )
    elif isinstance(use.limit, Rise | Drop) and _signed(use.measure.inner):
        yield (
            f"judges {measure} by {limit}, a share of a figure that may be less than 0",
            f"write {limit}Points(…)",
        )
    elif (beside := _no_share(use)) is not None:
        yield beside
    elif figure_field(use.limit) is not None and not figures(use.limit):
        yield "has a limit in no stage", "give a stage its figure"
    elif isinstance(use.limit, Changed):
        yield from _changed(guardrail, use, use.limit)


def _no_share(use: Use) -> tuple[str, str] | None:
    """What makes a share of the reference say nothing: the reference itself, or the least that is asked of it."""
    limit, against = use.limit, use.against
    if not isinstance(limit, Rise | Drop):
        return None
    kind, drops = type(limit).__name__, isinstance(limit, Drop)
    if isinstance(against, Fixed) and (base := amount(against.figure).value) <= 0 and (drops or base < 0):
        what = f"judges by {kind}, a share of the reference, beside {against.figure}"
        return what, f"write {kind}Points(…), or a fixed limit"
    if isinstance(limit, Drop) and limit.least is not None and amount(limit.least).value <= 0:
        what = f"has least={limit.least}, and no share of such a reference is a drop"
        return what, "write a least= above 0, or none: then a reference of 0 is blind"
    if isinstance(limit, Rise) and limit.floor is not None and amount(limit.floor).value < 0:
        return (
            f"has floor={limit.floor}, and no rise from 0 or more ends below it",
            "write a floor= of at least 0, or none",
        )
    return None


def _signed(measure: Measure) -> bool:
    """Whether the sign of a value says which of two things is greater, or that nothing is left."""
    return isinstance(measure, Forecast) or (isinstance(measure, Difference) and not measure.absolute)


def _changed(guardrail: Guardrail, use: Use, limit: Changed) -> Iterator[tuple[str, str]]:
    if isinstance(use.at, On):
        yield "asks for a change of a second state", "give that state a guardrail of its own"
    elif use.tier is None:
        yield "makes a change its criterion, and a stage would pass only if it changed", "write Is(…)"
    else:
        first = next(tier.limit.window for tier in guardrail.tiers if isinstance(tier.limit, Changed))
        if duration(first) != duration(limit.window):
            yield f"asks for changes within {first} and within {limit.window}", "use one window"
