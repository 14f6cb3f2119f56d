"""A source folder and what was run of it → what would declare something there and does not: files, functions, branches.

A file counts when it is Python and speaks of declarations, whatever it is called. What begins with `_` was put away by
somebody who knew.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Thread
from threading import enumerate as running_threads

import handrail
from handrail.errors import Problem, Severity, Where, shown

WORDS = ("Rollout", "Environment", "Guardrail", "Slo", "ForRollout", "ForGuardrail")
"""What guards, and what says where and how."""
_DECLARE = "handrail.declare"
_LARGE = 1_000_000
_DUNDERS = ("__init__.py", "__main__.py")


def files_not_read(source: Path, package: str, settings: str, ran: Mapping[Path, str]) -> Iterator[Problem]:
    """Files below `source` that would declare something and were not run; `package` is the folder that is read."""
    known: set[Path] = set()
    for file in _files(source):
        tree = None if file.resolve() in ran else _parsed(file)
        if tree is None or not _declares(tree, (package, settings)):
            continue
        known = known or {*ran, *_imported()}
        if file.resolve() not in known and not _copied(file, known):
            what = "the file is not read, and would declare something"
            cure = _cure(file.relative_to(source), package, settings, tree)
            yield Problem(Where(shown(file), 1), Severity.error, what, cure)


def _imported() -> Iterator[Path]:
    """The files of all modules, which are hundreds."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return (_on_disk(file) for file in files if file)


@cache
def _on_disk(file: str) -> Path:
    """Where the file of a module really is. It was imported once: nobody need look again."""
    return Path(file).resolve()


def calls_not_run(file: Path, name: str, made_at: Collection[int]) -> Iterator[Problem]:
    """What `file`, which ran to its end under `name`, would declare if its code came there.

    `made_at` are the lines at which something was made. What begins with `_` may hold more than others need.
    """
    tree = _parsed(file)
    if tree is None:
        return
    calls = _Calls(_words(tree))
    calls.visit(tree)
    functions: dict[_Function, None] = {}
    for call in calls.made:
        if call.dead:
            what = (
                f"this {call.word} is never reached: the condition around it is false while the file is read"
            )
            yield Problem(Where(name, call.line), Severity.error, what, "take it out of the `if`")
        elif call.function is not None:
            functions[call.function] = None
        elif call.line not in made_at and not _put_away(file):
            what = f"this {call.word} was not reached while the file was read"
            yield Problem(
                Where(name, call.line), Severity.warning, what, "make sure that it is reached, or remove it"
            )
    for function in functions if not _put_away(file) else ():
        if not any(function.lineno <= line <= (function.end_lineno or 0) for line in made_at):
            what = f"'{function.name}' would declare something, but made nothing while the file was read"
            yield Problem(Where(name, function.lineno), Severity.warning, what, "call it, or remove it")


def threads_left(before: Collection[Thread], folder: Path) -> Iterator[Problem]:
    """What is still at work when all files were read: what it makes comes too late."""
    for thread in running_threads():
        if thread not in before and thread.is_alive():
            what = f"the thread '{thread.name}' is still running after all files were read"
            yield Problem(Where(shown(folder)), Severity.error, what, "wait for it to end")


_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class _Call:
    """A call of one of our words: the function it is in, and whether in a branch that is never taken."""

    word: str
    line: int
    function: _Function | None
    dead: bool


@dataclass
class _Calls(ast.NodeVisitor):
    """Every call of one of our words in a file."""

    words: Mapping[str, str]
    made: list[_Call] = field(default_factory=list)
    _functions: list[_Function] = field(default_factory=list)
    _dead: int = 0

    def visit_FunctionDef(self, node: _Function) -> None:
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_If(self, node: ast.If | ast.While) -> None:
        certain = _certain(node.test)
        self.visit(node.test)
        for branch, taken in ((node.body, certain), (node.orelse, None if certain is None else not certain)):
            self._dead += taken is False
            for statement in branch:
                self.visit(statement)
            self._dead -= taken is False

    visit_While = visit_If  # noqa: N815

    def visit_Call(self, node: ast.Call) -> None:
        word = self.words.get(_called(node))
        if word is not None:
            function = self._functions[-1] if self._functions else None
            self.made.append(_Call(word, node.lineno, function, bool(self._dead)))
        self.generic_visit(node)


def _certain(test: ast.expr) -> bool | None:
    """What a condition comes to while declarations are read, where that is sure."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inside = _certain(operand)
            return None if inside is None else not inside
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[right]):
            sides = [ast.unparse(side) for side in (left, right)]
            return isinstance(op, ast.NotEq) if sorted(sides) == ["'__main__'", "__name__"] else None
        case _:
            return None


def _put_away(path: Path) -> bool:
    return path.name.startswith("_") and path.name not in _DUNDERS


def _files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Every file but what was put away, and what are programs: ours, those of an environment, tests."""
    here = folder.resolve()
    if here in above or (folder / "pyvenv.cfg").exists() or (folder / "declare" / "__init__.py").exists():
        return
    if here == Path(handrail.__file__).parent:
        return
    for path in sorted(folder.iterdir()):
        tests = path.name == "tests" or path.name.startswith(("test_", "conftest."))
        if _put_away(path) or tests:
            continue
        if path.is_dir():
            yield from _files(path, above | {here})
        elif path.is_file():
            yield path


def _copied(file: Path, known: Collection[Path]) -> bool:
    """Whether an editor or a merge left it beside a file that was read: `shop.py~`, `shop.py.orig`."""
    before = file.name.partition(".py")[0]
    return file.suffix != ".py" and (file.parent.resolve() / f"{before}.py") in known


def _parsed(file: Path) -> ast.Module | None:
    """The file as Python; None where it is none, or has nothing to do with declarations."""
    try:
        data = file.read_bytes() if file.stat().st_size <= _LARGE else b""
        speaks = any(word in data for word in (b"handrail", b"rollouts", b"environments"))
        return ast.parse(data) if speaks else None
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _declares(tree: ast.Module, neighbours: Collection[str]) -> bool:
    """Whether it calls one of our words, or goes on with what other files of the folder made."""
    imports = {name.partition(".")[0] for name in _imports(tree)}
    words = _words(tree)
    calls = any(isinstance(node, ast.Call) and _called(node) in words for node in ast.walk(tree))
    return ("handrail" in imports and calls) or not imports.isdisjoint(neighbours)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def _words(tree: ast.Module) -> dict[str, str]:
    """What our words are called in this file."""
    known = {word: word for word in WORDS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_DECLARE):
            known |= {
                alias.asname: alias.name for alias in node.names if alias.asname and alias.name in WORDS
            }
    return known


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _cure(path: Path, package: str, settings: str, tree: ast.Module) -> str:
    away = "or begin its name with _ if it is put away"
    if path.parts[0] == package:
        return f"let its name begin with a letter and end in .py, {away}"
    words = _words(tree)
    called = {words.get(_called(node)) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    place = f"{settings}.py" if "Environment" in called and "Rollout" not in called else f"{package}/"
    return f"move it to {place}, {away}"
