"""unknown-stage: a limit names a stage that the rollout does not have, so it would never be in force."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from handrail.declare import Rollout
from handrail.errors import Problem
from handrail.lint.limits import amounts, uses
from handrail.lint.problem import problem

NAME = "unknown-stage"


def check(rollout: Rollout) -> Iterator[Problem]:
    """Every limit by stage."""
    known = [stage.name for stage in rollout.stages]
    for guardrail in rollout.guardrails:
        for at, _, limit, _ in uses(guardrail):
            for stage, _ in amounts(limit):
                if stage is not None and stage not in known:
                    near = difflib.get_close_matches(stage, known, n=1)
                    cure = (
                        f"did you mean '{near[0]}'?"
                        if near
                        else f"the stages are: {', '.join(known) or 'none'}"
                    )
                    what = (
                        f"guardrail '{guardrail.name}' has a limit for stage '{stage}', which does not exist"
                    )
                    yield problem(NAME, at, what, cure)
