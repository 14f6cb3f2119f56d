"""Pages that say which test holds each line → the tests exist, and none of their kind is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
OF_THEIR_KIND = {
    "explanation/alertmanager.md": ("test_alertmanager.py", "test_together.py", "test_outage.py"),
    "explanation/safety.md": ("test_attacks.py", "test_attacks_on_people.py"),
}
HEADS = ("| fact", "| answer", "| attack")

every_page = pytest.mark.parametrize("page", OF_THEIR_KIND)


def text(page: str) -> str:
    return (TOP / "docs" / page).read_text(encoding="utf-8")


def named(page: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", text(page)))


def defined(*files: Path) -> set[str]:
    """The tests that files define."""
    return {name for file in files for name in TEST.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", [*OF_THEIR_KIND, "reference/compatibility.md"])
def test_every_test_that_the_page_names_exists(page: str) -> None:
    assert named(page) - defined(*(TOP / "tests").rglob("test_*.py")) == set()


@every_page
def test_every_test_of_its_kind_stands_on_the_page(page: str) -> None:
    files = (next((TOP / "tests/receiver").rglob(file)) for file in OF_THEIR_KIND[page])
    assert defined(*files) - named(page) == set()


@every_page
def test_every_line_is_held_by_something(page: str) -> None:
    rows = [line for line in text(page).splitlines() if line.startswith("| ") and not line.startswith(HEADS)]
    assert [row for row in rows if "`test_" not in row] == []
