"""One declaration file → the names it defines, read to its end even if something in it is wrong.

An unknown word is noted and replaced by a stand-in; a declaration that does not validate is noted where it was written.
`from rollouts._shared import …` reads another file of the folder in the same way, once.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

from handrail import declare
from handrail.base import Broken, Reading, Stumbled, active
from handrail.base.places import declaring_place, is_known, remember
from handrail.errors import Problem, Severity, Where, shown

PACKAGE = "rollouts"
SETTINGS = "environments"
_ROOTS = (PACKAGE, SETTINGS)
_WORDS = "handrail.declare"
_INIT = "__init__.py"
_DOT = "\N{ONE DOT LEADER}"
"""Replaces a dot of a file's name in its module's name, where it would mean a package."""


@contextmanager
def collecting(source: Path, reading: Reading) -> Iterator[None]:
    """In this context declarations go into `reading`, and the modules `rollouts` and `environments` are those of `source`."""
    finder = _Neighbours(source, reading)
    before = {name: sys.modules.pop(name) for name in _modules_inside()}
    sys.meta_path.insert(0, finder)
    try:
        with active(reading), chdir("."):
            yield
    finally:
        sys.meta_path.remove(finder)
        for name in _modules_inside():
            del sys.modules[name]
        sys.modules.update(before)


def names_of(file: Path, source: Path, reading: Reading) -> dict[str, object]:
    """The names that `file` below `source` defines; its problems are noted in `reading`."""
    name = _module(file.relative_to(source))
    module = sys.modules.get(name)
    if module is None:
        module = module_from_spec(_spec(name, file, source, reading))
        sys.modules[name] = module
        _run(module, file, source, reading)
    return vars(module)


def _module(path: Path) -> str:
    """The module name of a file; two files never have the same, whatever characters their names have."""
    parts = path.parent.parts if path.name == _INIT else (*path.parent.parts, path.stem)
    return ".".join(part.replace(".", _DOT) for part in parts)


def _inside(module: str) -> bool:
    return module.partition(".")[0] in _ROOTS


def _modules_inside() -> list[str]:
    """Of all that is imported, which is thousands."""
    return [name for name in list(sys.modules) if name.startswith(_ROOTS) and _inside(name)]


class _Script(Loader):
    """Runs one file. Importing it never fails: its problems are noted instead."""

    def __init__(self, file: Path, source: Path, reading: Reading) -> None:
        self.file, self.source, self.reading = file, source, reading

    def exec_module(self, module: ModuleType) -> None:
        _run(module, self.file, self.source, self.reading)


class _Neighbours(MetaPathFinder):
    """Finds `rollouts`, the files and folders in it, and `environments`."""

    def __init__(self, source: Path, reading: Reading) -> None:
        self.source, self.reading = source, reading

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if not _inside(name):
            return None
        place = self.source.joinpath(*(part.replace(_DOT, ".") for part in name.split(".")))
        if place.is_dir():
            spec = _spec(name, place / _INIT, self.source, self.reading, folder=place)
            return spec if (place / _INIT).is_file() else _empty(spec)
        file = place.with_name(f"{place.name}.py")
        return _spec(name, file, self.source, self.reading) if file.is_file() else None


def _spec(name: str, file: Path, source: Path, reading: Reading, folder: Path | None = None) -> ModuleSpec:
    folder = file.parent if file.name == _INIT else folder
    spec = spec_from_loader(
        name, _Script(file, source, reading), origin=str(file), is_package=folder is not None
    )
    if spec is None:
        raise ImportError(name)
    if folder is not None:
        spec.submodule_search_locations = [str(folder)]
    return spec


def _empty(package: ModuleSpec) -> ModuleSpec:
    package.loader = None
    return package


def _run(module: ModuleType, file: Path, source: Path, reading: Reading) -> None:
    name, problems = shown(file), reading.problems
    reading.ran[file.resolve()] = name
    reading.scripts.append(file.relative_to(source).as_posix())
    try:
        text = _text(file, name, problems)
        whole = text is not None and _executed(text, file, name, module, reading)
    finally:
        reading.scripts.pop()

    def lost(word: str) -> Broken:
        """A name that another file imports and this one does not define: noted, unless this file did not run to its end."""
        if word.startswith("__"):
            raise AttributeError(word)
        place = declaring_place()
        if whole:
            own = [known for known in vars(module) if not known.startswith("__")]
            problems.append(_no_word(word, place.where() if place is not None else Where(name), own))
        return Broken()

    module.__getattr__ = lost  # type: ignore[method-assign]


def _executed(text: str, file: Path, name: str, module: ModuleType, reading: Reading) -> bool:
    """Run `text`; whether it ran to its end. If a word is unknown, it is run again with a stand-in."""
    vars(module)["__file__"] = str(file)
    fresh = dict(vars(module))
    remember(name, text)
    problems, before = reading.problems, len(reading.made)
    code = _compiled(text, name, problems)
    try:
        try:
            _execute(code, vars(module))
        except (NameError, ImportError, AttributeError):
            tree = ast.parse(text, name)
            unknown = _unknown_words(tree, name, problems)
            if not unknown:
                raise
            vars(module).clear()
            vars(module).update(fresh | dict.fromkeys(unknown, Broken()))
            depth = len(reading.scripts)  # what this file made itself it makes again
            reading.made[before:] = [one for one in reading.made[before:] if len(one.scripts) > depth]
            _execute(_compiled(tree, name, problems), vars(module))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a user's file raises is a problem with a place
        if not (_stumbled(error) and problems):
            problems.append(_raised(error, name))
        return False
    return code is not None


def _stumbled(error: BaseException | None) -> bool:
    """Whether a stand-in caused this error; the reason was noted when the stand-in was made."""
    while error is not None and not isinstance(error, Stumbled):
        error = error.__cause__ or error.__context__
    return error is not None


def _execute(code: CodeType | None, namespace: dict[str, object]) -> None:
    if code is not None:
        exec(code, namespace)  # noqa: S102  declarations are the user's own Python


def _text(file: Path, name: str, problems: list[Problem]) -> str | None:
    try:
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        what, cure = f"the file cannot be read ({error.strerror})", "correct its permissions or remove it"
        problems.append(Problem(Where(name), Severity.error, what, cure))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(
            Problem(Where(name, line), Severity.error, "the file is not UTF-8", "save it as UTF-8")
        )
    return None


def _compiled(text: str | ast.Module, name: str, problems: list[Problem]) -> CodeType | None:
    line, what = 0, ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(text, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        line, what = error.lineno or 0, error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        what = f"Python cannot read the file ({error})"
    cure = "correct it; `python -m py_compile` shows the same"
    problems.append(Problem(Where(name, line), Severity.error, what, cure))
    return None


def _unknown_words(tree: ast.Module, file: str, problems: list[Problem]) -> set[str]:
    """Names that nothing binds, each noted; wrong imports from `handrail.declare` are removed from `tree`."""
    unknown = set()
    for statement in ast.walk(tree):
        if isinstance(statement, ast.ImportFrom) and statement.module == _WORDS:
            wrong = [alias for alias in statement.names if alias.name not in (*declare.__all__, "*")]
            kept = [alias for alias in statement.names if alias not in wrong]
            statement.names = kept or [ast.alias("__all__", "_", lineno=statement.lineno, col_offset=0)]
            unknown |= {alias.asname or alias.name for alias in wrong}
            problems += [_no_word(alias.name, Where(file, alias.lineno), ()) for alias in wrong]
    bound = _bound(tree)
    if "*" in bound:
        return unknown
    loose = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound | unknown
    ]
    own = bound - set(dir(builtins))
    problems += [_no_word(node.id, Where(file, node.lineno), own) for node in loose]
    return unknown | {node.id for node in loose}


def _bound(tree: ast.Module) -> set[str]:
    bound = {*dir(builtins), "__file__", "__path__", "__annotations__", "__qualname__", "__module__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ImportFrom) and node.module == _WORDS and node.names[0].name == "*":
            bound |= set(declare.__all__)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
    return bound


def _no_word(word: str, where: Where, own: Iterable[str]) -> Problem:
    if word in declare.__all__:
        cure = f"add it to `from {_WORDS} import …`"
        return Problem(where, Severity.error, f"'{word}' is not imported", cure)
    near = difflib.get_close_matches(word, [*declare.__all__, *sorted(own)], n=1)
    cure = f"did you mean '{near[0]}'?" if near else "`handrail docs declarations` has the words there are"
    return Problem(where, Severity.error, f"there is no '{word}'", cure)


def _raised(error: BaseException, file: str) -> Problem:
    frames = traceback.extract_tb(error.__traceback__)
    places = [Where(frame.filename, frame.lineno or 0) for frame in frames if is_known(frame.filename)]
    where = places[-1] if places else Where(file)
    if isinstance(error, AttributeError) and error.obj is declare and error.name:
        return _no_word(error.name, where, ())
    if isinstance(error, SystemExit):
        return Problem(where, Severity.error, "the file ends the program", "remove the call of exit")
    if isinstance(error, ModuleNotFoundError):
        what = f"there is no module '{error.name}'"
        return Problem(
            where, Severity.error, what, f"install it, or write {PACKAGE}/_name.py and import that"
        )
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Problem(where, Severity.error, what, "correct the declaration")
