"""detection-too-slow: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.detection_too_slow import NAME


def stages(bake: str) -> str:
    return f'stages=[Stage("first", weight="10%", bake="{bake}"), Stage("last", weight="100%")]'


TIERS = """
    blind_after="1m",
    tiers=[
        Critical(Above("5%"), sustained="2m", action="rollback"),
    ]
"""


def test_an_alert_that_comes_after_the_stage_is_too_late() -> None:
    assert found(NAME, stages("3m"), "arms=ARMS", "rollback=UNDO", guardrail(TIERS)) == [
        (
            'Critical(Above("5%"), sustained="2m", action="rollback"),',
            (
                "error: 'errors' sees a breach in its critical tier after 3m, and stage 'first' bakes for 3m; "
                "shorten window=, sustained= or evaluate=, or lengthen bake="
            ),
        )
    ]


def test_a_slight_breach_that_comes_after_the_stage_is_worth_a_warning() -> None:
    assert [
        what for _, what in found(NAME, stages("4m"), "arms=ARMS", "rollback=UNDO", guardrail(TIERS))
    ] == [
        (
            "warning: 'errors' sees a slight breach in its critical tier after 7m45s, and stage 'first' bakes for 4m; "
            "shorten window=, sustained= or evaluate=, or lengthen bake="
        )
    ]


def test_what_is_seen_in_its_stage_is_fine() -> None:
    assert found(NAME, stages("8m"), "arms=ARMS", "rollback=UNDO", guardrail(TIERS)) == []


def test_a_rehearsal_is_judged_in_the_time_that_was_declared() -> None:
    """Its stage lasts three minutes of declared time, whatever twenty times faster makes of them."""
    facts = guardrail('tiers=[Critical(Above("5%"), sustained="2m", action="rollback")]', 'blind_after="1m"')
    rehearsal = """
        short = ForRollout("shop", stages=[Stage("10%", weight="10%", bake="150s"), Stage("100%", weight="100%")])
        here = Environment("here", faster=20, overrides=[short])
        """
    [(line, said)] = found(NAME, "stages=STAGES", "arms=ARMS", "rollback=UNDO", facts, environments=rehearsal)
    assert line == 'tiers=[Critical(Above("5%"), sustained="2m", action="rollback")],'
    assert said.startswith("error: 'errors' sees a breach in its critical tier after")
