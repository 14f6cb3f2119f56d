"""unknown-guardrail: a panel should draw the limits of a guardrail that the rollout does not have, or cannot draw
them.

The panel would lack its lines, and nobody would notice until they are needed. Limits are drawn as lines over curves
of the same unit: not in a figure, a table or a band of states, and not 5 % among seconds.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from handrail.declare import Guardrail, Panel, Rollout
from handrail.declare.dashboard import drawn
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.measured import curves
from handrail.lint.limit_wrong_unit import unit_of

NAME = "unknown-guardrail"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every panel with `limits_of`."""
    known = {guardrail.name: guardrail for guardrail in rollout.guardrails}
    for panel in (panel for page in rollout.dashboards for panel in drawn(page)):
        if panel.limits_of is None:
            continue
        limited = known.get(panel.limits_of)
        wrong = _unknown(panel.limits_of, list(known)) if limited is None else _undrawn(panel, limited)
        if wrong is not None:
            what, cure = wrong
            said = f"panel '{panel.title}' draws the limits of '{panel.limits_of}', {what}"
            yield finding(NAME, panel, said, cure, "limits_of")


def _unknown(name: str, known: list[str]) -> tuple[str, str]:
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"did you mean '{near[0]}'?" if near else f"the guardrails are: {', '.join(known)}"
    return "which does not exist", cure


def _undrawn(panel: Panel, limited: Guardrail) -> tuple[str, str] | None:
    if panel.show != "curves":
        return f"and shows {panel.show}, which have no place for them", 'write show="curves"'
    drawn, unit = unit_of(curves(panel)[0]), unit_of(limited.measure)
    if drawn is not unit:
        return f"which are in {unit}, and its curves are in {drawn}", "draw a curve in the limits' unit first"
    return None
