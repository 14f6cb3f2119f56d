"""What wakes people in the five rollouts → an incident of it that they can acknowledge."""

from __future__ import annotations

from project.test_five_playbooks import FIVE, playbook


def test_whatever_escalates_and_every_emergency_opens_an_incident_that_can_be_acknowledged() -> None:
    opens = {
        rollout: {
            f"{guardrail.name}/{tier.tier}"
            for guardrail in playbook(rollout).guardrails
            for tier in guardrail.tiers
            if tier.opens_incident
        }
        for rollout in FIVE
    }
    aurigraph = playbook("aurigraph-v12").guardrails
    assert opens["aurigraph-v12"] == {
        f"{one.name}/{tier.tier}" for one in aurigraph for tier in one.tiers if tier.tier != "thin"
    }
    assert opens["mem0-redis"] == {
        f"{one.name}/{tier.tier}"
        for one in playbook("mem0-redis").guardrails
        for tier in one.tiers
        if tier.tier == "emergency"
    }
    assert opens["ruleiq"] == {"auth-attack/emergency"}
