"""Tests and how many workers share them → the same tests, in an order that keeps the processors busy to the end.

pytest-xdist gives each worker neighbours to begin with, as many as the others have. The files of the longest tests
are dealt over these shares, and stand at the beginning of each: what a file's tests share is made once. The tests that
wait for servers come next, but not in the last shares: whoever has these computes while the others wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

LONGEST = (
    "end_to_end/test_demo.py",
    "receiver/attacks/test_planted.py",
    "receiver/failures/test_event_loop.py",
    "receiver/failures/test_together.py",
    "emit/grafana/test_queries.py",
    "receiver/test_walk_page.py",
    "end_to_end/test_five.py",
    "receiver/failures/test_killed_promoting.py",
    "receiver/failures/test_outage.py",
    "receiver/failures/test_any_order.py",
    "receiver/operations/test_preflight.py",
    "receiver/intake/test_alertmanager.py",
    "project/test_docs.py",
    "rules/test_slo.py",
    "fuzz/test_fuzz.py",
)
"""Files with tests of ten seconds and more, the longest first: begun last, one would keep everybody waiting."""

WAITING = ("end_to_end/", "ports/", "receiver/")
"""Folders of tests that wait for servers more than they compute."""
COMPUTING = 2
"""How many workers begin with other tests: as many as the processors that `make test` is meant for."""

Item = TypeVar("Item")


def longest_first(items: Sequence[Item], workers: int, file_of: Callable[[Item], str]) -> list[Item]:
    """The items in this order; in their own where there is one worker, or little beside the longest files."""
    of_file: dict[str, list[Item]] = {file: [] for file in LONGEST}
    waiting: list[Item] = []
    computing: list[Item] = []
    for item in items:
        others = waiting if file_of(item).startswith(WAITING) else computing
        of_file.get(file_of(item), others).append(item)
    longest = list(of_file.values())
    short = len(waiting) + len(computing)
    if workers == 1 or len(items) - short > short // workers:
        return list(items)
    found: list[Item] = []
    for worker in range(workers):
        first = [item for file in longest[worker::workers] for item in file]
        room = (len(items) - len(found)) // (workers - worker) - len(first)
        waiters = workers - COMPUTING - worker
        waits = min(room, -(-len(waiting) // waiters)) if waiters > 0 else 0
        computes = min(room - waits, len(computing))
        waits = room - computes
        found += [*first, *waiting[:waits], *computing[:computes]]
        waiting, computing = waiting[waits:], computing[computes:]
    return found
