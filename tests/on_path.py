"""A folder for PATH whose `handrail` is forked from a process that has imported it.

Shell scripts type `handrail …` dozens of times, and importing it takes most of a short command. What is forked has
the words, directory, environment, streams and signals of what was typed, and its exit code. Tests of the start itself
take the command that is installed.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from guarded import warm
from handrail.cli import app
from typed import be, built

TESTS = Path(__file__).parent
LATER = ("handrail.compiler", "handrail.lint", "handrail.output.diff", "handrail_receiver.cli", *warm.LATER)
"""What commands import when they have read their words."""
TYPED = """#!{python} -IS
import json, os, signal, socket, sys

passed_on = {{signal.SIGINT, signal.SIGTERM}}
signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
to = socket.socket(socket.AF_UNIX)
to.connect({address!r})
wish = {{"words": sys.argv[1:], "folder": os.getcwd(), "env": dict(os.environ)}}
socket.send_fds(to, [b"-"], [0, 1, 2])
to.sendall(json.dumps(wish).encode() + b"\\n")
answers = to.makefile()
pid = int(answers.readline())
for one in passed_on:
    signal.signal(one, lambda number, _: os.kill(pid, number))
signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
code = int(answers.readline())
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@contextmanager
def handrail_on_path() -> Iterator[Path]:
    """The folder, as long as the process behind it lives."""
    with TemporaryDirectory() as folder:
        address = f"{folder}/socket"
        command = Path(folder, "handrail")
        command.write_text(TYPED.format(python=sys.executable, address=address))
        command.chmod(0o755)
        with subprocess.Popen(
            [sys.executable, "-c", f"import on_path; on_path.main({address!r})"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd=TESTS,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        ) as process:
            try:
                assert process.stdout is not None
                process.stdout.readline()  # it listens
                yield Path(folder)
            finally:
                process.terminate()


def main(address: str) -> None:
    """Fork a command for each wish, until somebody ends us."""
    for name in LATER:
        import_module(name)
    built(app)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("listening", flush=True)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(connection)
            connection.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _answer(connection: socket.socket) -> None:
    """Say the process of what was typed, and in the end its exit code."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    wish = json.loads(connection.makefile().readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        be(wish["words"], Path(wish["folder"]), wish["env"], streams)
    connection.sendall(f"{pid}\n".encode())
    for one in streams:
        os.close(one)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(f"{code}\n".encode())
    os._exit(0)
