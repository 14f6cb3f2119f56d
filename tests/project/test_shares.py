"""The order in which workers share the tests: the longest are begun first, and none is lost."""

from __future__ import annotations

from pathlib import Path

import shares

TESTS = Path(__file__).parents[1]
LONG = shares.LONGEST[0]


def test_every_file_whose_tests_are_long_is_there() -> None:
    assert [file for file in shares.LONGEST if not (TESTS / file).is_file()] == []


def test_each_of_three_workers_begins_with_its_part_of_what_is_long() -> None:
    items = [("a.py", 1), ("a.py", 2), ("a.py", 3), (LONG, 1), (LONG, 2), *(("b.py", n) for n in range(7))]
    assert shares.longest_first(items, 3, lambda item: item[0]) == [
        *[(LONG, 1), ("a.py", 1), ("a.py", 2), ("a.py", 3)],
        *[(LONG, 2), ("b.py", 0), ("b.py", 1), ("b.py", 2)],
        *[("b.py", 3), ("b.py", 4), ("b.py", 5), ("b.py", 6)],
    ]


def test_one_worker_and_one_file_alone_keep_their_order() -> None:
    items = [("a.py", 1), (LONG, 1), (LONG, 2), ("b.py", 1)]
    assert shares.longest_first(items, 1, lambda item: item[0]) == items
    assert shares.longest_first(items, 4, lambda item: item[0]) == items
