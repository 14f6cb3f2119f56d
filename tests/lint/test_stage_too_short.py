"""stage-too-short: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.stage_too_short import NAME


def test_a_limit_that_must_be_sustained_for_longer_than_its_stage_bakes_never_is() -> None:
    tiers = """
        tiers=[
            Critical(
                Above("5%"),
                sustained="5h",
            ),
        ]
    """
    assert found(NAME, "stages=STAGES", "arms=ARMS", guardrail(tiers)) == [
        (
            'sustained="5h",',
            (
                "error: 'errors' fires its critical tier once sustained for 5h, and stage '50%' bakes for 4h; "
                "shorten sustained= or lengthen bake="
            ),
        )
    ]


def test_only_stages_in_which_the_limit_is_in_force_count() -> None:
    facts = guardrail('tiers=[Critical(Above({"10%": "5%"}), sustained="5h")]')
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == []


def test_a_stage_without_traffic_does_not_count() -> None:
    stages = 'stages=[Stage("0%", weight="0%", bake="1m"), Stage("100%", weight="100%")]'
    assert (
        found(NAME, stages, guardrail('tiers=[Critical(Above("5%"), sustained="5m")], blind_after="2m"'))
        == []
    )


def test_a_guardrail_that_says_too_late_that_it_is_blind_is_found() -> None:
    stages = 'stages=[Stage("10%", weight="10%", bake="5m"), Stage("100%", weight="100%")]'
    assert found(NAME, stages, guardrail('tiers=[Critical(Above("5%"))]')) == [
        (
            "Guardrail(",
            (
                "error: 'errors' says that it is blind after 5m, and stage '10%' bakes for 5m; "
                "shorten blind_after= or lengthen bake="
            ),
        )
    ]


def test_a_stage_that_is_not_the_last_needs_an_end() -> None:
    stages = """
        stages=[
            Stage("10%", weight="10%"),
            Stage("100%", weight="100%"),
        ]
    """
    assert found(NAME, stages, guardrail('tiers=[Warning(Above("5%"))]')) == [
        ('Stage("10%", weight="10%"),', "error: stage '10%' is not the last and has no bake time; add bake=")
    ]


def test_limits_that_are_sustained_in_their_stages_are_fine() -> None:
    facts = guardrail('tiers=[Critical(Above("5%"), sustained="239m")]')
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == []
