"""A receiver's store on a disk that a test fills up and empties, while it runs.

`Small` is a real small disk (tmpfs), mounted in a namespace of the receiver's own, so that it goes with it; that
needs root, or a kernel that lets others have namespaces. `Limited` is the kernel's limit on the size of a file,
which anybody may lower for what he runs.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import servers

MOUNTED = 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'
WAYS = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])


class Disk(Protocol):
    """A folder for a store, whose room a test decides over."""

    folder: Path

    @property
    def under(self) -> list[str]:
        """The program that gives the receiver this disk."""

    def fill(self, server: servers.Server) -> None:
        """Leave no room."""

    def free(self, server: servers.Server) -> None:
        """Give it back."""

    def beside(self, server: servers.Server) -> list[str]:
        """The program that lets another one see the disk of a running receiver."""


@dataclass
class Small:
    """Two megabytes of tmpfs."""

    folder: Path
    way: list[str]

    @property
    def under(self) -> list[str]:
        self.folder.mkdir()
        return [*self.way, "sh", "-c", MOUNTED, str(self.folder)]

    def fill(self, server: servers.Server) -> None:
        with self._ballast(server).open("ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                _write_until_full(ballast.fileno(), size)

    def free(self, server: servers.Server) -> None:
        self._ballast(server).unlink()

    def beside(self, server: servers.Server) -> list[str]:
        users = ["--user", "--preserve-credentials"] if "--user" in self.way else []
        return ["nsenter", f"--target={server.process.pid}", "--mount", *users]

    def _ballast(self, server: servers.Server) -> Path:
        return Path(f"/proc/{server.process.pid}/root{self.folder}/ballast")


@dataclass
class Limited:
    """No file may become longer than the longest is now."""

    folder: Path

    @property
    def under(self) -> list[str]:
        self.folder.mkdir()
        return []

    def fill(self, server: servers.Server) -> None:
        longest = max(file.stat().st_size for file in self.folder.iterdir())
        self._allow(server, longest)

    def free(self, server: servers.Server) -> None:
        self._allow(server, resource.getrlimit(resource.RLIMIT_FSIZE)[0])

    def beside(self, _server: servers.Server) -> list[str]:
        return []

    def _allow(self, server: servers.Server, size: int) -> None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def way_to_mount() -> list[str] | None:
    """How a disk can be mounted here, None when it cannot."""
    works = (
        way
        for way in WAYS
        if subprocess.run([*way, "true"], check=False, capture_output=True).returncode == 0
    )
    return next(works, None)


def _write_until_full(descriptor: int, size: int) -> None:
    try:
        while os.write(descriptor, b"\0" * size):
            continue
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
