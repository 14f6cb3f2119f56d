"""What the suites of the stores say again and again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import servers
from guarded import NOW, body
from guarded.playbook import weights
from handrail.contract import Proof
from handrail_receiver.model import Begin, Captured, Change, Decision, Open, Received, Stored, Verdict
from handrail_receiver.ports import Look
from handrail_receiver.store import Store

STEPS = weights(0, 100)
LATER = NOW + timedelta(seconds=10)
LEASE = timedelta(seconds=10)


def decision(*changes: Change, attempt: int = 0, **more: object) -> Decision:
    made = Decision(
        Verdict.act, "asked-for", "because", rollout="shop", attempt=attempt, by="alice", changes=changes
    )
    return replace(made, **more)  # type: ignore[arg-type]


def opening(
    action: str = "rollback", number: int = 0, due_at: datetime = NOW, *, supersedes: bool = False
) -> Open:
    return Open(
        action, "", number, STEPS, Proof(expr="x", at_most=0, within=9), due_at, supersedes=supersedes
    )


def new_database(server: servers.Server, folder: Path) -> str:
    """The URL of an empty database, named for the folder of a test."""
    name = f"test_{abs(hash(folder))}"
    with psycopg.connect(f"postgresql://handrail@{server.address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://handrail@{server.address}/{name}"


async def begun(store: Store, *changes: Change, rollout: str = "shop") -> Decision:
    begin = Begin("shop", "10%", {"rollback": STEPS}, "", (Captured("error-rate", "before", 0.25),))
    return await store.attempts.apply(rollout, lambda _: decision(begin, *changes, rollout=rollout), NOW)


async def delivered(store: Store, number: int = 1) -> None:
    for _ in range(number):
        await store.inbox.put(Received(NOW, "alertmanager-1", body()))


def judged(*decisions: Decision) -> Callable[[Stored, Look], list[Decision]]:
    return lambda _stored, _look: list(decisions)


def by_hand(url: str, statement: str) -> None:
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"))) as connection:
            connection.execute(statement)
            connection.commit()
    else:
        with psycopg.connect(url) as connection:
            connection.execute(statement.encode())
