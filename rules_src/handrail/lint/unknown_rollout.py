"""unknown-rollout: an environment names a rollout or a guardrail that does not exist, so nothing would change.

`match={"chekout": {"region": "eu"}}` leaves `checkout` judged over all regions, and an override with a typo in its
name leaves production's limit as it was; nothing says so.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from handrail.declare import Environment, ForGuardrail, Rollout
from handrail.declare.override import Override
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "unknown-rollout"


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """Every environment."""
    known = {rollout.name: [guardrail.name for guardrail in rollout.guardrails] for rollout in rollouts}
    for environment in environments:
        for name in environment.match:
            if name not in known:
                what = f"environment '{environment.name}' has matchers for rollout '{name}', which does not exist"
                cure = _cure(name, "rollouts", list(known))
                yield finding(NAME, environment, what, cure, "match", name, severity=Severity.fatal)
        for override in environment.overrides:
            yield from _override(override, environment, known)


def _override(override: Override, environment: Environment, known: dict[str, list[str]]) -> Iterator[Finding]:
    here = f"environment '{environment.name}' has an override for"
    if override.rollout not in known:
        what = f"{here} rollout '{override.rollout}', which does not exist"
        cure = _cure(override.rollout, "rollouts", list(known))
        yield finding(NAME, override, what, cure, "rollout", severity=Severity.fatal)
    elif isinstance(override, ForGuardrail) and override.guardrail not in known[override.rollout]:
        what = f"{here} guardrail '{override.guardrail}' of '{override.rollout}', which does not exist"
        cure = _cure(override.guardrail, "guardrails", known[override.rollout])
        yield finding(NAME, override, what, cure, "guardrail", severity=Severity.fatal)


def _cure(name: str, kind: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"the {kind} are: {', '.join(known)}"
