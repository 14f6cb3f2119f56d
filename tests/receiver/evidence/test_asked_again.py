"""A snapshot that Prometheus could not give at its decision is asked for again when somebody wants the evidence."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from guarded import new_store, write_playbook
from handrail_receiver.errors import Cause, TargetError
from handrail_receiver.evidence.live_answers import Lookout
from handrail_receiver.evidence.snapshot import DECIDED
from handrail_receiver.evidence.snapshot_taker import Snapshots
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store import Store, open_store
from ports.store_cases import begun

from .kept import NOW, Known, book


class TwentySecondsLater:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Always the same."""
        return NOW + timedelta(seconds=20)


async def decisions_with_samples(store: Store) -> list[int]:
    """The numbers of the decisions that samples were kept of."""
    kept = await store.evidence.newest("shop", 10, only=(DECIDED,))
    return [number for record in kept for number in json.loads(record.body)["of"]]


def test_what_prometheus_could_not_say_of_a_decision_is_asked_again_when_somebody_wants_the_evidence(
    tmp_path: Path,
) -> None:
    playbooks = Playbooks(write_playbook(tmp_path, book()), lambda _: None)
    playbooks.refresh()
    prometheus = Known(loaded=TargetError(Cause.unreachable, "no answer"))

    async def story() -> None:
        store = open_store(new_store(tmp_path / "handrail.db"), 10)
        store.engine.start()
        await begun(store)
        nobody = cast("Lookout", None)  # probes and targets are asked by checks alone
        snapshots = Snapshots(store, playbooks, prometheus, nobody, TwentySecondsLater(), str)
        await snapshots.catch_up("shop")
        assert await decisions_with_samples(store) == []
        prometheus.loaded = Known().loaded
        await asyncio.gather(*(snapshots.catch_up("shop") for _ in range(3)))
        assert await decisions_with_samples(store) == [1]
        await store.engine.close()

    asyncio.run(story())
