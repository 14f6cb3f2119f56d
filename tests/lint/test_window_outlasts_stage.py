"""window-outlasts-stage: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.window_outlasts_stage import NAME

STAGES = 'stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]'
WIDE = 'Ratio(bad="errors_total", of="requests_total", window="2h")'


def test_a_window_longer_than_the_stage_judges_the_stage_before() -> None:
    facts = guardrail('tiers=[Critical(Above("5%"), action="rollback")]', measure=WIDE)
    assert found(NAME, STAGES, "rollback=UNDO", facts) == [
        (
            f"{WIDE},",
            (
                "warning: 'errors' looks back over 2h, and stage '10%' bakes for 1h; "
                "shorten window= or lengthen bake="
            ),
        )
    ]


def test_what_a_person_looks_at_may_look_back_further() -> None:
    assert found(NAME, STAGES, guardrail('tiers=[Warning(Above("5%"))]', measure=WIDE)) == []


def test_a_window_within_the_stage_is_fine() -> None:
    facts = guardrail('tiers=[Critical(Above("5%"), action="rollback")]', 'success=Below("1%")')
    assert found(NAME, STAGES, "rollback=UNDO", facts) == []
