"""What the pages quote is in the file they quote it from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
QUOTE = re.compile(r"<!-- from: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]
QUOTES = [(page, *match) for page in PAGES for match in QUOTE.findall(page.read_text(encoding="utf-8"))]


def lines(text: str) -> list[str]:
    """The lines of `text` without indentation."""
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("page", "path", "quoted"), QUOTES, ids=[f"{page.name}:{path}" for page, path, _ in QUOTES]
)
def test_a_quote_stands_in_its_file(page: Path, path: str, quoted: str) -> None:
    wanted, found = lines(quoted), lines((TOP / path).read_text(encoding="utf-8"))
    places = [start for start in range(len(found)) if found[start : start + len(wanted)] == wanted]
    assert places, f"{page.name} quotes {path}, which does not say this any more: {wanted[0]} …"


def test_the_first_page_quotes_declaration_rule_and_rollback() -> None:
    readme = [path for page, path, _ in QUOTES if page.name == "README.md"]
    assert readme == [
        "rules_src/rollouts/checkout.py",
        "generated/prometheus/rules/checkout.yml",
        "generated/playbook/checkout.json",
    ]
