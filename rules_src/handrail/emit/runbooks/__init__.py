"""Plan → runbooks/<rollout>.md: what people read when an alert wakes them, and the rollback decision matrix."""

from __future__ import annotations

from pathlib import Path

from handrail.emit.document import EDIT
from handrail.plan import Plan
from handrail.units import span

TEMPLATES = Path(__file__).parents[1] / "templates"


def emit(plan: Plan) -> dict[str, str]:
    """One runbook per rollout."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  needed only here

    from handrail.emit.runbooks.chapters import book  # noqa: PLC0415

    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown, from declarations
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters |= {"cell": _cell, "span": span}
    template = jinja.get_template("runbook.md.j2")
    books = [book(rollout, plan.environment) for rollout in plan.rollouts]
    return {page.file: template.render(book=page, edit=EDIT) for page in books}


def _cell(text: str) -> str:
    """A text for one cell of a table."""
    return " ".join(text.replace("|", "\\|").split()) or "-"
