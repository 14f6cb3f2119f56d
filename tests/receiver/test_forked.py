"""A forked receiver behaves like one started by its command; otherwise tests would prove something else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import servers
from guarded import playbook, warm, write_playbook
from guarded.service import environment

Start = Callable[..., AbstractContextManager[servers.Server]]


def settings(folder: Path) -> dict[str, str]:
    folder.mkdir()
    write_playbook(folder / "playbook", playbook(steps=[], stages=()))
    return environment(folder, servers.free_address())


def look(folder: Path, start: Start) -> dict[str, object]:
    """What can be seen of a receiver, apart from times and numbers that are each process's own."""
    env = settings(folder)
    with start(folder, address=env["HANDRAIL_ADDRESS"], env=env) as server:
        pid = server.process.pid
        process = Path(f"/proc/{pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
        streams = [str((process / "fd" / str(number)).readlink()) for number in range(3)]
        ready = {
            "leads its group": os.getpgid(pid) == pid,
            "directory": (process / "cwd").readlink().relative_to(folder),
            "streams": [name.removeprefix(str(folder)) for name in streams],
            "signals": {name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt")},
            "umask": status["Umask"],
            "said": [
                re.sub(r"\d+", "N", line) for line in server.log.read_text().splitlines() if "uvicorn" in line
            ],  # what it says of the rollout comes some time later
        }
    return {**ready, "exit code": server.process.returncode}


def test_it_has_the_directory_the_streams_and_the_signals_of_one_that_was_started(tmp_path: Path) -> None:
    assert look(tmp_path / "forked", warm.receiver) == look(tmp_path / "started", servers.receiver)


def test_one_that_cannot_start_says_why_with_the_same_exit_code(tmp_path: Path) -> None:
    wrong = settings(tmp_path / "shop") | {"HANDRAIL_ADDRESS": "nowhere"}
    exit_code = warm.parent().fork(tmp_path / "shop", wrong).wait()
    started = subprocess.run(
        [sys.executable, "-m", "handrail_receiver", "serve"],
        env={**os.environ, **wrong},
        cwd=tmp_path / "shop",
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = (tmp_path / "shop" / "receiver.log").read_text()
    assert (exit_code, said) == (started.returncode, started.stderr)
    assert (exit_code, said.split(":")[0]) == (2, "HANDRAIL_ADDRESS")


def test_what_one_worker_leaves_alive_ends_with_it_and_the_others_go_on(tmp_path: Path) -> None:
    own, another = warm.parent(), warm.Parent()
    kept, left = (
        who.fork(tmp_path / name, settings(tmp_path / name))
        for who, name in ((own, "kept"), (another, "left"))
    )
    another.end()
    servers.until(lambda: not servers.is_running(left.pid), "the other worker's receiver to end")
    assert servers.is_running(kept.pid)
    kept.send_signal(signal.SIGTERM)
    assert kept.wait() == -signal.SIGTERM
