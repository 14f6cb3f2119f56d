"""unknown-stage: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.unknown_stage import NAME


def test_a_stage_with_a_typo_is_named_with_the_one_that_was_meant() -> None:
    tiers = """
        tiers=[
            Warning(
                Above({
                    "10%": "5%",
                    "5O%": "1%",
                })
            )
        ]
    """
    assert found(NAME, "stages=STAGES", "arms=ARMS", guardrail(tiers)) == [
        (
            '"5O%": "1%",',
            "fatal: 'errors' has a limit for stage '5O%', which does not exist; did you mean '50%'?",
        )
    ]


def test_a_stage_of_a_rollout_without_any_is_unknown() -> None:
    assert found(NAME, guardrail('tiers=[Warning(Above({"canary": "5%"}))]')) == [
        (
            'tiers=[Warning(Above({"canary": "5%"}))],',
            "fatal: 'errors' has a limit for stage 'canary', which does not exist; the stages are: none",
        )
    ]


def test_stages_that_exist_are_fine() -> None:
    assert (
        found(NAME, "stages=STAGES", guardrail('tiers=[Warning(Above({"50%": "5%"}, otherwise="9%"))]')) == []
    )


def test_a_reference_to_a_stage_that_does_not_exist_is_refused() -> None:
    facts = guardrail('against=PreviousStage("1O%"), tiers=[Warning(Rise("10%"))]')
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts) == [
        (
            'against=PreviousStage("1O%"), tiers=[Warning(Rise("10%"))],',
            "fatal: 'errors' is compared with stage '1O%', which does not exist; the stages are: 10%, 50%, 100%",
        )
    ]
    assert found(NAME, "stages=STAGES", "arms=ARMS", facts.replace("1O%", "10%")) == []
