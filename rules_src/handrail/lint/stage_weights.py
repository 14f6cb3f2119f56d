"""stage-weights: the stages' shares of traffic do not rise, or cannot be set.

Where no stage gives the new version any traffic, there is nothing to guard, and where versions are told apart nothing is
judged. A stage with less traffic than the one before goes backwards. HAProxy's split is in whole percents, so 0.4 % would be
none. A stage without a weight leaves the split as it was. One that is called `10%` and has 50 % is taken for another in
limits by stage, messages and pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from handrail.declare import Rollout
from handrail.errors import Severity
from handrail.lint.common.finding import Finding, finding
from handrail.units import amount

NAME = "stage-weights"


def check(rollout: Rollout) -> Iterator[Finding]:
    """Every stage, and every two that follow each other."""
    for stage in rollout.stages if rollout.split is not None else ():
        if stage.weight is None:
            what = f"stage '{stage.name}' has no weight, so the split stays as it was"
            yield finding(NAME, stage, what, "add weight=")
        elif amount(stage.weight).value * 100 % 1:
            what = f"stage '{stage.name}' has a weight of {stage.weight}, and HAProxy's split is in whole percents"
            yield finding(NAME, stage, what, "write a whole percent", "weight", severity=Severity.fatal)
    for stage in rollout.stages:
        if stage.weight is not None and _named(stage.name) not in (None, amount(stage.weight).value):
            what = f"stage '{stage.name}' has a weight of {stage.weight}"
            cure = "give it the weight that its name says, or another name"
            yield finding(NAME, stage, what, cure, "weight", severity=Severity.warning)
    if rollout.stages and not any(stage.has_canary for stage in rollout.stages):
        what = "no stage gives the new version any traffic, so nothing of it is judged"
        yield finding(NAME, rollout, what, "give one a weight above 0%", "stages")
    weighed = [stage for stage in rollout.stages if stage.weight is not None]
    for before, stage in pairwise(weighed):
        if amount(stage.weight or 0).value <= amount(before.weight or 0).value:
            what = f"stage '{stage.name}' has no more traffic than '{before.name}' before it"
            cure = "let the shares rise"
            yield finding(NAME, stage, what, cure, "weight", severity=Severity.warning)


def _named(name: str) -> Decimal | None:
    """The share that a stage is called by."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", name)
    return Decimal(found[1]) / 100 if found else None
