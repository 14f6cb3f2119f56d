"""one-event-enough: with few events, a single bad one rolls back.

With `min_events=10` one failure in ten is 10 %: `Critical(Above("5%"), action="rollback")` rolls a release back for it
whenever there is little traffic, for example at night. One event is visible for one window; with a `sustained=` as long
as the window, a second event is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.contract import names
from handrail.declare import Guardrail, Ratio, Rollout, SlowerThan
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import Use, figures, uses
from handrail.units import duration

NAME = "one-event-enough"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every limit of a share on which something is done by itself; 0 % says that there must be none."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            measure = use.measure.inner
            if isinstance(measure, SlowerThan) or (isinstance(measure, Ratio) and measure.bad is not None):
                yield from _share(guardrail, use, measure)


def _share(guardrail: Guardrail, use: Use, measure: Ratio | SlowerThan) -> Iterator[Finding]:
    tier, upper = use.tier, use.limit.is_upper and not use.limit.relative
    if tier is None or tier.action not in names.ACTING or not upper:
        return
    least = min((figure.value for figure in figures(use.limit)), default=None)
    if least and least * measure.min_events < 1 and duration(tier.sustained) < duration(measure.window):
        what = f"rolls back for one bad event among as few as {measure.min_events}"
        cure = (
            f"write min_events={int(1 / least) + 1}, or sustained= as long as the window of {measure.window}"
        )
        yield finding(NAME, tier, what, cure, about=guardrail, severity=Severity.warning)
