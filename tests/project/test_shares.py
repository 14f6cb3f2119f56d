"""The order in which workers share the tests: the longest are begun first, and none is lost."""

from __future__ import annotations

from pathlib import Path

import shares

TESTS = Path(__file__).parents[1]
LONGEST, SECOND = shares.LONGEST[:2]


def test_every_file_whose_tests_are_long_is_there() -> None:
    assert [file for file in shares.LONGEST if not (TESTS / file).is_file()] == []


def test_each_of_three_workers_begins_with_whole_files_of_what_is_long() -> None:
    short = [*(("a.py", n) for n in range(3)), *(("b.py", n) for n in range(7))]
    items = [*short[:3], (SECOND, 1), (LONGEST, 1), (LONGEST, 2), *short[3:]]
    assert shares.longest_first(items, 3, lambda item: item[0]) == [
        *[(LONGEST, 1), (LONGEST, 2), ("a.py", 0), ("a.py", 1)],
        *[(SECOND, 1), ("a.py", 2), ("b.py", 0), ("b.py", 1)],
        *[("b.py", 2), ("b.py", 3), ("b.py", 4), ("b.py", 5), ("b.py", 6)],
    ]


def test_all_workers_but_two_begin_with_tests_that_wait_for_servers() -> None:
    waits, computes = [("receiver/a.py", n) for n in range(5)], [("rules/a.py", n) for n in range(7)]
    assert shares.longest_first([*computes, *waits], 4, lambda item: item[0]) == [
        *waits[:3],
        *[*waits[3:], computes[0]],
        *computes[1:4],
        *computes[4:],
    ]
    assert shares.longest_first(waits, 4, lambda item: item[0]) == waits
    assert shares.longest_first(computes, 4, lambda item: item[0]) == computes


def test_one_worker_and_one_file_alone_keep_their_order() -> None:
    items = [("a.py", 1), (LONGEST, 1), (LONGEST, 2), ("b.py", 1)]
    assert shares.longest_first(items, 1, lambda item: item[0]) == items
    assert shares.longest_first(items, 4, lambda item: item[0]) == items
