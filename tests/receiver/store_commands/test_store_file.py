"""Inspecting or copying a SQLite file changes neither it nor its neighbours nor their owner."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from guarded import NOW, Guarded, guarded
from handrail_receiver.errors import StoreDown, WrongSettings
from handrail_receiver.store import open_store
from handrail_receiver.store_commands.listing import Filter, evidence, notifications
from handrail_receiver.store_commands.opening import opened, store_url
from handrail_receiver.store_commands.questions import Questions
from handrail_receiver.store_commands.verify import verify

NOBODY = 65534


def kept(file: Path, records: int = 3) -> str:
    """A store in a file, closed again; its address."""

    async def keep() -> None:
        store = open_store(f"sqlite:{file}", 10)
        store.engine.start()
        for number in range(records):
            await store.evidence.append("shop", "note", {"number": number}, NOW)
        await store.engine.close()

    asyncio.run(keep())
    return f"sqlite:{file}"


@pytest.fixture(name="at_rest")
def _at_rest(tmp_path: Path) -> str:
    return kept(tmp_path / "handrail.db")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """As somebody who may read what everybody may read; root becomes another user for it."""
    for above in (folder, *folder.parents):
        if "/pytest-of-" in str(above):
            above.chmod(above.stat().st_mode | 0o011)
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_of_a_store_at_rest_nothing_is_changed_and_nothing_made_beside_it(
    at_rest: str, tmp_path: Path
) -> None:
    before = files(tmp_path)
    with opened(at_rest) as store:
        assert [chain.records for chain in verify(store).chains] == [3]
        assert files(tmp_path) == before
    assert files(tmp_path) == before


def test_whoever_may_read_the_file_may_look_into_it(at_rest: str, tmp_path: Path) -> None:
    (tmp_path / "handrail.db").chmod(0o444)
    with as_nobody(tmp_path), opened(at_rest) as store:
        assert len(evidence(store, Filter())) == 3


def test_a_file_that_may_not_be_read_is_said_with_the_way_to_ask(at_rest: str, tmp_path: Path) -> None:
    (tmp_path / "handrail.db").chmod(0)
    with (
        as_nobody(tmp_path),
        pytest.raises(StoreDown, match="may not be read by this user; ask as the receiver's: sudo -u"),
    ):
        Questions(at_rest).status()


def test_what_a_killed_receiver_left_in_its_log_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "handrail.db"
    kept(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as dying:
        dying.execute("PRAGMA wal_autocheckpoint = 0")
        dying.execute("INSERT INTO inbox (at, source, body) VALUES (1, 'am', X'78')")
        for part in ("handrail.db", "handrail.db-wal"):
            shutil.copy(tmp_path / part, tmp_path / f"dead-{part}")
    with opened(f"sqlite:{tmp_path / 'dead-handrail.db'}") as store:
        assert [one.source for one in notifications(store, Filter())] == ["am"]


def test_a_receiver_that_begins_while_somebody_looks_is_not_held_up_and_he_asks_again(
    at_rest: str, tmp_path: Path
) -> None:
    looking = opened(at_rest)
    looking.__enter__()
    began = open_store(at_rest, 10)
    began.engine.start()
    asyncio.run(began.evidence.append("shop", "note", {}, NOW))
    with pytest.raises(StoreDown, match=r"a receiver began to use .* meanwhile; ask again"):
        looking.__exit__(None, None, None)
    asyncio.run(began.engine.close())
    with opened(at_rest) as store:
        assert len(evidence(store, Filter())) == 4


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "there is no such file; name the store with --store, HANDRAIL_STORE or HANDRAIL_SETTINGS"),
        (b"", "is not a store of Handrail's; name the one that the receiver uses"),
        (b"something else" * 100, "cannot be read: file is not a database; see to its disk"),
    ],
)
def test_a_file_that_is_no_store_is_said(tmp_path: Path, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "handrail.db").write_bytes(content)
    with pytest.raises((WrongSettings, StoreDown), match=problem):
        Questions(f"sqlite:{tmp_path / 'handrail.db'}").status()


def test_damage_is_found(at_rest: str, tmp_path: Path) -> None:
    file = tmp_path / "handrail.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        (page,) = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'inbox_by_time'").fetchone()
        (size,) = other.execute("PRAGMA page_size").fetchone()
    content = bytearray(file.read_bytes())
    content[(page - 1) * size : (page - 1) * size + 16] = b"\xff" * 16
    file.write_bytes(content)
    (problem,) = Questions(at_rest).verify().problems
    assert problem.startswith("the file is damaged: ")
    assert problem.endswith("; restore a copy")


def test_the_store_is_the_one_given_or_the_receiver_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_url(None) == "sqlite:handrail.db"
    settings = tmp_path / "handrail.toml"
    settings.write_text('store = "sqlite:/var/lib/handrail/handrail.db"\n')
    monkeypatch.setenv("HANDRAIL_SETTINGS", str(settings))
    assert store_url(None) == "sqlite:/var/lib/handrail/handrail.db"
    monkeypatch.setenv("HANDRAIL_STORE", "sqlite:variable.db")
    assert (store_url(None), store_url("sqlite:given.db")) == ("sqlite:variable.db", "sqlite:given.db")
    monkeypatch.delenv("HANDRAIL_STORE")
    settings.write_text("store =")
    with pytest.raises(WrongSettings, match=r"handrail.toml: .*; name the store with --store or"):
        store_url(None)


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("shop"), proxy=False) as shop:
        yield shop


def test_a_copy_of_a_store_in_use_is_whole_and_one_file_that_its_owner_alone_reads(shop: Guarded) -> None:
    url, copy = shop.env["HANDRAIL_STORE"], shop.folder / "copies" / "copy.db"
    copy.parent.mkdir()
    for number in range(20):
        assert shop.deliver().status_code == 200
        if number == 10:
            answer = Questions(url).backup(copy)
    assert answer.problems == ()
    assert [path.name for path in copy.parent.iterdir()] == ["copy.db"]
    assert copy.stat().st_mode & 0o777 == 0o600
    with opened(f"sqlite:{copy}") as store:
        assert len(notifications(store, Filter(limit=100))) == 11
    with pytest.raises(WrongSettings, match=r"copy.db is there already; name a new file"):
        Questions(url).backup(copy)
    started = open_store(f"sqlite:{copy}", 10)
    asyncio.run(started.engine.close())


def test_a_copy_for_which_there_is_no_room_leaves_nothing_behind(at_rest: str, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(
            StoreDown, match=r"copy.db cannot be made: .*; name a file in a folder that has room for it"
        ):
            Questions(at_rest).backup(tmp_path / "copies" / "copy.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list((tmp_path / "copies").iterdir()) == []
