"""The lints' own docstrings → docs/reference/lints.md: `PYTHONPATH=tests .venv/bin/python -m project.lint_page` writes it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

from handrail import lint

PAGE = Path(__file__).parents[2] / "docs/reference/lints.md"
HEAD = """\
# Lints

What `handrail lint` reports and `handrail generate` refuses, each with file and line, and with what to do about it. All problems come at once.

| severity | means | `handrail generate` | can be accepted |
|---|---|---|---|
| `fatal` | it would not do what it says | stops | no |
| `error` | it would not guard | stops | with a reason |
| `warning` | it guards less than it seems to | goes on | with a reason |
| `info` | good advice | goes on | with a reason |

Where a finding is right as it is, the guardrail says so, or the rollout for all of its guardrails: `accept={"free-promql": "a queue has no typed measure"}`. An acceptance that finds nothing is a finding itself.
"""


def page() -> str:
    """The whole page: one section for each lint, in the order they are looked at."""
    modules = [
        importlib.import_module(f"{lint.__name__}.{found.name}")
        for found in pkgutil.iter_modules(lint.__path__)
    ]
    by_name = {str(module.NAME): module for module in modules if hasattr(module, "NAME")}
    return "\n".join(
        [HEAD, *(_section(name, by_name.pop(name)) for name in lint.ALL), *map(_forgotten, by_name)]
    )


def _section(name: str, module: ModuleType) -> str:
    """`name: what it finds.` and why, as the module says it; a paragraph is one line."""
    said = inspect.cleandoc(module.__doc__ or "").removeprefix(f"{name}: ")
    paragraphs = [" ".join(paragraph.split()) for paragraph in said.split("\n\n")]
    return (
        f"## {name}\n\n" + "\n\n".join([paragraphs[0][0].upper() + paragraphs[0][1:], *paragraphs[1:]]) + "\n"
    )


def _forgotten(name: str) -> str:
    raise LookupError(f"the lint {name} is in no list of handrail.lint; add it to one")


if __name__ == "__main__":
    PAGE.write_text(page())
