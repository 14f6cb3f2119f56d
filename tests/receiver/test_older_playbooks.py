"""Playbooks that an older version wrote, in a file or as an attempt's copy → read as those of now."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from guarded import guarded


def test_a_stage_whose_bake_time_was_called_hold_bakes_as_long(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        shop.call("promote", to="50%")
        gate = shop.status()["gate"]
        assert [ask["kind"] for ask in gate["asks"] if not ask["met"]] == ["bake"]
        with closing(sqlite3.connect(tmp_path / "handrail.db")) as store, store:
            change = """UPDATE attempt SET playbook = replace(playbook, '"bake"', '"hold"')"""
            assert store.execute(f"{change} WHERE playbook LIKE '%\"bake\"%'").rowcount == 1
        file = tmp_path / "playbook/shop.json"
        file.write_text(file.read_text().replace('"bake"', '"hold"'))
        assert file.read_text().count('"hold":') == 3
        assert shop.status()["gate"] == gate
        assert shop.ask("GET", "/readyz", "nobody").json() == {"status": "ready", "problems": []}
        assert shop.call("adopt")["text"] == "nothing changes: it follows the newest playbook already"
