"""What went wrong → lines a person can act on.

HandrailError                 everything the compiler raises on purpose
├── Refused                   declarations that cannot work: carries every Problem, exit code 1
└── WrongCall                 the command was called wrongly: exit code 2
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class Severity(IntEnum):
    """How bad a problem is; `error` and `fatal` stop the compiler.

    A `fatal` cannot be compiled into what it says; an `error` would not guard; a `warning` guards less than it
    seems to; an `info` is good advice.
    """

    info = 1
    warning = 2
    error = 3
    fatal = 4


@dataclass(frozen=True, order=True)
class Where:
    """A place in a declaration: the file as it was given, and the line counted from 1."""

    file: str = "<unknown>"
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong at one place: what is wrong, what to do about it, and the lint that says so."""

    where: Where
    severity: Severity
    what: str
    cure: str
    lint: str = ""

    def __str__(self) -> str:
        named = f" [{self.lint}]" if self.lint else ""
        return f"{self.where}: {self.severity.name}: {self.what}; {self.cure}{named}"


class HandrailError(Exception):
    """The root of what the compiler raises on purpose."""


class Refused(HandrailError):
    """The declarations cannot work; `problems` holds all that is wrong, sorted by place."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


class WrongCall(HandrailError):
    """The command cannot be carried out as it was called: the message names the cure."""


def shown(path: Path) -> str:
    """`path` as a person would type it: relative to here where it lies below here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
