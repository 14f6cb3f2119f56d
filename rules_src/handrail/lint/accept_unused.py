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
FORMER: Mapping[str, str] = {
    "stage-holds": "stage-too-short",
    "hold-outlasts-event": "sustained-outlasts-event",
}
"""Lints by the names they had; an acceptance by such a name counts until version 1.0."""


def accepted(owner: Rollout | Guardrail) -> set[str]:
    """The lints whose findings `owner` accepts, by the names they have now."""
    return {FORMER.get(lint, lint) for lint in owner.accept}


def check(
    rollout: Rollout, findings: Sequence[Finding], looked: Collection[str], known: Collection[str]
) -> Iterator[Finding]:
    """What the rollout and its guardrails accept against what `looked` for and found."""
    owners: list[Rollout | Guardrail] = [rollout, *rollout.guardrails]
    for owner in owners:
        about = owner if isinstance(owner, Guardrail) else None
        name = about.name if about is not None else None
        here = {f.problem.lint: f.problem.severity for f in findings if about is None or f.about == name}
        for written in owner.accept:
            lint = FORMER.get(written, written)
            if lint != written:
                what, cure = (
                    f"accepts '{written}', which is now '{lint}'",
                    "the old name goes with version 1.0",
                )
                yield finding(
                    NAME, owner, what, cure, "accept", written, about=about, severity=Severity.warning
                )
            if lint not in known:
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
            yield finding(NAME, owner, what, cure, "accept", written, about=about, severity=severity)
