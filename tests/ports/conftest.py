"""A database of either kind, empty, and the store on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import servers
from guarded import new_store
from handrail_receiver.store import Store, open_store
from ports.emptied import Emptied


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.postgres(tmp_path_factory.mktemp("database")) as server:
        yield server


@pytest.fixture(scope="session")
def emptied(database: servers.Server) -> Emptied:
    return Emptied(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield new_store(tmp_path / "handrail.db")
        return
    with request.getfixturevalue("emptied").database(tmp_path) as empty:
        yield empty


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url, 5)
    opened.engine.start()
    yield opened
    await opened.engine.close()
