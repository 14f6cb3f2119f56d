"""A stage that was just entered → until when it warms up, and what is judged anyway. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from handrail.contract import Playbook, TierFacts, names

from handrail_receiver.model.attempts import Attempt
from handrail_receiver.model.moments import SET_BACK


def warms_up_until(playbook: Playbook, attempt: Attempt, now: datetime) -> datetime | None:
    """When the warm-up of the attempt's stage is over; None where it has none.

    Nor where the clock was set back since the stage was entered: nobody knows when it is over, and so all is judged.
    """
    stage = next((stage for stage in playbook.stages if stage.name == attempt.stage), None)
    if stage is None or not stage.warm_up or attempt.stage_entered_at > now + SET_BACK:
        return None
    return attempt.stage_entered_at + timedelta(seconds=stage.warm_up)


def always_judged(tier: TierFacts) -> bool:
    """Whether a tier is acted on in a warm-up too: emergencies are, and whatever asks for more than a rollback."""
    return tier.tier == names.TIERS[-1] or tier.action in names.ACTING[1:]
