"""A person adopts the newest playbook for a live attempt."""

from __future__ import annotations

from dataclasses import replace

from guarded import playbook
from guarded.playbook import weights
from handrail_receiver.model import Adopt, History, Open
from handrail_receiver.operations.call_decision import decide_call

from .test_call_decision import ATTEMPT, BOOK, CONDITIONS, asked, said


def test_a_live_attempt_goes_by_its_own_playbook_until_a_person_adopts_the_newest() -> None:
    fixed = playbook(steps=weights(0, 200))
    live = History(replace(ATTEMPT, playbook=BOOK, pinned={"rollback": weights(1, 99)}))
    opened = decide_call(asked("rollback"), fixed, live, CONDITIONS).changes[-1]
    assert isinstance(opened, Open)
    assert opened.steps == weights(1, 99)
    rehearsed = asked("adopt", pinned={action.name: action.steps for action in fixed.actions}, why="fixed")
    made = decide_call(rehearsed, fixed, live, CONDITIONS)
    assert made.changes == (
        Adopt(
            fixed,
            {
                "rollback": (weights(1, 99)[0], weights(0, 200)[1]),
                "emergency-rollback": (weights(1, 99)[0], weights(0, 200)[1]),
                "security-rollback": (weights(1, 99)[0], weights(0, 200)[1]),
            },
            "",
        ),
    )
    assert made.text == (
        "it continues with the newest playbook (alice: fixed); changed: "
        "actions rollback steps haproxy-weight 2 weight: 100 → 200; "
        "actions emergency-rollback steps haproxy-weight 2 weight: 100 → 200; "
        "actions security-rollback steps haproxy-weight 2 weight: 100 → 200"
    )
    assert said(asked("adopt"), live)[1] == "adopted-already"
    assert decide_call(replace(rehearsed, why=""), fixed, live, CONDITIONS).reason == "no-reason"
    gone = playbook(stages=BOOK.stages[1:])
    assert decide_call(rehearsed, gone, live, CONDITIONS).reason == "no-stage"
