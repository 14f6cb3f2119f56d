"""warm-up-outlasts-tier: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.warm_up_outlasts_tier import NAME

REST = ("arms=ARMS", "rollback=UNDO")


def stages(first: str, last: str) -> str:
    return (
        f'stages=[Stage("first", weight="10%", bake="4h", warm_up="{first}"),'
        f' Stage("last", weight="100%", warm_up="{last}")]'
    )


def tier(facts: str, kind: str = "Critical") -> str:
    return guardrail(f'tiers=[{kind}(Above("5%"), {facts})]')


def test_a_tier_that_counts_only_while_its_stages_warm_up_rolls_nothing_back() -> None:
    critical = tier('action="rollback", during="30m"')
    what = (
        "'errors' has a critical tier that counts for 30m and keeps firing for 10m, and stage 'first' warms up for "
        "{}, in which only emergencies are acted on; lengthen during=, or shorten warm_up="
    )
    line = 'tiers=[Critical(Above("5%"), action="rollback", during="30m")],'
    assert found(NAME, stages("1h", "40m"), *REST, critical) == [(line, f"error: {what.format('1h')}")]
    assert found(NAME, stages("40m", "39m"), *REST, critical) == [(line, f"warning: {what.format('40m')}")]
    assert found(NAME, stages("39m", "39m"), *REST, critical) == []


@pytest.mark.parametrize(
    ("facts", "kind", "many"),
    [
        ('action="hold", during="30m"', "Critical", 1),
        ('action="rollback", during="30m", of="attempt"', "Critical", 1),
        ('action="rollback"', "Critical", 0),
        ('action="investigate", during="30m"', "Critical", 0),
        ('action="emergency-rollback", during="30m"', "Critical", 0),
        ('action="rollback", during="30m"', "Emergency", 0),
    ],
)
def test_whatever_waits_for_the_end_of_a_warm_up_is_found(facts: str, kind: str, many: int) -> None:
    assert len(found(NAME, stages("1h", "1h"), *REST, tier(facts, kind))) == many
