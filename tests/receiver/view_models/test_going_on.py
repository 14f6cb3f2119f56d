"""A rollback that is under way → how far it is, which try it is, and what is tried again, where people look first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import servers
from guarded import NOW, guarded, playbook
from guarded.kept import run_of
from guarded.playbook import weights
from handrail_receiver import terminal
from handrail_receiver.model import Effect, EffectState, Run, RunState
from handrail_receiver.view_models.going_on import going_on

CANARY, STABLE = weights(0, 100)
AWAY = "unix:haproxy.sock cannot be reached; tried 8 times, trying again"
STILL = "error-rate still fires and the last rollback failed: it is tried again"
TRIED = replace(
    run_of((CANARY, STABLE)),
    effects=(Effect(0, CANARY, found=AWAY), Effect(1, STABLE, EffectState.done, "weight 90 → 100")),
)
NOT_YET = f"not yet: HAProxy web/canary on unix:haproxy.sock: weight 0 ← {AWAY}"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (run_of((CANARY, STABLE)), "0 of 2 steps done"),
        (TRIED, f"1 of 2 steps done; {NOT_YET}"),
        (replace(TRIED, round=1, reason=STILL), f"try 2: {STILL}; 1 of 2 steps done; {NOT_YET}"),
        (replace(TRIED, state=RunState.proving, text="confirmed"), f"confirmed; to be proved; {NOT_YET}"),
        (replace(TRIED, state=RunState.failed, text="it failed", finished_at=NOW), "it failed"),
    ],
    ids=["begun", "a step is tried again", "the second try", "proving", "over"],
)
def test_what_is_said_of_it(run: Run, said: str) -> None:
    assert going_on(run) == said


def test_status_says_what_is_tried_again_how_often_and_why(tmp_path: Path) -> None:
    book = playbook(steps=weights(0, 100, within=60, timeout=1))
    with guarded(tmp_path, book) as shop:
        shop.call("start")
        (tmp_path / "haproxy.sock").rename(tmp_path / "away.sock")
        shop.deliver()
        servers.until(lambda: "tried 2 times" in terminal.status(shop.status()), "the second try")
        said = next(line for line in terminal.status(shop.status()).splitlines() if "rollback: open" in line)
        (tmp_path / "away.sock").rename(tmp_path / "haproxy.sock")
        assert said.startswith("  rollback: open  0 of 2 steps done; not yet: HAProxy web/canary on unix:"), (
            said
        )
        shop.until("rollback", "done")
