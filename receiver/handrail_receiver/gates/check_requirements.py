"""What was looked at in the stage that is left → requirements of the gate: probes now, and the declared checks. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.contract import BurstFacts, GateChecks, Playbook

from handrail_receiver.gates.requirement import ONCE_BAKED, Requirement
from handrail_receiver.model import Attempt, Declared, moment_key
from handrail_receiver.outside.probes import ProbeAnswer


def probe_asked(probe: str, answer: ProbeAnswer | None, *, bakes: bool) -> Requirement:
    """Whether the service answers a probe as it should, asked once the stage has baked."""
    name = f"probe {probe}"
    if bakes:
        return Requirement("probe", name, met=False, text=f"{name}: {ONCE_BAKED}")
    if answer is None:
        text = f"{name}: unknown: it was not asked, or has not answered yet"
        return Requirement("probe", name, met=False, text=text, known=False)
    well = answer.verdict == "ok"
    text = f"{name}: {answer.text}" if well else f"{name}: {answer.verdict}: {answer.text}"
    return Requirement("probe", name, well, text, known=answer.verdict != "unknown")


def checks_asked(
    playbook: Playbook, attempt: Attempt, asked: GateChecks, made: Mapping[str, bool | None]
) -> Requirement:
    """Whether each check and load burst of the stage was made, and was well where that is asked."""
    owed = [(_called(one), moment_key(attempt, one)) for one in playbook.owed_by(attempt.stage)]
    name = f"all {len(owed)} checks of stage {attempt.stage} made" + (" and well" if asked == "ok" else "")
    if missing := [label for label, key in owed if key not in made]:
        text = f"{name}: not made yet: {', '.join(missing)}"
        return Requirement("checks", name, met=False, text=text, known=False)
    bad = [label for label, key in owed if asked == "ok" and not made[key]]
    text = f"{name}: not well: {', '.join(bad)}" if bad else name
    return Requirement("checks", name, not bad, text)


def _called(one: Declared) -> str:
    return f"load burst {one.label}" if isinstance(one, BurstFacts) else one.label
