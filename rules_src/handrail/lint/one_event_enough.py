"""one-event-enough: with few events, one or two bad ones roll back.

With `min_events=10` one failure in ten is 10 %: `Critical(Above("5%"), action="rollback")` rolls a release back for it
whenever there is little traffic, for example at night. With 100, two failures are more than 1 %. One event is visible for
one window; with a `sustained=` as long as the window, more events are needed.
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
FEWEST = 3
"""So many bad events in one window are rarely chance where one in a thousand fails."""


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
    if not least or duration(tier.sustained) >= duration(measure.window):
        return
    enough = int(least * measure.min_events) + 1
    if enough < FEWEST:
        bad = "one bad event" if enough == 1 else f"{enough} bad events"
        what = f"rolls back for {bad} among as few as {measure.min_events}"
        more = -int(-(measure.min_bad - 1) // least)
        cure = f"write min_events={more}, which is {measure.min_bad} bad ones at least, or sustained= as long as the window of {measure.window}"
        yield finding(NAME, tier, what, cure, about=guardrail, severity=Severity.warning)
