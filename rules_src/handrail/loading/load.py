"""A folder of declarations → Rollouts and Environments, or every problem that keeps them from being read.

Every declaration that is made counts: a rollout made in a loop, in a class or in an imported helper is compiled like one
that has a name of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import starmap
from pathlib import Path
from threading import enumerate as running_threads
from types import GeneratorType
from typing import Any, TypeVar, cast

from handrail.base import Reading, is_broken, script_of, where_of
from handrail.declare import (
    Critical,
    Emergency,
    Environment,
    ForGuardrail,
    ForRollout,
    Guardrail,
    Rollout,
    Slo,
    Warning,
)
from handrail.errors import Problem, Refused, Severity, Where, WrongCall, shown
from handrail.loading.script import PACKAGE, collecting, names_of
from handrail.loading.script import SETTINGS as SETTINGS_MODULE
from handrail.loading.unread import calls_not_run, files_not_read, threads_left

T = TypeVar("T")

PARTS = (Guardrail, Slo, Warning, Critical, Emergency, ForRollout, ForGuardrail)
"""What guards only as a part of a rollout, or changes something only as a part of an environment."""

SETTINGS = f"{SETTINGS_MODULE}.py"
"""The file beside the rollouts that says where they run."""

_LAZY = (GeneratorType, map, filter, starmap)
"""Makes nothing until somebody iterates over it."""
_END = object()


@dataclass(frozen=True)
class Loaded:
    """What a source folder declares, in the order of its files.

    `problems` are those of reading. If something is `wrong`, what was read can be linted, but not compiled.
    """

    rollouts: tuple[Rollout, ...]
    environments: tuple[Environment, ...]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def wrong(self) -> bool:
        """Whether something could not be read."""
        return any(problem.severity >= Severity.error for problem in self.problems)

    def environment(self, name: str | None) -> Environment:
        """The environment called `name`; the first one without a name, a default where none is declared."""
        if name is None:
            return self.environments[0] if self.environments else Environment("default")
        for environment in self.environments:
            if environment.name == name:
                return environment
        if self.wrong:
            return Environment("default")  # the one that is meant may be among them
        known = ", ".join(environment.name for environment in self.environments) or "none"
        raise WrongCall(f"environment '{name}' is not declared; use one of: {known}")


def load(source: Path) -> Loaded:
    """Read `source`. Raises WrongCall when there is nothing to read, Refused when something is wrong."""
    loaded = read(source)
    if loaded.wrong:
        raise Refused(list(loaded.problems))
    return loaded


def read(source: Path) -> Loaded:
    """Read all of `source`/rollouts and `source`/environments.py; files that begin with `_` are only imported.

    Raises WrongCall when there is nothing to read.
    """
    folder, settings = source / PACKAGE, source / SETTINGS
    files = list(_files(folder))
    if not files:
        cure = "write one; if the last one was taken out, delete what was generated from it"
        raise WrongCall(
            f"{shown(folder)} has no declarations; "
            f"{cure if folder.is_dir() else 'run `handrail init` or give --source'}"
        )
    reading = Reading([], (Rollout, Environment, *PARTS))
    rollouts: dict[int, Rollout] = {}
    environments: dict[int, Environment] = {}
    threads = running_threads()
    with collecting(source, reading):
        for file in files:
            _add(rollouts, _declared(file, source, Rollout, reading))
        if settings.exists():
            _add(environments, _declared(settings, source, Environment, reading))
        _add(rollouts, (one.thing for one in reading.made if isinstance(one.thing, Rollout)))
        _add(environments, (one.thing for one in reading.made if isinstance(one.thing, Environment)))
        reading.problems += [*threads_left(threads, folder), *_not_seen(source, reading)]
    loaded = Loaded(
        tuple(sound for rollout in rollouts.values() for sound in _unbroken(rollout)),
        tuple(environment for environment in environments.values() if not is_broken(environment)),
        tuple(sorted(set(reading.problems))),
    )
    return loaded if loaded.wrong else _complete(loaded, reading)


def _files(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """The files to read below `folder`, by name; a folder's own `__init__.py` first, as in Python."""
    here = folder.resolve()
    if not folder.is_dir() or here in above:
        return
    for path in sorted(folder.iterdir()):
        read = not path.name.startswith(("_", ".")) or path.name == "__init__.py"
        if read and path.suffix == ".py":
            yield path
        elif read and path.is_dir():
            yield from _files(path, above | {here})


def _add(known: dict[int, T], more: Iterable[T]) -> None:
    """Add `more` to `known`; one that two files share, or that has two names, counts once."""
    for thing in more:
        known.setdefault(id(thing), thing)


def _declared(file: Path, source: Path, kind: type[T], reading: Reading) -> list[T]:
    """What the file made, or imported under a name; a file that has none is noted."""
    before, script = len(reading.made), file.relative_to(source).as_posix()
    names = names_of(file, source, reading)
    _made_to_the_end(names, file, reading)
    made = [one.thing for one in reading.made[before:] if script in one.scripts]
    declarations = [thing for value in (*made, *names.values()) for thing in _of_kind(value, kind)]
    if not declarations and shown(file) not in _wrong(reading) and file.name != "__init__.py":
        cure = "add one, or begin its name with _" if kind is Rollout else "add one, or remove the file"
        what = f"the file declares no {kind.__name__}"
        reading.problems.append(Problem(Where(shown(file), 1), Severity.error, what, cure))
    return declarations


def _made_to_the_end(names: dict[str, object], file: Path, reading: Reading) -> None:
    """Note generators that nobody iterates over: they may make declarations."""
    for name, value in list(names.items()):
        if any(_has_more(lazy) for lazy in _lazy(value)):
            what = f"'{name}' makes nothing until somebody iterates over it"
            reading.problems.append(Problem(Where(shown(file), 1), Severity.error, what, "write a list"))


def _lazy(value: object, depth: int = 3) -> Iterator[Iterator[object]]:
    """`value` itself, or what it holds, where that makes nothing until somebody iterates over it."""
    if isinstance(value, _LAZY):
        yield value
    elif isinstance(value, list | tuple | dict) and depth:
        for held in value.values() if isinstance(value, dict) else value:
            yield from _lazy(held, depth - 1)


def _has_more(lazy: Iterator[object]) -> bool:
    try:
        return next(lazy, _END) is not _END
    except Exception:  # noqa: BLE001  what a user's code raises here it would have raised for whoever asked
        return True


def _of_kind(value: object, kind: type[T]) -> list[T]:
    """`value` itself, or its items if it is a list or a dict."""
    held = list(value.values()) if isinstance(value, dict) else value
    several = held if isinstance(held, list | tuple) else (held,)
    return [thing for thing in several if isinstance(thing, kind)]


def _wrong(reading: Reading) -> set[str]:
    """The files in which something is wrong."""
    return {problem.where.file for problem in reading.problems if problem.severity >= Severity.error}


def _not_seen(source: Path, reading: Reading) -> list[Problem]:
    """What would declare something, but is not read."""
    wrong = _wrong(reading)
    made_at: dict[str, set[int]] = {}
    for where in (where_of(one.thing) for one in reading.made):
        made_at.setdefault(where.file, set()).add(where.line)
    unread = list(files_not_read(source, PACKAGE, SETTINGS_MODULE, reading.ran))
    for file, name in reading.ran.items():
        if name not in wrong:
            unread += calls_not_run(file, name, made_at.get(name, set()))
    return unread


def _complete(loaded: Loaded, reading: Reading) -> Loaded:
    """`loaded`, of which nothing is wrong: then no declaration that was made may be missing."""
    missing = [one.thing for one in reading.made if _unfinished(one.thing)]
    what, cure = "the declaration cannot be read", "this is a mistake in Handrail: please report it"
    problems = [Problem(where_of(thing), Severity.error, what, cure) for thing in missing]
    more = problems or _unused(loaded, reading)
    return replace(loaded, problems=tuple(sorted({*loaded.problems, *more})))


def _unfinished(thing: object) -> bool:
    """Whether it is broken, or was never finished."""
    return is_broken(thing) or any(field.name not in vars(thing) for field in fields(cast("Any", thing)))


def _unused(loaded: Loaded, reading: Reading) -> list[Problem]:
    """Guardrails, objectives and tiers that belong to no rollout, and overrides that belong to no environment.

    A file that begins with `_` may declare more than others use.
    """
    used = {id(part) for rollout in loaded.rollouts for part in (*rollout.guardrails, *rollout.slos)}
    used |= {id(override) for here in loaded.environments for override in here.overrides}
    used |= {id(tier) for one in reading.made for tier in getattr(one.thing, "tiers", None) or ()}
    problems = []
    for one in reading.made:
        private = any(
            part.startswith("_") and part != "__init__.py" for part in Path(script_of(one.thing)).parts
        )
        if isinstance(one.thing, PARTS) and id(one.thing) not in used and not private:
            whose = "an environment" if isinstance(one.thing, ForRollout | ForGuardrail) else "a rollout"
            what = (
                f"this {type(one.thing).__name__} belongs to no {whose.partition(' ')[2]}, and does nothing"
            )
            cure = f"give it to {whose}, or make it in a function that is called where it is needed"
            problems.append(Problem(where_of(one.thing), Severity.error, what, cure))
    return problems


def _unbroken(rollout: Rollout) -> list[Rollout]:
    """The rollout; if only some of its guardrails are broken, a copy with the others."""
    if not is_broken(rollout):
        return [rollout]
    facts = vars(rollout)
    if any(is_broken(value) for name, value in facts.items() if name not in ("broken", "guardrails")):
        return []
    rest = copy.copy(rollout)
    sound = [guardrail for guardrail in facts.get("guardrails", ()) if not is_broken(guardrail)]
    object.__setattr__(rest, "guardrails", sound)
    return [rest] if sound else []
