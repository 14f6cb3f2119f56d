"""HAProxy's Runtime API → the same, with every command noted, and with faults when a test wants them."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import servers

from .service import HAPROXY


@dataclass
class Spy:
    """What was asked of HAProxy. `fault` is given each command, and may sleep, change the answer, or raise.

    `before` is given it first, when it was received and is not carried out yet; it may sleep or raise as well.
    """

    real: Path
    commands: list[str] = field(default_factory=list)
    fault: Callable[[str, str], str] = lambda _command, answer: answer
    before: Callable[[str], None] = lambda _command: None

    def sets(self) -> list[str]:
        """The commands that change something."""
        return [command for command in self.commands if command.startswith("set weight")]

    def answer(self, command: str) -> str:
        """Pass a command on."""
        self.commands.append(command)
        self.before(command)
        return self.fault(command, servers.ask_haproxy(self.real, command) + "\n\n")


class Silence(Exception):
    """The fault of never answering."""


@contextmanager
def spied(folder: Path, config: str = HAPROXY) -> Iterator[Spy]:
    """A real HAProxy in `folder`; `haproxy.sock` is the spy's."""
    (folder / "haproxy.cfg").write_text(config.replace("haproxy.sock", "real.sock"))
    with servers.haproxy(folder, folder / "haproxy.cfg", socket_path="real.sock"):
        spy = Spy(folder / "real.sock")

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                command = self.rfile.readline().decode().strip()
                if command:
                    try:
                        self.wfile.write(spy.answer(command).encode())
                    except Silence:
                        time.sleep(3)
                    except OSError:
                        return

        class Quiet(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        with Quiet(str(folder / "haproxy.sock"), Handler) as server:
            serving = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            )
            serving.start()
            try:
                yield spy
            finally:
                server.shutdown()
                serving.join()
