"""A receiver → how long each turn of its event loop takes, written down by itself, beside its own work.

A turn is measured twice: in the CPU time of the loop's own thread, and by the clock, which also tells a turn that waits
for a disk or a server. Only the first turn and those of a few milliseconds are written down. Other processes lengthen CPU time too, for they
share caches and cores: right after a long turn the same thread does a piece of work whose time is known, and the turn
counts as long as it would be where that takes its usual time.

    with guarded(folder, measured=True) as shop:
        …
        assert longest(folder).cpu < LIMIT
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

LIMIT = 0.1
"""What the loop may take for one turn, in seconds."""
WORTH_A_LINE = 0.005
FILE = "turns.jsonl"
MEASURED = "TESTS_TURNS_MEASURED"
"""The variable that asks a receiver for it."""
WORK = json.dumps([{"number": n, "texts": [str(n)] * 3} for n in range(2000)])
USUAL = 0.0011
"""CPU seconds to read WORK and write its numbers, on the machine for which LIMIT was chosen, with nothing beside it."""


@dataclass(frozen=True)
class Turn:
    """One turn: CPU time and time by the clock, in seconds, and whose it was."""

    cpu: float
    clock: float
    whose: str


def forget(folder: Path) -> None:
    """What was so far does not count: the start, and what a test makes ready."""
    (folder / FILE).write_text("")


def longest(folder: Path, by: Callable[[Turn], float] = lambda turn: turn.cpu) -> Turn:
    """The turn that took longest since."""
    lines = (folder / FILE).read_text().splitlines()
    return max((Turn(**json.loads(line)) for line in lines), key=by, default=Turn(0.0, 0.0, "nobody"))


def _whose(handle: Any) -> str:
    """The coroutine that has its turn, down to where it waits; or the callback."""
    callback: Any = handle._callback
    task = getattr(callback, "__self__", None)
    if not isinstance(task, asyncio.Task):
        return str(getattr(callback, "__qualname__", callback))
    names: list[str] = []
    inner: Any = task.get_coro()
    while hasattr(inner, "__qualname__"):
        names.append(inner.__qualname__)
        inner = getattr(inner, "cr_await", None)
    return " > ".join(names[-4:])


def _slowness() -> float:
    """How many times the usual time a piece of work takes now, at least 1."""

    def taken() -> float:
        began = time.thread_time()
        "".join(str(one["number"]) for one in json.loads(WORK))
        return time.thread_time() - began

    return max(1.0, sorted(taken() for _ in range(5))[2] / USUAL)


def _write_down(lines: TextIO) -> None:
    """Measure each turn from now on."""
    run: Callable[[Any], None] = asyncio.Handle._run

    worth_a_line = 0.0  # the first turn is always written down: it shows that turns are measured

    def measured(handle: Any) -> None:
        nonlocal worth_a_line
        whose, cpu, clock = _whose(handle), time.thread_time(), time.monotonic()
        run(handle)
        cpu, clock = time.thread_time() - cpu, time.monotonic() - clock
        if cpu > LIMIT / 2:
            cpu /= _slowness()
        if max(cpu, clock) >= worth_a_line:
            worth_a_line = WORTH_A_LINE
            lines.write(json.dumps({"cpu": cpu, "clock": clock, "whose": whose}) + "\n")

    asyncio.Handle._run = measured  # type: ignore[assignment, method-assign]


@contextmanager
def measured(wanted: object) -> Iterator[None]:
    """What begins a receiver in this process, in its folder, has its turns written down there if that is wanted."""
    if not wanted:
        yield
        return
    sys.modules["uvloop"] = None  # type: ignore[assignment]  # asyncio's own loop can be measured, uvloop's cannot
    with Path(FILE).open("a", buffering=1, encoding="utf-8") as lines:
        _write_down(lines)
        yield
