"""unknown-guardrail: a panel draws the limits of a guardrail that the rollout does not have.

The panel would be there, and its line would not: a curve without a limit looks fine at any height.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.finding import Finding, finding

NAME = "unknown-guardrail"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every panel that names a guardrail."""
    known = [guardrail.name for guardrail in rollout.guardrails]
    for panel in (panel for dashboard in rollout.dashboards for panel in dashboard.panels):
        if panel.limits_of is not None and panel.limits_of not in known:
            near = difflib.get_close_matches(panel.limits_of, known, n=1)
            cure = f"did you mean '{near[0]}'?" if near else f"the guardrails are: {', '.join(known)}"
            what = f"panel '{panel.title}' draws the limits of '{panel.limits_of}', which does not exist"
            yield finding(NAME, panel, what, cure, "limits_of")
