"""A rollout without stages is guarded from the first minute on, until it was rolled back."""

from __future__ import annotations

from pathlib import Path

import servers
from guarded import guarded, playbook


def test_a_rollout_without_stages_is_guarded_without_a_start_until_it_is_rolled_back(tmp_path: Path) -> None:
    book = playbook().model_copy(update={"stages": ()})
    with guarded(tmp_path, book) as shop:
        servers.until(lambda: shop.status()["attempt"] is not None, "the standing attempt", within=15)
        shop.deliver()
        shop.until("rollback", "done")
        attempt = shop.status()["attempt"]
        assert (attempt["number"], attempt["state"]) == (1, "rolled-back")


def test_a_rollout_with_stages_waits_for_a_person(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook()) as shop:
        servers.until(lambda: shop.ask("GET", "/readyz", "nobody").status_code == 200, "the receiver")
        shop.deliver()
        assert shop.status()["attempt"] is None
