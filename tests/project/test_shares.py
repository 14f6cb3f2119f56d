"""The order in which workers share the files of tests: the longest are begun first, and no test is lost."""

from __future__ import annotations

from pathlib import Path

import shares

TESTS = Path(__file__).parents[1]
LONGEST, SECOND = shares.LONGEST[:2]


def test_every_file_whose_tests_are_long_is_there() -> None:
    assert [file for file in shares.LONGEST if not (TESTS / file).is_file()] == []


def test_the_longest_files_come_first_and_each_keeps_its_tests_in_their_order() -> None:
    of_each_test = ["a.py", "a.py", SECOND, "b.py", LONGEST, LONGEST, "a.py"]
    assert shares.longest_first(of_each_test) == [[4, 5], [2], [0, 1, 6], [3]]
