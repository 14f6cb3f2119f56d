"""`handrail store …` → tables for people, JSON for programs, an exit code for both."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest
from cli.places import Shell
from guarded import NOW, body
from handrail_receiver.model import Received
from handrail_receiver.store import Store, open_store
from ports.store_cases import begun, judged, opening

EVIDENCE = """\
Evidence
at                       rollout  attempt  record  kind      what     about  text
2026-03-01 03:00:00 UTC  shop     1        2       decision  decided         because (asked by alice)
"""
RUNS = """\
Runs
decided                  rollout  attempt  action    state     asked by  acted    finished  why, and the result
2026-03-01 03:00:00 UTC  shop     1        rollback  open      alice     not yet  not yet   because
                                                     intended                               HAProxy web/canary on unix:haproxy.sock: weight 0
                                                     intended                               HAProxy web/stable on unix:haproxy.sock: weight 100
"""
NOTIFICATIONS = """\
Notifications
number  at                       from  rollouts  firing  resolved  result  reason
1       2026-03-01 03:00:00 UTC  am-1  shop      1       0         ignore  no-alerts: the delivery lists no alert
2       2026-03-01 03:00:00 UTC  am-1  shop      1       0         waits
"""
NO_NOTIFICATIONS = """\
Notifications
number  at  from  rollouts  firing  resolved  result  reason
"""


@pytest.fixture(autouse=True)
def _store(shell: Shell) -> None:
    async def keep() -> None:
        store: Store = open_store(f"sqlite:{shell.folder / 'handrail.db'}", 10)
        store.engine.start()
        await begun(store, opening())
        for _ in range(2):
            await store.inbox.put(Received(NOW, "am-1", body()))
        await store.inbox.settle(judged(), NOW, 1)
        await store.memory.remember("asked", datetime.now(UTC))
        await store.engine.close()

    asyncio.run(keep())


@pytest.mark.parametrize(
    ("question", "table"),
    [
        (("evidence", "shop", "--attempt", "1", "--kind", "decision"), EVIDENCE),
        (("runs", "shop", "--attempt", "1", "--since", "2026-02-28"), RUNS),
        (("notifications", "--rollout", "shop", "--since", "2026-03-01T03:00"), NOTIFICATIONS),
        (("notifications", "--since", "1h"), NO_NOTIFICATIONS),
    ],
    ids=["evidence", "runs", "notifications", "nothing since then"],
)
def test_in_a_pipe_it_is_aligned_text(shell: Shell, question: tuple[str, ...], table: str) -> None:
    assert shell.handrail("store", *question) == (0, table, "")


def test_status_says_in_lines_what_is_stuck_and_exits_with_1(shell: Shell) -> None:
    code, said, wrong = shell.handrail("store", "status")
    assert code == 1
    assert said.splitlines()[:3] == [
        "Store",
        "fact                     value",
        f"where                    {shell.folder / 'handrail.db'} (SQLite)",
    ]
    assert [line.partition(" since ")[0] for line in wrong.splitlines()] == [
        "handrail: error: notifications wait",
        "handrail: error: rollback of shop is open",
    ]


@pytest.mark.parametrize("question", ["status", "notifications", "runs", "evidence", "verify"])
def test_every_question_has_an_answer_in_json(shell: Shell, question: str) -> None:
    _, said, _ = shell.handrail("store", question, "--json")
    found = json.loads(said)
    assert sorted(found) == {
        "status": ["held", "kind", "migrations", "problems", "reusable", "room", "seen", "size", "where"],
        "verify": ["chains", "damage", "missed"],
    }.get(question, [question])


def test_broken_evidence_is_named_and_exits_with_1(shell: Shell) -> None:
    assert shell.handrail("store", "verify")[0] == 0
    with closing(sqlite3.connect(shell.folder / "handrail.db", isolation_level=None)) as other:
        other.execute("DROP TRIGGER evidence_is_not_changed")
        other.execute("UPDATE evidence SET kind = 'note'")
    code, said, wrong = shell.handrail("store", "verify")
    assert (code, "BROKEN at record 1" in said) == (1, True)
    assert wrong.startswith("handrail: error: evidence of shop: record 1 does not fit the one before: ")


def test_a_copy_is_made_once_and_checked(shell: Shell) -> None:
    code, said, wrong = shell.handrail("store", "backup", "copy.db")
    assert (code, said.splitlines()[-1], wrong) == (0, "copied to copy.db", "")
    assert shell.handrail("store", "verify", "--store", "sqlite:copy.db")[0] == 0
    assert shell.handrail("store", "backup", "copy.db") == (
        (2, "", "handrail: error: copy.db is there already; name a new file\n")
    )


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        (("runs", "shp"), "the store knows no rollout 'shp'; use one of: shop"),
        (("runs", "--since", "soon"), "--since soon: write 90m, 12h, 2d, 2026-03-01 or 2026-03-01T02:30"),
        (
            ("status", "--store", "mysql:x"),
            "mysql:x is not a store; write sqlite:PATH or postgresql://USER@HOST:PORT/DATABASE",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_to_do(
    shell: Shell, question: tuple[str, ...], problem: str
) -> None:
    assert shell.handrail("store", *question) == (2, "", f"handrail: error: {problem}\n")


def test_without_the_receiver_it_names_the_package(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "handrail_receiver.store_commands.questions", None)
    code, _, wrong = shell.handrail("store", "status")
    assert (code, "pip install 'handrail[receiver]'" in wrong) == (2, True)
