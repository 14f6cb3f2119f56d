"""The words' own docstrings → docs/reference/declarations.md: `PYTHONPATH=tests .venv/bin/python -m declare.page` writes them.

Under each `### Word` stand its signature and its meaning, from the code; all else on the page is written by hand.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from handrail import declare
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

PAGE = Path(__file__).parents[2] / "docs/reference/declarations.md"
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


def refreshed(page: str) -> str:
    """The page with every word's section as the code says it."""
    known = signatures()
    return SECTION.sub(lambda found: _section(found[1], known), page)


def words(page: str) -> list[str]:
    """The words that have a section, in the order of the page."""
    return [word for word, _ in SECTION.findall(page)]


def _section(word: str, known: dict[str, str]) -> str:
    said = inspect.cleandoc(getattr(declare, word).__doc__ or "")
    paragraphs = [" ".join(paragraph.split()) for paragraph in said.split("\n\n")]
    return "\n\n".join([f"### {word}", f"`{known[word]}`", *paragraphs]) + "\n\n"


def signatures() -> dict[str, str]:
    """Every word → how it is written: what goes by position, then what goes by name with its default."""
    return {word: _signature(word, getattr(declare, word)) for word in declare.__all__}


def _signature(word: str, cls: Any) -> str:
    given = [field for field in fields(cls) if field.name != "kind"]
    parts = [_part(cls, field) for field in given if not field.kw_only]
    named = [field for field in given if field.kw_only]
    required = [field for field in named if _default(cls, field) is MISSING]
    parts += [f"{field.name}=…" for field in required]
    parts += [_part(cls, field) for field in named if field not in required]
    return f"{word}({', '.join(parts)})"


def _part(cls: Any, field: Field[Any]) -> str:
    default = _default(cls, field)
    if default is MISSING:
        return field.name
    return f"{field.name}=" if default in (None, (), {}) else f"{field.name}={_shown(default)}"


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return "[" + ", ".join(map(_shown, default)) + "]"
    text = f'"{default}"' if isinstance(default, str) else repr(default)
    return text if len(text) <= 40 else "<see below>"


def _default(cls: Any, field: Field[Any]) -> Any:
    info: FieldInfo = cls.__pydantic_fields__[field.name]
    if info.default_factory is not None:
        made = info.default_factory()  # type: ignore[call-arg]
        return made if made in ({}, ()) else None
    return MISSING if info.default is PydanticUndefined else info.default


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text()))
