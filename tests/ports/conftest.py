"""A database of either kind, empty, and the store on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import servers
from handrail_receiver.stores import Store, open_store


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.postgres(tmp_path_factory.mktemp("database")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'handrail.db'}"
    server: servers.Server = request.getfixturevalue("database")
    name = f"test_{abs(hash(tmp_path))}"
    with psycopg.connect(f"postgresql://handrail@{server.address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://handrail@{server.address}/{name}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = open_store(url, 5)
    opened.engine.start()
    yield opened
    await opened.engine.close()
