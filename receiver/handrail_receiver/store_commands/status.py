"""A store → where it is, what it holds, and what is wrong with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel

from handrail_receiver.store.migrate import names_of
from handrail_receiver.store.rows import IS_OPEN, instant
from handrail_receiver.store_commands.opening import DIALECTS, Opened, migrations
from handrail_receiver.words.times import span

WAITS_LONG = timedelta(seconds=30)
DAY = timedelta(days=1)
SILENT_LONG = timedelta(minutes=5)
LITTLE_ROOM = 200_000_000


class HeldView(BaseModel):
    """How much of one thing the store holds; `open` are those with which somebody is not done."""

    what: str
    number: int
    open: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


class StatusView(BaseModel):
    """Where the store is and what it holds. Sizes are bytes; `room` is what the disk has left, None elsewhere.

    `seen` is when a receiver last left a sign of life in it; `problems` is empty when all is well.
    """

    where: str
    kind: str
    migrations: list[str]
    size: int
    reusable: int | None
    room: int | None
    seen: datetime | None
    held: list[HeldView]
    problems: list[str]


def status(store: Opened, now: datetime) -> StatusView:
    """How the store is at `now`."""
    size, reusable = _size(store)
    view = StatusView(
        where=store.place,
        kind=store.kind,
        migrations=sorted(migrations(store)),
        size=size,
        reusable=reusable,
        room=shutil.disk_usage(store.file.parent).free if store.file else None,
        seen=_instant(store, "SELECT MAX(at) AS at FROM memory"),
        held=[
            _held(store, "notifications", "inbox", "at", "result IS NULL"),
            _held(
                store, "attempts", "attempt", "started_at", "state IN ('active', 'finishing', 'rolling-back')"
            ),
            _held(store, "runs", "run", "decided_at", IS_OPEN),
            _held(store, "evidence records", "evidence", "at", "1 = 0"),
            _untold(store),
        ],
        problems=[],
    )
    return view.model_copy(update={"problems": list(_problems(store, view, now))})


def _size(store: Opened) -> tuple[int, int | None]:
    """Bytes on disk, and how many of them lie inside the file to be used again."""
    if store.file is None:
        return int(store.rows("SELECT pg_database_size(current_database()) AS size")[0]["size"]), None
    files = (store.file.with_name(store.file.name + ending) for ending in ("", "-wal", "-shm"))
    free, page = (int(store.rows(f"PRAGMA {name}")[0][name]) for name in ("freelist_count", "page_size"))
    return sum(file.stat().st_size for file in files if file.exists()), free * page


def _held(store: Opened, what: str, table: str, at: str, is_open: str) -> HeldView:
    counted = (
        f"SELECT COUNT(*) AS number, COALESCE(SUM(CASE WHEN {is_open} THEN 1 ELSE 0 END), 0) AS open,"  # noqa: S608  our own words
        f" MIN({at}) AS oldest, MAX({at}) AS newest FROM {table}"
    )
    (row,) = store.rows(counted)
    oldest, newest = (None if row[name] is None else instant(row[name]) for name in ("oldest", "newest"))
    return HeldView(what=what, number=row["number"], open=row["open"], oldest=oldest, newest=newest)


def _untold(store: Opened) -> HeldView:
    sql = "SELECT COUNT(*) AS number, COALESCE(SUM(CASE WHEN wanted > sent THEN 1 ELSE 0 END), 0) AS open FROM telling"
    (row,) = store.rows(sql)
    return HeldView(what="messages to people", number=row["number"], open=row["open"])


def _instant(store: Opened, sql: str, **values: object) -> datetime | None:
    at = store.rows(sql, **values)[0]["at"]
    return None if at is None else instant(at)


def _problems(store: Opened, view: StatusView, now: datetime) -> Iterator[str]:
    missing = sorted(set(names_of(DIALECTS[store.kind])) - set(view.migrations))
    if missing:
        yield f"it is of an older version than this program; the receiver's next start adds {', '.join(missing)}"
    if view.seen is None or now - view.seen > SILENT_LONG:
        since = f"for {span(now - view.seen)}" if view.seen else "yet"
        yield f"no receiver has left a sign of life in it {since}; is one running?"
    waiting = _instant(store, "SELECT MIN(at) AS at FROM inbox WHERE result IS NULL")
    if waiting is not None and now - waiting > WAITS_LONG:
        yield f"notifications wait since {span(now - waiting)} and nobody decides; look into the receiver's log"
    yield from _left_alone(store, now)
    yield from _not_told(store, now)
    if view.room is not None and view.room < LITTLE_ROOM:
        yield f"the disk has {view.room // 1_000_000} MB left; make room before it is full"


def _left_alone(store: Opened, now: datetime) -> Iterator[str]:
    """Runs that are due, and that no living receiver has."""
    open_runs = (
        "SELECT attempt.rollout, run.action, run.due_at FROM run JOIN attempt ON attempt.id = run.attempt"  # noqa: S608  our own words
        f" WHERE {IS_OPEN} AND run.due_at < :due AND attempt.leased_until < :now"
        " ORDER BY run.id"
    )
    for row in store.rows(open_runs, due=(now - WAITS_LONG).timestamp(), now=now.timestamp()):
        since = span(now - instant(row["due_at"]))
        yield f"{row['action']} of {row['rollout']} is open since {since} and nobody works on it; look at its target"


def _not_told(store: Opened, now: datetime) -> Iterator[str]:
    """Who could not be told within the last day; what is older, somebody has heard of by now."""
    sql = "SELECT rollout, problem FROM telling WHERE problem <> '' AND due_at > :since ORDER BY id DESC LIMIT 10"
    for row in store.rows(sql, since=(now - DAY).timestamp()):
        yield f"somebody was not told of {row['rollout']}: {row['problem']}"
