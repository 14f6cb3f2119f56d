"""The units that bring a log to mtail → systemd understands them, and what they start does what docs/how-to/logs.md says."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import partial
from pathlib import Path

import httpx
import pytest
import servers
from servers import answers, free_address, running, until

DEPLOY = Path(__file__).parents[2] / "docs/deploy"
PAGE = (Path(__file__).parents[2] / "docs/how-to/logs.md").read_text()
BRINGS, COUNTS = "handrail-log@.service", "handrail-mtail@.service"


@pytest.mark.parametrize("unit", [BRINGS, COUNTS])
def test_systemd_understands_the_unit(unit: str) -> None:
    argv = [servers.program("systemd-analyze"), "verify", "--man=no", str(DEPLOY / unit)]
    checked = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def started(unit: str, word: str, folder: Path, **written: str) -> list[str]:
    """The command of a unit, as systemd starts it: `%i` is the log, and what it keeps lies in `folder`."""
    [line] = re.findall(rf"^{word}=(.+)$", (DEPLOY / unit).read_text(), re.MULTILINE)
    for name, text in {"/run/handrail-logs/%i": f"{folder}/clinic", "$$": "$", **written}.items():
        line = line.replace(name, text)
    return shlex.split(line)


def test_the_units_bring_what_a_command_prints_also_when_it_ends_and_is_started_again(tmp_path: Path) -> None:
    [command] = re.findall(r'^COMMAND="(.+)"$', PAGE, re.MULTILINE)
    fly = tmp_path / "fly"
    fly.write_text('#!/bin/sh\n[ "$*" = "logs -a healthcare-clinic-backend" ] && echo one && echo two\n')
    fly.chmod(0o755)
    program = tmp_path / "mem0-redis.mtail"
    program.write_text("counter lines_total\n/./ {\n  lines_total++\n}\n")
    address = free_address()
    mtail = started(
        COUNTS,
        "ExecStart",
        tmp_path,
        **{"/etc/handrail/exporters/%i.mtail": str(program), "${LOGS}": f"{tmp_path}/clinic"},
        **{"--port ${PORT}": f"--address 127.0.0.1 --port {address.rpartition(':')[2]}"},
    )
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "COMMAND": command}
    subprocess.run(started(BRINGS, "ExecStartPre", tmp_path), check=True)
    subprocess.run(started(BRINGS, "ExecStartPre", tmp_path), check=True)  # it is there already
    url = f"http://127.0.0.1:{address.rpartition(':')[2]}/metrics"

    def counted(lines: str) -> bool:
        return re.findall(r"^lines_total (\d+)", httpx.get(url).text, re.MULTILINE) == [lines]

    with running("mtail", mtail, folder=tmp_path, address=address, ready=lambda: answers(url)):
        for read in ("2", "4"):
            subprocess.run(started(BRINGS, "ExecStart", tmp_path), env=env, check=True, timeout=20)
            until(partial(counted, read), f"{read} lines")
