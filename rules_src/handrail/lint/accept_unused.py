"""accept-unused: an acceptance without a finding, or of a finding that cannot be accepted.

`accept={"free-promql": "no typed measure fits"}` says that somebody looked and why it is right as it is. Once the
finding is gone it would hide the next one. What is fatal cannot be accepted: it would not do what it says.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence

from handrail.declare import Guardrail, Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding

NAME = "accept-unused"
RENAMED: Mapping[str, str] = {
    "stage-holds": "stage-too-short",
    "hold-outlasts-event": "sustained-outlasts-event",
}
"""Old names of lints, with the names they have now. An acceptance by an old name counts for nothing."""


def check(
    rollout: Rollout, findings: Sequence[Finding], looked: Collection[str], known: Collection[str]
) -> Iterator[Finding]:
    """What the rollout and its guardrails accept against what `looked` for and found."""
    owners: list[Rollout | Guardrail] = [rollout, *rollout.guardrails]
    for owner in owners:
        about = owner if isinstance(owner, Guardrail) else None
        name = about.name if about is not None else None
        here = {f.problem.lint: f.problem.severity for f in findings if about is None or f.about == name}
        for lint in owner.accept:
            if lint in RENAMED:
                what, cure = f"accepts '{lint}', which is now '{RENAMED[lint]}'", f'write "{RENAMED[lint]}"'
            elif lint not in known:
                near = difflib.get_close_matches(lint, known, n=1)
                cure = f"did you mean '{near[0]}'?" if near else "`handrail docs lints` has them all"
                what = f"accepts '{lint}', and there is no such lint"
            elif here.get(lint) is Severity.fatal:
                what, cure = f"accepts '{lint}', which cannot be accepted", "correct it"
            elif lint in looked and lint not in here:
                what, cure = f"accepts '{lint}', which finds nothing here", "remove it"
            else:
                continue
            severity = Severity.error if lint not in known else Severity.warning
            yield finding(NAME, owner, what, cure, "accept", lint, about=about, severity=severity)
