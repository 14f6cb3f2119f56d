"""A folder and a configuration → Prometheus, Alertmanager, HAProxy, the receiver or a Python application, running.

Each is a context manager that gives a `Server` which is ready. Another version is another `binary`.
"""

from __future__ import annotations

import csv
import io
import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from .process import Server, free_address, running

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For calls without TLS. Without a context httpx loads all authorities again for each, which takes 20 ms of CPU."""


@contextmanager
def prometheus(
    folder: Path,
    config: Path,
    *,
    address: str | None = None,
    binary: str | Path = "prometheus",
    flags: Sequence[str] = (),
    ready: Callable[[str], bool] | None = None,
) -> Iterator[Server]:
    """Prometheus with its data in `folder`; ready when `/-/ready` says so, or `ready` of its address."""
    address = address or free_address()
    argv = [
        binary,
        f"--config.file={config.resolve()}",
        f"--storage.tsdb.path={folder.resolve() / 'prometheus-data'}",
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",
        *flags,
    ]
    is_ready = partial(ready or _ready, address)
    with running("prometheus", argv, folder=folder, address=address, ready=is_ready) as server:
        yield server


@contextmanager
def alertmanager(
    folder: Path,
    config: Path,
    *,
    address: str | None = None,
    binary: str | Path = "prometheus-alertmanager",
    flags: Sequence[str] = ("--cluster.listen-address=",),
    name: str = "alertmanager",
    ready: Callable[[str], bool] | None = None,
) -> Iterator[Server]:
    """Alertmanager with its data in `folder`, alone unless `flags` say otherwise; ready as Prometheus is."""
    address = address or free_address()
    argv = [
        binary,
        f"--config.file={config.resolve()}",
        f"--storage.path={folder.resolve() / f'{name}-data'}",
        f"--web.listen-address={address}",
        *flags,
    ]
    is_ready = partial(ready or _ready, address)
    with running(name, argv, folder=folder, address=address, ready=is_ready) as server:
        yield server


@contextmanager
def haproxy(
    folder: Path,
    config: Path,
    *,
    socket_path: str = "haproxy.sock",
    address: str = "",
    binary: str | Path = "haproxy",
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """HAProxy in the foreground, working in `folder`; ready when its Runtime API answers on `socket_path`.

    Write `stats socket unix@haproxy.sock level admin` into the configuration: a path relative to `folder`
    stays below the 97 bytes HAProxy allows for one. The configuration may use variables of `env`: "${NAME}".
    """
    argv = [binary, "-db", "-f", config.resolve()]
    path = folder / socket_path
    with running(
        "haproxy", argv, folder=folder, address=address, ready=lambda: _speaks(path), env=env
    ) as server:
        yield server


@contextmanager
def receiver(
    folder: Path,
    *,
    address: str,
    env: Mapping[str, str],
    arguments: Sequence[str] = (),
    under: Sequence[str] = (),
) -> Iterator[Server]:
    """The receiver, set up by `HANDRAIL_*` variables in `env`; ready when `/readyz` says so.

    `under` is a program that becomes the receiver in the end, as `unshare` does.
    """
    argv = [*under, sys.executable, "-m", "handrail_receiver", "serve", *arguments]
    url = f"http://{address}/readyz"
    with running(
        "receiver", argv, folder=folder, address=address, ready=lambda: answers(url), env=env
    ) as server:
        yield server


@contextmanager
def application(
    folder: Path, module: str, *, name: str, address: str, env: Mapping[str, str], path: str = "/healthz"
) -> Iterator[Server]:
    """`python -m module`, which is to listen on `address`; ready when `path` answers 2xx."""
    argv = [sys.executable, "-m", module]
    url = f"http://{address}{path}"
    with running(name, argv, folder=folder, address=address, ready=lambda: answers(url), env=env) as server:
        yield server


def _ready(address: str) -> bool:
    return answers(f"http://{address}/-/ready")


def answers(url: str) -> bool:
    """Whether `url` answers 2xx now."""
    try:
        return httpx.get(url, timeout=2, trust_env=False, verify=PLAIN).is_success
    except httpx.TransportError:
        return False


def ask_haproxy(path: Path, command: str) -> str:
    """One command for HAProxy's Runtime API, and all it answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        with _short(path) as short:
            connection.connect(short)
        connection.sendall(f"{command}\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()


def haproxy_servers(path: Path) -> dict[str, dict[str, str]]:
    """`backend/server` → its row of `show stat`, as HAProxy counts it."""
    table = ask_haproxy(path, "show stat").removeprefix("# ")
    rows = csv.DictReader(io.StringIO(table))
    return {
        f"{row['pxname']}/{row['svname']}": row
        for row in rows
        if row["svname"] not in {"FRONTEND", "BACKEND"}
    }


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of at most 107 bytes for a socket: an open descriptor of its folder stands for the folder."""
    folder = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _speaks(path: Path) -> bool:
    try:
        return "Uptime" in ask_haproxy(path, "show info")
    except OSError:
        return False
