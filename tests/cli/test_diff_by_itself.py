"""`handrail generate --diff`: what a rollout now does by itself, or no longer does."""

from __future__ import annotations

from cli.places import SHOP, Shell, changed

STAGE = 'Stage("10%", weight="10%", bake="1h")'
WALKS = (
    'Stage("10%", weight="10%", bake="1h", advance="when-met", warm_up="5m", deadline="1d",'
    ' at_deadline="rollback", prolong="30m")'
)
HOLDS = 'action="hold", resume_after="15m")'


def told(shell: Shell, before: str, after: str) -> list[str]:
    shell.declare(shop=before)
    shell.handrail("generate")
    shell.declare(shop=after)
    _, said, _ = shell.handrail("generate", "--diff")
    return said.splitlines()[:-1]


def test_a_stage_that_goes_on_by_itself_is_told_with_all_that_comes_in_it(shell: Shell) -> None:
    watched = changed(SHOP, {STAGE: WALKS, "    rollback=": '    watch_after="2h",\n    rollback='})
    assert told(shell, SHOP, watched) == [
        "LOOSER   shop stage 10%: goes on automatically once the gate ahead is open",
        "LOOSER   shop stage 10%: warm-up 0s → 5m",
        "UNCLEAR  shop stage 10%: at the deadline hold → rollback",
        "tighter  shop: guarded after its last gate for 0s → 2h",
        "tighter  shop stage 10%: bakes longer without data, at most as long as it takes → 30m",
        "tighter  shop stage 10%: deadline none → 1d",
    ]


def test_a_hold_that_ends_by_itself_is_looser(shell: Shell) -> None:
    held = changed(SHOP, {'action="rollback")': 'action="hold")'})
    assert told(shell, held, changed(SHOP, {'action="rollback")': HOLDS})) == [
        "LOOSER   shop errors critical: its hold is for a person to end → over 15m after it"
    ]
