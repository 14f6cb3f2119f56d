"""limit-turned: a limit points to the good side, so that what is healthy breaks it and what is not does not.

Of a `Ratio(bad=…)` and a `SlowerThan` more is worse, of a `Ratio(good=…)` less. `Critical(Below("5%"), action="rollback")` on the
share of failed requests rolls every healthy release back, `Drop("20%")` never sees errors rise, and
`success=Above("1%")` opens the gate to a release that fails.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Ratio, Rollout, SlowerThan
from handrail.declare.measures import Measure
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import figures, shown, uses

NAME = "limit-turned"
_OTHER = {
    "Above": "Below",
    "AtLeast": "AtMost",
    "Rise": "Drop",
    "RisePoints": "DropPoints",
}
_OTHER |= {other: one for one, other in _OTHER.items()}


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every limit of a share whose words say which side is the bad one."""
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            known = _bad(use.measure.inner)
            if known is None or use.limit.is_upper is None:
                continue
            worse, which = known
            if (use.limit.is_upper == worse) == use.wanted:
                written = shown(use.limit, figures(use.limit)[0]) if figures(use.limit) else "its limit"
                side = "asks for what is bad" if use.wanted else "finds what is good"
                what = f"{side}: {written}, and of {which} {'more' if worse else 'less'} is worse"
                cure = f"write {_OTHER[type(use.limit).__name__]}(…)"
                yield finding(NAME, use.limit, what, cure, about=guardrail)


def _bad(measure: Measure) -> tuple[bool, str] | None:
    """Whether more of it is worse, and what it is; None where its words do not say."""
    if isinstance(measure, Ratio):
        return (True, "bad=") if measure.bad is not None else (False, "good=")
    return (True, "slow ones") if isinstance(measure, SlowerThan) else None
