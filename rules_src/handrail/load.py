"""A folder of declarations → Rollouts and Environments, or every problem that keeps them from being read."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from handrail.base import is_broken
from handrail.declare import Environment, Rollout
from handrail.errors import Problem, Refused, Severity, Where, WrongCall, shown
from handrail.script import PACKAGE, collecting, names_of

T = TypeVar("T")

SETTINGS = "environments.py"
"""The file beside the rollouts that says where they run."""


@dataclass(frozen=True)
class Loaded:
    """What a source folder declares, in the order of its files.

    `problems` is all that is wrong with it; what stands here beside them can be judged, and not compiled.
    """

    rollouts: tuple[Rollout, ...]
    environments: tuple[Environment, ...]
    problems: tuple[Problem, ...] = field(default=())

    def environment(self, name: str | None) -> Environment:
        """The environment called `name`; the first one without a name, a default where none is declared."""
        if name is None:
            return self.environments[0] if self.environments else Environment("default")
        for environment in self.environments:
            if environment.name == name:
                return environment
        if self.problems:
            return Environment("default")  # the one that is meant may be among them
        known = ", ".join(environment.name for environment in self.environments) or "none"
        raise WrongCall(f"environment '{name}' is not declared; use one of: {known}")


def load(source: Path) -> Loaded:
    """Read `source`; Raises WrongCall when there is nothing to read, Refused when something is wrong."""
    loaded = read(source)
    if loaded.problems:
        raise Refused(list(loaded.problems))
    return loaded


def read(source: Path) -> Loaded:
    """Read `source`/rollouts/*.py and `source`/environments.py; files that begin with `_` are only imported.

    Raises WrongCall when there is nothing to read.
    """
    folder = source / PACKAGE
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    if not files:
        raise WrongCall(f"{shown(folder)} has no declarations; run `handrail init` or give --source")
    problems: list[Problem] = []
    seen: dict[int, object] = {}
    settings = source / SETTINGS
    with collecting(folder, problems):
        rollouts = [
            found
            for file in files
            for found in _declared(f"{PACKAGE}.{file.stem}", file, Rollout, seen, problems)
        ]
        environments = (
            _declared("environments", settings, Environment, seen, problems) if settings.exists() else []
        )
    return Loaded(
        tuple(sound for rollout in rollouts for sound in _sound(rollout)),
        tuple(environment for environment in environments if not is_broken(environment)),
        tuple(sorted(set(problems))),
    )


def _declared(
    name: str, file: Path, kind: type[T], seen: dict[int, object], problems: list[Problem]
) -> list[T]:
    found = [thing for value in names_of(name, file, problems).values() for thing in _of_kind(value, kind)]
    if not found and not any(problem.where.file == shown(file) for problem in problems):
        cure = "add one, or begin its name with _" if kind is Rollout else "add one, or remove the file"
        what = f"the file declares no {kind.__name__}"
        problems.append(Problem(Where(shown(file), 1), Severity.error, what, cure))
    # One that two files share by an import, or that has two names, counts once.
    new = [thing for id_, thing in {id(thing): thing for thing in found}.items() if id_ not in seen]
    seen.update((id(thing), thing) for thing in new)
    return new


def _of_kind(value: object, kind: type[T]) -> list[T]:
    """`value` itself, or what it holds where it is a list or a dict: regions may be declared in a loop."""
    held = list(value.values()) if isinstance(value, dict) else value
    several = held if isinstance(held, list | tuple) else (held,)
    return [thing for thing in several if isinstance(thing, kind)]


def _sound(rollout: Rollout) -> list[Rollout]:
    """The rollout; where nothing but some of its guardrails is broken, a copy with the others."""
    if not is_broken(rollout):
        return [rollout]
    facts = vars(rollout)
    if any(is_broken(value) for name, value in facts.items() if name not in ("broken", "guardrails")):
        return []
    rest = copy.copy(rollout)
    sound = [guardrail for guardrail in facts.get("guardrails", ()) if not is_broken(guardrail)]
    object.__setattr__(rest, "guardrails", sound)
    return [rest] if sound else []
