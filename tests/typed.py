"""What somebody types after `handrail` → what it says, by a process that is forked from this one.

It has the directory, environment, streams and exit code of one that was started, and spares half a second of CPU for
what it need not import. Tests of the start itself start a process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NoReturn

import typer
from handrail.cli import app, main
from typer.main import get_command


def typed(
    *words: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Exit code, stdout and stderr of `handrail …` in a folder; without `env` it has our environment."""
    built(app)
    with Path(os.devnull).open("rb") as nothing, TemporaryFile() as out, TemporaryFile() as wrong:
        pid = os.fork()
        if pid == 0:
            be([str(word) for word in words], folder, env, [one.fileno() for one in (nothing, out, wrong)])
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        wrong.seek(0)
        code = os.waitstatus_to_exitcode(status)
        return subprocess.CompletedProcess(words, code, out.read().decode(), wrong.read().decode())


@cache
def built(commands: typer.Typer) -> Any:
    """The command line of Typer's description, which takes 20 ms: made once, and used by every command after it."""
    return get_command(commands)


def be(
    words: Sequence[str], folder: Path | None, env: Mapping[str, str] | None, streams: Sequence[int]
) -> NoReturn:
    """Be the command, with these for stdin, stdout and stderr, and end without tidying up what is our parent's."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
        if env is not None:
            os.environ.clear()
            os.environ.update(env)
        if folder is not None:
            os.chdir(folder)
        typer.main.get_command = built
        sys.argv = ["handrail", *words]
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  what a process does that meets one
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
