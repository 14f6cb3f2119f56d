"""A folder of declarations → Rollouts and Environments, or every problem that keeps them from being read.

A file is read to its end even when something in it is wrong: a word that does not exist is noted and stands
for anything, and a declaration that does not validate is noted where it was written.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import linecache
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from handrail import declare
from handrail.base import Broken, collector, is_broken
from handrail.declare import Environment, Rollout
from handrail.errors import Problem, Refused, Severity, Where, WrongCall, shown

T = TypeVar("T")

_CURE_SYNTAX = "correct it; `python -m py_compile` shows the same"


@dataclass(frozen=True)
class Loaded:
    """What a source folder declares, in the order of its files."""

    rollouts: tuple[Rollout, ...]
    environments: tuple[Environment, ...]

    def environment(self, name: str | None) -> Environment:
        """The environment called `name`; the first one without a name, a default where none is declared."""
        if name is None:
            return self.environments[0] if self.environments else Environment("default")
        for environment in self.environments:
            if environment.name == name:
                return environment
        known = ", ".join(environment.name for environment in self.environments) or "none"
        raise WrongCall(f"environment '{name}' is not declared; use one of: {known}")


def load(source: Path) -> Loaded:
    """Read `source`/rollouts/*.py and `source`/environments.py.

    Raises WrongCall when there is nothing to read, Refused with every problem when something is wrong.
    """
    files = sorted(path for path in (source / "rollouts").glob("*.py") if not path.name.startswith("_"))
    if not files:
        raise WrongCall(
            f"{shown(source / 'rollouts')} has no declarations; run `handrail init` or give --source"
        )
    problems: list[Problem] = []
    rollouts = [found for file in files for found in _declared(file, Rollout, problems, required=True)]
    settings = source / "environments.py"
    environments = (
        list(_declared(settings, Environment, problems, required=False)) if settings.exists() else []
    )
    if problems:
        raise Refused(problems)
    return Loaded(tuple(rollouts), tuple(environments))


def _declared(file: Path, kind: type[T], problems: list[Problem], *, required: bool) -> Iterator[T]:
    before = len(problems)
    found = [thing for thing in _run(file, problems).values() if isinstance(thing, kind)]
    if required and not found and len(problems) == before:
        what = f"the file declares no {kind.__name__}"
        problems.append(
            Problem(Where(shown(file), 1), Severity.error, what, "add one, or begin its name with _")
        )
    seen: set[int] = set()
    for thing in found:
        if id(thing) not in seen and not is_broken(thing):
            seen.add(id(thing))
            yield thing


def _run(file: Path, problems: list[Problem]) -> dict[str, object]:
    name = shown(file)
    text = file.read_text(encoding="utf-8")
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        tree = ast.parse(text, name)
    except SyntaxError as error:
        problems.append(Problem(Where(name, error.lineno or 0), Severity.error, error.msg, _CURE_SYNTAX))
        return {}
    namespace: dict[str, object] = {"__name__": f"rollouts.{file.stem}", "__file__": str(file)}
    namespace |= dict.fromkeys(_unknown_words(tree, name, problems), Broken())
    token = collector.set(problems)
    try:
        exec(compile(tree, name, "exec"), namespace)  # noqa: S102  declarations are the user's own Python
    except Exception as error:  # noqa: BLE001  whatever a user's file raises is a problem with a place
        problems.append(_raised(error, name))
    finally:
        collector.reset(token)
    return namespace


def _unknown_words(tree: ast.Module, file: str, problems: list[Problem]) -> set[str]:
    unknown = set()
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "handrail.declare":
            wrong = [alias for alias in statement.names if alias.name not in declare.__all__]
            statement.names = [alias for alias in statement.names if alias not in wrong] or [
                ast.alias("__all__", "_")
            ]
            unknown |= {alias.asname or alias.name for alias in wrong}
            problems += [_no_word(alias.name, Where(file, alias.lineno)) for alias in wrong]
    bound = _bound(tree) | unknown
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
            unknown.add(node.id)
            problems.append(_no_word(node.id, Where(file, node.lineno)))
    ast.fix_missing_locations(tree)
    return unknown


def _bound(tree: ast.Module) -> set[str]:
    bound = {*dir(builtins), "__file__", "__name__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
    return bound


def _no_word(word: str, where: Where) -> Problem:
    near = difflib.get_close_matches(word, declare.__all__, n=1)
    cure = f"did you mean '{near[0]}'?" if near else "see docs/declarations.md for the words there are"
    return Problem(where, Severity.error, f"there is no '{word}'", cure)


def _raised(error: Exception, file: str) -> Problem:
    lines = [
        frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file
    ]
    what = f"{type(error).__name__}: {error}".replace("\n", " ")
    return Problem(Where(file, lines[-1] if lines else 0), Severity.error, what, "correct the declaration")
