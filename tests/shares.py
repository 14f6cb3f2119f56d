"""The tests of a run → the files that workers share, in an order in which nobody waits for one that came last."""

from __future__ import annotations

from collections.abc import Iterable

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
"""Files that take ten seconds and more, the longest first: begun last, one would keep everybody waiting."""


def longest_first(files_of_tests: Iterable[str]) -> list[list[int]]:
    """The file of each test → the places of the tests of each file, the longest files before the others."""
    places: dict[str, list[int]] = {file: [] for file in LONGEST}
    for place, file in enumerate(files_of_tests):
        places.setdefault(file, []).append(place)
    return [found for found in places.values() if found]
