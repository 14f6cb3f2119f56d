"""A stage of the playbook → what comes automatically in it, in words for people."""

from __future__ import annotations

from datetime import timedelta

from handrail.contract import StageFacts
from handrail.units import span

_AT_DEADLINE = {"hold": "it is held", "rollback": "it is rolled back", "page": "everybody is paged"}


def by_itself(stage: StageFacts) -> tuple[str, ...]:
    """What the receiver does in a stage without being asked, a phrase each."""
    sentences = []
    if stage.warm_up:
        sentences.append(f"after a warm-up of {_time(stage.warm_up)}, in which only emergencies are acted on")
    if stage.prolong is not None:
        sentences.append(f"up to {_time(stage.prolong)} longer while there is not enough data, then held")
    if stage.advance == "when-met":
        sentences.append("goes on automatically once the gate ahead is open")
    if stage.deadline is not None:
        sentences.append(f"{_time(stage.deadline)} after it was entered {_AT_DEADLINE[stage.at_deadline]}")
    return tuple(sentences)


def _time(seconds: float) -> str:
    return span(timedelta(seconds=seconds))
