"""rise-without-floor: a rise against a reference that may be 0, where the first event is a rise.

A healthy stable arm has no errors, and 150 % of 0 is 0: with `Rise("50%")` one failed request of a million rolls a
release back. `Rise("50%", floor="1%")` asks for more than 1 % as well; `RisePoints("1%")` for one percentage point
more, whatever the reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import names
from handrail.declare import (
    Absence,
    Age,
    Changes,
    Count,
    Difference,
    Forecast,
    Gauge,
    Growth,
    Increase,
    Latency,
    PromQL,
    Rate,
    Ratio,
    Rise,
    Rollout,
    SlowerThan,
    State,
    TimeUntil,
    Usage,
    While,
)
from handrail.declare.limits import Fixed
from handrail.declare.measures import Measure
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, uses
from handrail.units import amount

NAME = "rise-without-floor"

_COUNTS = ("number", "ratio", "percent", "per second")


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every rise of a share or a count."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            if (
                isinstance(use.limit, Rise)
                and _without_floor(use.limit)
                and _may_be_none(use.measure, use.against)
            ):
                what = "looks for a rise, and against a reference of 0 the first event is one"
                cure = "write Rise(…, floor=…), or RisePoints"
                yield finding(NAME, use.limit, what, cure, about=guardrail, severity=_severity(use))


def _without_floor(limit: Rise) -> bool:
    """Whether a rise from a reference of 0 has no floor: one of 0 is none."""
    return limit.floor is None or amount(limit.floor).value <= 0


def _severity(use: Use) -> Severity:
    """Of events 0 is the healthiest figure; what else a rate or a gauge shows may never be 0."""
    acts = use.tier is not None and use.tier.action in names.ACTING
    if _counts_failures(use.measure):
        return Severity.error if acts else Severity.warning
    return Severity.warning if acts else Severity.info


def _counts_failures(measure: Measure) -> bool:
    match measure:
        case While(inner):
            return _counts_failures(inner)
        case Ratio() | Latency() | SlowerThan() | Increase() | Usage() | State() | Absence():
            return True
        case Rate() | Gauge() | Growth() | PromQL():
            return False
        case Difference() | Age() | TimeUntil() | Count() | Forecast() | Changes():
            return False


def _may_be_none(judged: Measure, against: object) -> bool:
    """Whether 0 is what a healthy service shows."""
    if isinstance(against, Fixed):
        return amount(against.figure).value == 0
    match judged:
        case While(inner):
            return _may_be_none(inner, against)
        case Gauge() | Growth() | Difference() | Forecast() | PromQL():
            return judged.unit in _COUNTS
        case Ratio():
            return judged.bad is not None
        case SlowerThan() | Increase() | Rate() | Count() | Changes():
            return True
        case Latency() | Usage() | Age() | TimeUntil() | State() | Absence():
            return False
