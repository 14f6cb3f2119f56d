"""An empty folder → a real Unleash 6 on a PostgreSQL of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from servers import Missing, Server, answers, free_address, running
from servers.databases import postgres

UNLEASH = Path(__file__).parents[3] / ".tools" / "unleash" / "node_modules" / "unleash-server"
ADMIN = "*:*.handrail-end-to-end-admin"


@pytest.fixture(scope="session")
def unleash() -> Iterator[Server]:
    """Unleash with the project `default`, the environment `production` and one admin token."""
    with (
        tempfile.TemporaryDirectory(prefix="handrail-unleash-") as name,
        postgres(Path(name)) as database,
        _unleash(Path(name), f"postgres://handrail@{database.address}/postgres") as server,
    ):
        yield server


@pytest.fixture(scope="session")
def admin(unleash: Server) -> Iterator[httpx.Client]:
    """The admin API as an administrator sees it: what a test prepares and checks with, beside the adapter."""
    with httpx.Client(base_url=f"{unleash.url}/api/admin", headers={"authorization": ADMIN}) as client:
        yield client


@contextmanager
def _unleash(folder: Path, database: str) -> Iterator[Server]:
    if not UNLEASH.is_dir():
        raise Missing("Unleash is not installed; run `make e2e-unleash`, which installs it")
    address = free_address()
    host, port = address.split(":")
    settings = {
        "DATABASE_URL": database,
        "DATABASE_SSL": "false",
        "HTTP_HOST": host,
        "HTTP_PORT": port,
        "INIT_ADMIN_API_TOKENS": ADMIN,
        "CHECK_VERSION": "false",
        "SEND_TELEMETRY": "false",
        "TZ": "UTC",
    }
    with running(
        "unleash",
        ["node", UNLEASH / "dist" / "server.js"],
        folder=folder,
        address=address,
        ready=lambda: answers(f"http://{address}/health"),
        env=settings,
        within=120,
    ) as server:
        yield server
