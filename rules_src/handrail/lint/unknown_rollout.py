"""unknown-rollout: an environment has matchers for a rollout that nobody declares, so they would match nothing.

`match={"chekout": {"region": "eu"}}` leaves `checkout` judged over all regions, and nothing says so.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from handrail.declare import Environment, Rollout
from handrail.errors import Severity
from handrail.lint.finding import Finding, finding

NAME = "unknown-rollout"


def across(rollouts: Sequence[Rollout], environments: Sequence[Environment]) -> Iterator[Finding]:
    """Every environment."""
    known = [rollout.name for rollout in rollouts]
    for environment in environments:
        for name in environment.match:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                what = f"environment '{environment.name}' has matchers for rollout '{name}', which does not exist"
                cure = f"did you mean '{near[0]}'?" if near else f"the rollouts are: {', '.join(known)}"
                yield finding(NAME, environment, what, cure, "match", name, severity=Severity.fatal)
