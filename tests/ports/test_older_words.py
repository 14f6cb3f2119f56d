"""Rows that another version wrote in other words, which mean the same."""

from __future__ import annotations

import json

import pytest
from guarded import NOW
from handrail_receiver.model import AttemptState, Effect, EffectState, Progress, RunState, SetState
from handrail_receiver.store import Store
from handrail_receiver.store.engine import Tx
from ports.store_cases import LATER, LEASE, STEPS, begun, opening

pytestmark = pytest.mark.anyio


async def test_what_a_rollback_did_again_has_not_failed_in_whichever_words_that_is_kept(store: Store) -> None:
    """An emergency rollback failed in a step that the rollback has too, and that gets through."""
    rolling_back = SetState(AttemptState.rolling_back)
    await begun(store, rolling_back, opening("emergency-rollback"), opening("rollback"))
    runs = {run.action: run for run in await store.runs.lease("me", NOW, LEASE)}
    failed = Effect(0, STEPS[0], EffectState.failed, "it cannot be reached")
    broken = Progress(RunState.failed, "it failed", failed, finished_at=NOW)
    await store.runs.record(runs["emergency-rollback"], broken, NOW)
    await store.engine.write(_in_other_words)
    through = Progress(RunState.done, finished_at=LATER, attempt_state=AttemptState.rolled_back)
    await store.runs.record(runs["rollback"], through, LATER)
    attempt = (await store.attempts.history("shop", LATER)).attempt
    assert attempt is not None
    assert attempt.state == AttemptState.rolled_back


def _in_other_words(tx: Tx) -> None:
    for row in tx.rows("SELECT run, position, step FROM effect"):
        said = json.dumps(dict(sorted(json.loads(row["step"]).items(), reverse=True)))
        sql = "UPDATE effect SET step = :said WHERE run = :run AND position = :position"
        tx.count(sql, said=said, run=row["run"], position=row["position"])
