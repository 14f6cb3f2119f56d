"""An alert of a public rule set → a guardrail of that name; each of its tiers is one alert."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from handrail.declare import Critical, Emergency, Guardrail, Runbook, Warning
from handrail.declare.measures import Measure, PromQL

LASTS = {"sustained-outlasts-event": "only errors that go on count"}
"""For rates of errors that must last longer than the window in which one is seen."""
RUNBOOK = Runbook("What this alert is about.", look=["Its public runbook."], fix=["What that says."])


def public(
    alert: str,
    measure: Measure,
    *tiers: Warning | Critical | Emergency,
    why: str = "",
    accept: Mapping[str, str] = MappingProxyType({}),
) -> Guardrail:
    """`why` says what no typed word says, where `measure` is free PromQL; `accept` goes to the guardrail."""
    name = re.sub(r", |(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", alert).lower()
    accept = {**accept, **({"free-promql": why} if isinstance(measure, PromQL) else {})}
    return Guardrail(name, measure, tiers=tiers, title=alert, runbook=RUNBOOK, accept=accept)
