"""The lists of lints → every lint is in one of them, once, and has its name from its file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from handrail import lint


def test_every_lint_is_in_a_list_and_none_is_there_twice() -> None:
    listed = (*lint.LINTS, *lint.HERE, *lint.BESIDE, *lint.ACROSS, *lint.PLAN_LINTS, lint.ACCEPTED)
    files = {path.stem for path in Path(lint.__file__).parent.glob("*.py")} - {"__init__"}
    assert {check.__module__.rpartition(".")[2] for check in listed} == files
    assert [check for check, count in Counter(listed).items() if count > 1] == []


def test_a_lint_is_called_like_its_file_and_has_a_test_of_its_own() -> None:
    files = {path.stem for path in Path(lint.__file__).parent.glob("*.py")} - {"__init__"}
    assert sorted(lint.ALL) == sorted(file.replace("_", "-") for file in files)
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert files - tests == set()
