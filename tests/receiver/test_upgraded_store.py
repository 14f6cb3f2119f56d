"""The store and the playbook of the version before → this receiver goes on with its attempt.

`tests/golden/before` holds what that version wrote: attempt 1 was rolled back, attempt 2 is in its first stage.
"""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
from guarded import alert, body, guarded
from handrail.contract import Playbook
from handrail_receiver import store
from handrail_receiver.store_commands.opening import opened
from handrail_receiver.store_commands.verify import problems, verify

BEFORE = Path(__file__).parents[1] / "golden/before"
ADDS = (
    "ALTER TABLE ",
    "CREATE FUNCTION ",
    "CREATE INDEX ",
    "CREATE OR REPLACE FUNCTION ",
    "CREATE TABLE ",
    "CREATE TRIGGER ",
    "INSERT INTO ",
)


def old_store(folder: Path) -> Path:
    """The store of the version before, whose attempt began an hour ago."""
    path = folder / "handrail.db"
    with closing(sqlite3.connect(path)) as made, made:
        made.executescript((BEFORE / "store.sql").read_text())
        made.execute(
            "UPDATE attempt SET started_at = :at, stage_entered_at = :at", {"at": time.time() - 3600}
        )
    return path


def old_playbook() -> Playbook:
    return Playbook.model_validate_json((BEFORE / "generated/playbook/shop.json").read_bytes())


def test_an_attempt_of_the_version_before_is_guarded_and_rolled_back(tmp_path: Path) -> None:
    old_store(tmp_path)
    with guarded(tmp_path, old_playbook()) as shop:
        found = shop.status()
        assert (found["attempt"]["number"], found["attempt"]["phase"], found["attempt"]["stage"]) == (
            2,
            "baking",
            "10%",
        )
        assert shop.runs() == [("start", "done")]
        assert shop.ask("GET", "/readyz", "nobody").json() == {"status": "ready", "problems": []}
        shop.deliver(body(alert("error-rate", "critical")))
        shop.until("rollback", "proving")
        assert shop.weights() == (0, 100)


def test_the_evidence_of_the_version_before_is_whole_and_goes_on(tmp_path: Path) -> None:
    path = old_store(tmp_path)
    with guarded(tmp_path, old_playbook()) as shop:
        shop.call("hold", why="an upgrade")
    with opened(f"sqlite:{path}") as known:
        view = verify(known)
        assert problems(view) == []
        assert [(one.rollout, one.records > 14) for one in view.chains] == [("shop", True)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_migration_only_adds_so_that_a_receiver_of_before_that_runs_goes_on(dialect: str) -> None:
    scripts = (files(store) / "migrations" / dialect).iterdir()
    text = "\n".join(script.read_text() for script in scripts)
    for aside in (r"--[^\n]*", r"'(?:[^']|'')*'", r"\bBEGIN\b.*?\bEND\b"):
        text = re.sub(aside, "", text, flags=re.DOTALL)
    statements = [" ".join(one.split()) for one in text.split(";")]
    assert [one for one in statements if one and not one.startswith(ADDS)] == []
    altered = [one for one in statements if one.startswith("ALTER")]
    assert [one for one in altered if not re.search(r" ADD COLUMN \w+ .*\bDEFAULT\b", one)] == []
