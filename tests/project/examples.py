"""Markdown pages → their fenced examples, with language, place, and whether they ask to be run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = "<!-- run -->"
INSTALL = "<!-- install -->"
FROM = "<!-- from: "
FENCE = re.compile(r"^```(\w*)$")


@dataclass(frozen=True)
class Example:
    """One fenced block: the line above it may ask for it to be run, say that it quotes a file, or that it installs Handrail from a clone."""

    page: str
    line: int
    language: str
    text: str
    run: bool
    quote: bool
    install: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every page that people read."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def examples(language: str) -> list[Example]:
    """Every example in that language, in all pages."""
    return [example for page in pages() for example in _in(page) if example.language == language]


def _in(page: Path) -> Iterator[Example]:
    lines = page.read_text().splitlines()
    opened: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if fence and opened is None:
            opened = number, fence[1]
        elif fence and opened is not None:
            start, language = opened
            text = "\n".join(lines[start + 1 : number]) + "\n"
            above = lines[start - 1] if start else ""
            place = str(page.relative_to(ROOT))
            yield Example(
                place, start + 1, language, text, above == RUN, above.startswith(FROM), above == INSTALL
            )
            opened = None
