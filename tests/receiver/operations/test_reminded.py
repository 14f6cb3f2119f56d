"""Whoever has acknowledged an incident is no longer reminded of its rollback, and hears when something undoes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from guarded import NOW, ROLLOUT, playbook
from handrail_receiver.model import Acknowledged, Incident, IncidentEvent, Note, SetHold, Verdict
from handrail_receiver.operations.drift import TargetStates, changed, unfinished

from .test_drift import BACK, BROKEN, CANARY, HELD, HISTORY, ROLLING, TEXT, at

ONE = Incident("shop-7", ROLLOUT, 7, 2, NOW, NOW, "rollback", "errors are critical", "alert")
HAS = replace(ONE, acknowledged=Acknowledged(NOW + timedelta(seconds=350), "bob", timedelta(seconds=350)))
MISSING = TargetStates((), (), missing=((CANARY, "weight 10"),))


def test_reminders_end_with_an_acknowledgement() -> None:
    text = f"{HELD}; still so 5 min later"
    reminded = replace(BROKEN, attempt=replace(ROLLING, held=text))
    assert (
        unfinished(playbook(), replace(reminded, incidents=(ONE,)), MISSING, at(3600)).verdict == Verdict.tell
    )
    assert (
        unfinished(playbook(), replace(reminded, incidents=(HAS,)), MISSING, at(3600)).verdict
        == Verdict.repeat
    )


def test_what_undoes_a_rollback_asks_those_again_who_have_acknowledged_it() -> None:
    undone = Note(7, IncidentEvent.undone, TEXT)
    assert changed(playbook(), replace(HISTORY, incidents=(HAS,)), BACK, at(60)).changes == (
        SetHold(TEXT),
        undone,
    )
    assert changed(playbook(), HISTORY, BACK, at(60)).changes == (SetHold(TEXT),), (
        "a closed incident stays closed"
    )
    both = f"{HELD}; {TEXT}"
    early = replace(ONE, acknowledged=Acknowledged(NOW, "bob", timedelta()))
    broken = unfinished(playbook(), replace(BROKEN, incidents=(early,)), BACK, at(60))
    assert broken.changes == (SetHold(both), Note(7, IncidentEvent.undone, both))
