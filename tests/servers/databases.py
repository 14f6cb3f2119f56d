"""A folder → a real PostgreSQL of its own; it refuses to run as root, so there it runs as `postgres`."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from .process import Missing, Server, free_address, program, running

NEW = ["-U", "handrail", "-A", "trust", "-N", "--wal-segsize=1"]
"""With the smallest log: what is copied for each server is a third smaller."""


@contextmanager
def postgres(folder: Path, *settings: str, address: str | None = None) -> Iterator[Server]:
    """PostgreSQL with its data in `folder`/postgres and a superuser `handrail` without password; settings are `name=value`.

    Where the data are there already, it goes on with them; else they go when the block ends.
    """
    address = address or free_address()
    host, port = address.split(":")
    with _home(folder) as home:
        serve: list[str | Path] = [*_person(), postgres_program("postgres"), "-D", home / "data", "-h", host]
        asked: list[str | Path] = [postgres_program("pg_isready"), "-q", "-h", host, "-p", port]

        def ready() -> bool:
            return subprocess.run(asked, check=False).returncode == 0

        set_so = [text for setting in settings for text in ("-c", setting)]
        argv = [*serve, "-p", port, "-k", "", "-F", *set_so]
        with running("postgres", argv, folder=folder, address=address, ready=ready) as server:
            yield server


@contextmanager
def pgbouncer(folder: Path, behind: str, mode: str, *settings: str) -> Iterator[Server]:
    """PgBouncer before the PostgreSQL at `behind`, as Debian has it but for `mode` and further `settings`."""
    address = free_address()
    (host, port), (its, behind_port) = address.split(":"), behind.split(":")
    with tempfile.TemporaryDirectory(prefix="handrail-pgbouncer-") as home:
        users, file = Path(home) / "users", Path(home) / "pgbouncer.ini"
        users.write_text('"handrail" ""\n')
        lines = [
            "[databases]",
            f"* = host={its} port={behind_port}",
            "[pgbouncer]",
            f"listen_addr = {host}",
            f"listen_port = {port}",
            "unix_socket_dir =",
            "auth_type = trust",
            f"auth_file = {users}",
            f"pool_mode = {mode}",
            *settings,
        ]
        file.write_text("\n".join(lines) + "\n")
        for one in (home, users, file):
            if os.geteuid() == 0:
                shutil.chown(one, "postgres")
        argv = [*_person(), program("pgbouncer"), file]
        asked: list[str | Path] = [postgres_program("pg_isready"), "-q", "-h", host, "-p", port]

        def ready() -> bool:
            return subprocess.run(asked, check=False).returncode == 0

        with running("pgbouncer", argv, folder=folder, address=address, ready=ready) as server:
            yield server


def postgres_program(name: str) -> Path:
    """One of PostgreSQL's programs, of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found:
        raise Missing("PostgreSQL is not installed; apt-get install --no-install-recommends postgresql")
    return found[-1]


@contextmanager
def _home(folder: Path) -> Iterator[Path]:
    """Where the data are. Another user than root cannot count on reaching a folder of pytest's: it closes them."""
    home = folder / "postgres"
    if home.exists():
        yield home.resolve()
        return
    if os.geteuid() == 0:
        home.symlink_to(_open_to_all())
    else:
        home.mkdir()
    try:
        subprocess.run(["cp", "-a", _new(), home.resolve() / "data"], check=True)
        yield home.resolve()
    finally:
        shutil.rmtree(home.resolve())
        if home.is_symlink():
            home.unlink()


@cache
def _new() -> Path:
    """Data of a server that nobody has used; made once in a process, for `initdb` takes longer than a copy."""
    home = _open_to_all()
    atexit.register(shutil.rmtree, home)
    make: list[str | Path] = [*_person(), postgres_program("initdb"), "-D", home / "data", *NEW]
    subprocess.run(make, check=True, capture_output=True, timeout=120, cwd="/")
    return home / "data"


def _open_to_all() -> Path:
    """A new folder that whoever runs PostgreSQL can reach."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-postgres-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    return folder


def _person() -> list[str | Path]:
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return [program("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
