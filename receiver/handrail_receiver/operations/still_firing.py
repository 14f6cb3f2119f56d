"""What still fires when an attempt begins → what follows from it in the new attempt. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from handrail.contract import Playbook, Step, names

from handrail_receiver.decide.decide import still_fires
from handrail_receiver.model import (
    NEVER_BEGUN,
    Attempt,
    AttemptState,
    Change,
    Conditions,
    Heard,
    History,
    SetHold,
)
from handrail_receiver.model.warm_up import always_judged

DAY = timedelta(days=1)


def still_firing(
    playbook: Playbook, history: History, pinned: Mapping[str, tuple[Step, ...]], now: Conditions
) -> tuple[Change, ...]:
    """For each firing tier that asks for a rollback: that it is confirmed at once, or remembered for the end of the
    warm-up.

    Its alert may not be repeated for minutes; and an alert that is only kept firing is not confirmed.
    """
    return tuple(_carried(playbook, history, _begun(playbook, history, pinned, now), now))


def _begun(
    playbook: Playbook, history: History, pinned: Mapping[str, tuple[Step, ...]], now: Conditions
) -> History:
    """The history of the attempt that begins, as far as it is known before."""
    stage, number = playbook.stages[0].name if playbook.stages else "", history.speaks_of
    attempt = Attempt(
        id=0,
        rollout=playbook.rollout,
        service=playbook.service,
        number=number,
        state=AttemptState.active,
        stage=stage,
        stage_entered_at=now.now,
        started_at=now.now,
        started_by="",
        pinned=pinned,
    )
    by_itself = any(
        run.action in names.ACTING
        and run.asked_by == "alert"
        and run.state not in NEVER_BEGUN
        and run.decided_at > now.now - DAY
        for run in history.runs
    )
    return History(attempt, automatic_today=history.automatic_today + by_itself)


def _carried(playbook: Playbook, history: History, begun: History, now: Conditions) -> Iterator[Change]:
    warms_up, done = bool(playbook.stages and playbook.stages[0].warm_up), set[str]()
    for said in sorted(history.said, key=lambda one: one.source):
        guardrail, _, name = said.source.rpartition("/")
        tier = playbook.tier(guardrail, name)
        if not said.firing or tier is None or tier.action not in names.ACTING:
            continue
        if warms_up and not always_judged(tier):
            yield Heard(said.series, said.source, firing=True, origin=said.origin)
        elif said.source not in done:
            done.add(said.source)
            made = still_fires(said.source, playbook, begun, now)
            changes = made.changes if made else ()
            yield from changes
            for hold in (one for one in changes if isinstance(one, SetHold)):
                begun = replace(begun, attempt=begun.attempt and replace(begun.attempt, held=hold.why))
