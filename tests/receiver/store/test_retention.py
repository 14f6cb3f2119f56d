"""What is old enough goes by itself, by the settings; what was done and why stays."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import servers
from guarded import NOW, Guarded, body, guarded
from handrail_receiver.model import Received
from handrail_receiver.store import open_store
from handrail_receiver.store_commands.listing import Filter, notifications
from handrail_receiver.store_commands.opening import opened
from handrail_receiver.store_commands.questions import Questions
from handrail_receiver.store_commands.status import status

MANY = 1000


def results(shop: Guarded) -> list[str]:
    with opened(shop.env["HANDRAIL_STORE"]) as store:
        return [one.result for one in notifications(store, Filter())]


def done_and_why(shop: Guarded) -> tuple[str, str]:
    ask = Questions(shop.env["HANDRAIL_STORE"])
    return ask.runs("", None, None, 100).document, ask.evidence("", None, "", None, 100).document


def test_repeats_go_first_then_every_delivery_and_never_what_was_done(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        same = body()
        shop.deliver(same)
        shop.until("rollback", "done")
        shop.deliver(same)
        servers.until(lambda: results(shop) == ["act", "repeat"], "both decided")
        before = done_and_why(shop)
    with guarded(tmp_path, KEEP_REPEATS="0.01") as shop:
        servers.until(lambda: results(shop) == ["act"], "the repeat to go")
    with guarded(tmp_path, KEEP_NOTIFICATIONS="0.01") as shop:
        servers.until(lambda: results(shop) == [], "all deliveries to go")
        after = done_and_why(shop)
    assert after[0] == before[0]
    assert len(json.loads(before[0])["runs"]) == 2
    # HAProxy starts again with its file's weights, which the receiver sees and adds.
    kept, known = (json.loads(evidence)["evidence"] for evidence in (after[1], before[1]))
    assert [record for record in kept if record in known] == known


def test_the_room_of_what_went_is_used_again(tmp_path: Path) -> None:
    file, later = tmp_path / "handrail.db", NOW + timedelta(seconds=1)

    async def filled() -> int:
        """The size of the file after as many deliveries, once those from before are gone."""
        store = open_store(f"sqlite:{file}", 2 * MANY)
        store.engine.start()
        await store.retention.drop(later, later)
        await asyncio.gather(*(store.inbox.put(Received(NOW, "am-1", body())) for _ in range(MANY)))
        while await store.inbox.settle(lambda _stored, _look: [], NOW, 100):
            continue
        await store.engine.close()
        return file.stat().st_size

    first, *others = [asyncio.run(filled()) for _ in range(3)]
    assert first > 700 * MANY
    assert max(others) < 1.1 * first
    with opened(f"sqlite:{file}") as store:
        assert status(store, NOW).held[0].number == MANY
