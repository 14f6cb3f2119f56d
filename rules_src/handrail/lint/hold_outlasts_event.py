"""hold-outlasts-event: a tier waits longer than a single event stays visible, so one event never fires it.

`Increase(errors, window="1m")` is above 0 for one minute after an error. With `hold="5m"` the rule "there
must be none" becomes "there must be none for five minutes on end". The same goes for a change of state.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Changed, Increase, Rollout
from handrail.lint.finding import Finding, finding
from handrail.lint.limits import UPPER, Use, figures, inner, uses
from handrail.units import duration

NAME = "hold-outlasts-event"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every tier that a single event breaches."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            window = _visible(use)
            if use.tier is not None and window and duration(use.tier.hold) >= duration(window):
                what = f"holds for {use.tier.hold} what one event shows for {window}, so one event never fires it"
                cure = "shorten hold= or widen window="
                yield finding(NAME, use.tier, what, cure, "hold", about=guardrail)


def _visible(use: Use) -> str | None:
    if isinstance(use.limit, Changed):
        return use.limit.window
    measure = inner(use.measure)
    single = isinstance(use.limit, UPPER) and any(figure.value < 1 for figure in figures(use.limit))
    return measure.window if isinstance(measure, Increase) and single else None
