"""A mutant + what its rollout's generated tests ask about its group → does promtool notice?"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from handrail.compiler import planned
from handrail.emit import promtool
from handrail.emit.document import Data
from handrail.emit.groups import rules
from handrail.errors import Refused
from handrail.output.read_yaml import read_yaml
from handrail.plan import Rollout
from servers import program

from .mutants import Mutant, mutants
from .parts import Tests, about

PARALLEL = 2
GO = {"GOMAXPROCS": "1", "GOGC": "400"}
"""promtool as one of several: a processor for each, and a quarter less time for collecting garbage."""


@dataclass(frozen=True)
class Subject:
    """One group of rules and, written down beside it, the part of its rollout's tests that is about it."""

    rollout: Rollout
    group: Data
    beside: list[Data]
    tests: Tests

    @property
    def name(self) -> str:
        """That of the group."""
        return str(self.group["name"])

    @cached_property
    def fails(self) -> bool:
        """Whether the tests fail on the rules as they are."""
        return judge(self)

    def mutants(self, only: str | None = None) -> Iterator[Mutant]:
        """Everything that can be wrong with it, or only with one of its rules."""
        return mutants(self.group, self.rollout.evaluate, only)


@dataclass(frozen=True)
class Verdict:
    """Whether a mutant was noticed."""

    mutant: Mutant
    noticed: bool


Pair = tuple[Subject, Mutant]
"""A mutant, and what is asked about it."""
Unit = tuple[str, str, str]
"""A change of a kind of recording: the rollout, the kind, and what is changed."""


def rollouts(source: Path) -> tuple[Rollout, ...]:
    """The rollouts of a source folder, for its first environment. Raises Refused when they cannot work."""
    plan, problems = planned(source, None)
    if plan is None:
        raise Refused(problems)
    return plan.rollouts


def subjects(rollout: Rollout, groups: Iterable[str] = ("*",)) -> Iterator[Subject]:
    """The groups of a rollout whose names fit one of `groups`, each with the part of the rollout's tests that is about it."""
    every, tests = rules(rollout)["groups"], _tests(rollout)
    for group in every:
        if any(fnmatch.fnmatchcase(group["name"], pattern) for pattern in groups):
            yield Subject(rollout, group, *about(group, every, tests))


def _tests(rollout: Rollout) -> Tests:
    return {path.rpartition("/")[2]: read_yaml(text) for path, text in promtool.tests(rollout).items()}


def judge(subject: Subject, mutant: Mutant | None = None) -> bool:
    """Whether promtool finds something wrong with the group, or with the mutant in its place.

    The case that most probably notices the mutant comes first, alone; then all others.
    """
    tests = {file: data["tests"] for file, data in subject.tests.items()}
    if mutant is None:
        return _refused(subject, subject.group, tests)
    whole = [(file, case) for file, cases in tests.items() for case in cases]
    file, first = next((each for each in whole if _fires(mutant.rule, each[1])), whole[0])
    others = {name: [one for one in cases if one is not first] for name, cases in tests.items()}
    return _refused(subject, mutant.data, {file: [first]}) or _refused(subject, mutant.data, others)


def _fires(alert: str, case: Data) -> bool:
    return any(
        asked["alertname"] == alert and asked.get("exp_alerts") for asked in case.get("alert_rule_test", ())
    )


def _refused(subject: Subject, group: Data, tests: Mapping[str, list[Data]]) -> bool:
    """Whether promtool refuses the group in these cases of its test files. JSON is YAML that is quickly written."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "rules").mkdir()
        (root / "tests").mkdir()
        rules_file = root / f"rules/{subject.rollout.name}.yml"
        rules_file.write_text(json.dumps({"groups": [*subject.beside, group]}))
        files = [file for file, cases in tests.items() if cases]
        for file in files:
            data = {**subject.tests[file], "tests": tests[file]}
            (root / "tests" / file).write_text(json.dumps(data))
        command = [program("promtool"), "test", "rules", *files]
        done = subprocess.run(
            command, cwd=root / "tests", capture_output=True, text=True, check=False, env=os.environ | GO
        )
    return bool(files) and done.returncode != 0


def verdicts(made: Iterable[Pair]) -> Iterator[Verdict]:
    """The verdict on each, as they come."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from pool.map(lambda pair: Verdict(pair[1], judge(*pair)), made)


def unit_of(mutant: Mutant) -> Unit:
    """What a mutant of a recording has in common with those of the other rules of its kind."""
    return mutant.group.partition("/")[0], mutant.kind, mutant.place


def units(several: Mapping[Unit, Iterable[Pair]]) -> Iterator[tuple[Unit, bool]]:
    """Of each whether one of these mutants is noticed, asked one after the other."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from pool.map(lambda item: (item[0], any(judge(*pair) for pair in item[1])), several.items())
