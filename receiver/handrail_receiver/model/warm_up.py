"""A stage that was just entered → until when it warms up, and what is judged anyway. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from handrail.contract import Playbook, TierFacts, names

from handrail_receiver.model.attempts import Attempt


def warms_up_until(playbook: Playbook, attempt: Attempt) -> datetime | None:
    """When the warm-up of the attempt's stage is over; None where it has none."""
    stage = next((stage for stage in playbook.stages if stage.name == attempt.stage), None)
    if stage is None or not stage.warm_up:
        return None
    return attempt.stage_entered_at + timedelta(seconds=stage.warm_up)


def always_judged(tier: TierFacts) -> bool:
    """Whether a tier is acted on in a warm-up too: emergencies are, and whatever asks for more than a rollback."""
    return tier.tier == names.TIERS[-1] or tier.action in names.ACTING[1:]
