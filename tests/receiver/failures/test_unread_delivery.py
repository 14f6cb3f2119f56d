"""A delivery in the inbox that this version cannot read → it is passed over, and what came after it is decided."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import servers
from guarded import guarded


def test_a_delivery_that_another_version_took_holds_up_none_behind_it(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        with closing(sqlite3.connect(tmp_path / "handrail.db")) as store:
            taken = (1, "alertmanager-1", b'{"version": "5", "alerts": []}')
            store.execute("INSERT INTO inbox (at, source, body) VALUES (?, ?, ?)", taken)
            store.commit()
        shop.deliver()
        shop.until("rollback", "done")
        told = "a delivery of alertmanager-1 that was taken by another version cannot be read"
        servers.until(lambda: told in (tmp_path / "receiver.log").read_text(), "the log to say so", within=30)
