"""A folder → a real PostgreSQL of its own; it refuses to run as root, so there it runs as `postgres`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .process import Missing, Server, free_address, program, running


@contextmanager
def postgres(folder: Path) -> Iterator[Server]:
    """PostgreSQL with its data in `folder`/postgres and a superuser `handrail` without password."""
    binaries, address = _binaries(), free_address()
    host, port = address.split(":")
    home = folder / "postgres"
    home.mkdir()
    person = _another_than_root(home)
    make: list[str | Path] = [
        *person,
        binaries / "initdb",
        "-D",
        home / "data",
        "-U",
        "handrail",
        "-A",
        "trust",
        "-N",
    ]
    subprocess.run(make, check=True, capture_output=True, timeout=120, cwd="/")
    serve: list[str | Path] = [
        *person,
        binaries / "postgres",
        "-D",
        home / "data",
        "-h",
        host,
        "-p",
        port,
        "-k",
        "",
        "-F",
    ]
    asked: list[str | Path] = [binaries / "pg_isready", "-q", "-h", host, "-p", port]

    def ready() -> bool:
        return subprocess.run(asked, check=False).returncode == 0

    with running("postgres", serve, folder=folder, address=address, ready=ready) as server:
        yield server


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise Missing("PostgreSQL is not installed; apt-get install --no-install-recommends postgresql")
    return found[-1].parent


def _another_than_root(home: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    shutil.chown(home, "postgres")
    for folder in (home, *home.parents):  # it must be able to reach its home
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001 and str(folder).startswith("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    return [program("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
