"""Tests and how many workers share them → the same tests, in an order in which nobody waits for one that came last.

pytest-xdist gives each worker neighbours to begin with, as many as the others have. The files of the longest tests
are dealt over these shares, and stand at the beginning of each: what a file's tests share is made once.
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

Item = TypeVar("Item")


def longest_first(items: Sequence[Item], workers: int, file_of: Callable[[Item], str]) -> list[Item]:
    """The items in their order, but for those of the longest files; all in their order where there are few others."""
    of_file: dict[str, list[Item]] = {file: [] for file in LONGEST}
    others: list[Item] = []
    for item in items:
        of_file.get(file_of(item), others).append(item)
    longest = list(of_file.values())
    if workers == 1 or len(items) - len(others) > len(others) // workers:
        return list(items)
    found: list[Item] = []
    for worker in range(workers):
        size = (len(items) - len(found)) // (workers - worker)
        first = [item for file in longest[worker::workers] for item in file]
        others, more = others[size - len(first) :], others[: size - len(first)]
        found += [*first, *more]
    return found
