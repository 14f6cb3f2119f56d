"""A rollout → runbooks/<rollout>.md: what people read when an alert wakes them, and the rollback decision matrix."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.emit.document import EDIT
from handrail.plan import Environment, Rollout
from handrail.units import span

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent


def emit(rollout: Rollout, environment: Environment) -> dict[str, str]:
    """The runbook."""
    from handrail.emit.runbooks.chapters import book  # noqa: PLC0415  needed only here

    page = book(rollout, environment)
    return {page.file: _template().render(book=page, edit=EDIT)}


@cache
def _template() -> Template:
    import jinja2  # noqa: PLC0415  needed only here

    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown, from declarations
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters |= {"cell": _cell, "span": span}
    return jinja.get_template("runbook.md.j2")


def _cell(text: str) -> str:
    """A text for one cell of a table."""
    return " ".join(text.replace("|", "\\|").split()) or "-"
