"""unknown-stage: a limit or a reference names a stage that the rollout does not have.

The limit would never be in force, and the reference never captured.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from handrail.declare import PreviousStage, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.lint.common.limit_figures import figures, uses

NAME = "unknown-stage"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every limit by stage."""
    known = [stage.name for stage in rollout.stages]
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            against = use.against
            if isinstance(against, PreviousStage) and against.stage and against.stage not in known:
                what = f"is compared with stage '{against.stage}', which does not exist"
                cure = f"the stages are: {', '.join(known) or 'none'}"
                fatal = Severity.fatal
                yield finding(NAME, against, what, cure, "stage", about=guardrail, severity=fatal)
    for guardrail in rollout.guardrails:
        for use in uses(guardrail):
            for figure in figures(use.limit):
                if figure.stage is not None and figure.stage not in known:
                    near = difflib.get_close_matches(figure.stage, known, n=1)
                    there_are = f"the stages are: {', '.join(known) or 'none'}"
                    yield finding(
                        NAME,
                        use.limit,
                        f"has a limit for stage '{figure.stage}', which does not exist",
                        f"did you mean '{near[0]}'?" if near else there_are,
                        *figure.path,
                        about=guardrail,
                        severity=Severity.fatal,
                    )
