"""docs/safety.md names tests that exist, and leaves out none of those about attacks."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "safety.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(test_\w+)`", PAGE))
TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def defined(*files: Path) -> set[str]:
    """The tests that files define."""
    return {name for file in files for name in TEST.findall(file.read_text(encoding="utf-8"))}


def test_every_test_that_the_page_names_exists() -> None:
    assert NAMED - defined(*(TOP / "tests").rglob("test_*.py")) == set()


def test_every_attack_that_is_tried_stands_on_the_page() -> None:
    assert defined(TOP / "tests/receiver/test_attacks.py") - NAMED == set()


def test_every_line_is_held_by_something() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| attack")]
    assert [row for row in rows if "`test_" not in row] == []
