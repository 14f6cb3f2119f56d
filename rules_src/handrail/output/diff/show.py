"""Differences → words in a terminal, Markdown for a pull request, or JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import groupby

from handrail.output.diff.model import DiffLine, Effect

NOTHING = "Nothing changes for production."
_MEANING = {
    Effect.looser: "protects less than before",
    Effect.unclear: "only a person can say whether it protects less",
    Effect.tighter: "protects more than before",
    Effect.neutral: "changes no protection",
}


def words(differences: Sequence[DiffLine], files: int) -> str:
    """One line for each difference, and how many files change."""
    lines = [f"{difference.effect:<8} {difference}" for difference in differences] or [NOTHING]
    return "\n".join([*lines, _files(files)]) + "\n"


def markdown(differences: Sequence[DiffLine], files: int) -> str:
    """A comment for a pull request: a heading for each effect, the most dangerous first."""
    parts = [f"### What changes for production\n\n{'' if differences else NOTHING}".rstrip()]
    for effect, group in groupby(differences, key=lambda difference: difference.effect):
        lines = "\n".join(f"- {_escaped(str(difference))}" for difference in group)
        parts.append(f"**{effect}**: {_MEANING[effect]}\n\n{lines}")
    return "\n\n".join([*parts, _files(files)]) + "\n"


def as_json(differences: Sequence[DiffLine], files: int) -> str:
    """The same for a program; `effect` is looser, unclear, tighter or neutral."""
    data = {
        "differences": [
            {"effect": one.effect.name, "rollout": one.rollout, "subject": one.subject, "what": one.what}
            for one in differences
        ],
        "files": files,
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _files(count: int) -> str:
    return {0: "No file changes.", 1: "1 file changes."}.get(count, f"{count} files change.")


def _escaped(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\`*_<>[]|#" else sign for sign in text)


SHOWN: dict[str, Callable[[Sequence[DiffLine], int], str]] = {
    "words": words,
    "markdown": markdown,
    "json": as_json,
}
