"""unknown-guardrail: a panel is to draw the limits of a guardrail that the rollout does not have.

The panel would be there without its lines, and nobody would miss them before they are needed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.lint.finding import Finding, finding

NAME = "unknown-guardrail"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every panel with `limits_of`."""
    known = [guardrail.name for guardrail in rollout.guardrails]
    for panel in (panel for page in rollout.dashboards for panel in page.panels):
        if panel.limits_of is not None and panel.limits_of not in known:
            near = difflib.get_close_matches(panel.limits_of, known, n=1)
            yield finding(
                NAME,
                panel,
                f"panel '{panel.title}' draws the limits of '{panel.limits_of}', which does not exist",
                f"did you mean '{near[0]}'?" if near else f"the guardrails are: {', '.join(known)}",
                "limits_of",
            )
