"""A mutant + the generated tests of its group → does promtool notice?"""

from __future__ import annotations

import fnmatch
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from handrail.compiler import planned
from handrail.emit import promtool
from handrail.emit.document import Data, yaml_document
from handrail.emit.groups import rules
from handrail.emit.promtool.own import AWAKE, CLIMBS, GONE
from handrail.errors import Refused
from handrail.plan import Guardrail, Rollout, Slo
from servers import program

from .mutants import Mutant, mutants

PARALLEL = 2
GO = {"GOMAXPROCS": "1", "GOGC": "400"}
"""promtool as one of several: a processor for each, and a quarter less time for collecting garbage."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


Tests = dict[str, Data]
"""Test files by name."""


@dataclass(frozen=True)
class Subject:
    """One group of rules and, written down beside it, the tests generated for it alone."""

    rollout: Rollout
    group: Data
    tests: Tests

    @property
    def name(self) -> str:
        """That of the group."""
        return str(self.group["name"])

    def mutants(self, only: str | None = None) -> Iterator[Mutant]:
        """Everything that can be wrong with it, or only with one of its rules."""
        return mutants(self.group, self.rollout.evaluate, only)


@dataclass(frozen=True)
class Verdict:
    """Whether a mutant was noticed."""

    mutant: Mutant
    noticed: bool


def rollouts(source: Path) -> tuple[Rollout, ...]:
    """The rollouts of a source folder, for its first environment. Raises Refused when they cannot work."""
    plan, problems = planned(source, None)
    if plan is None:
        raise Refused(problems)
    return plan.rollouts


def subjects(rollout: Rollout, groups: Iterable[str] = ("*",)) -> Iterator[Subject]:
    """Every guardrail of a rollout, every objective, and the rollout's own alerts, alone, if it is one of `groups`."""
    makers: dict[str, Callable[[], Subject]] = {
        f"{rollout.name}/{guardrail.name}": partial(alone, rollout, guardrail)
        for guardrail in rollout.guardrails
    }
    makers |= {f"{rollout.name}/slo-{slo.name}": partial(objective, rollout, slo) for slo in rollout.slos}
    makers[f"{rollout.name}/rollout"] = partial(own, rollout)
    for name, make in makers.items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in groups):
            yield make()


def alone(rollout: Rollout, guardrail: Guardrail) -> Subject:
    """One guardrail as if the rollout had no other."""
    return _subject(replace(rollout, guardrails=(guardrail,), slos=(), escalation=()), 0)


def objective(rollout: Rollout, slo: Slo) -> Subject:
    """One objective as if the rollout had nothing else."""
    return _subject(replace(rollout, guardrails=(), slos=(slo,), escalation=()), 0)


def own(rollout: Rollout) -> Subject:
    """The heartbeat, the receiver that is gone, and the levels; the levels climb from what some alert of the first guardrail would be."""
    subject = _subject(replace(rollout, guardrails=rollout.guardrails[:1], slos=()), -1)
    wanted = (AWAKE, CLIMBS, GONE)
    tests = {
        file: {**data, "tests": [case for case in data["tests"] if case["name"].startswith(wanted)]}
        for file, data in subject.tests.items()
    }
    return replace(subject, tests={file: data for file, data in tests.items() if data["tests"]})


def _subject(rollout: Rollout, group: int) -> Subject:
    tests = {
        path.rpartition("/")[2]: yaml.load(text, Loader=_Loader)  # noqa: S506  what was just written
        for path, text in promtool.tests(rollout).items()
    }
    return Subject(rollout, rules(rollout)["groups"][group], tests)


def judge(subject: Subject, mutant: Mutant | None = None) -> bool:
    """Whether promtool finds something wrong with the rules, those of the mutant in the place of their own.

    The case that most probably notices the mutant comes first, alone.
    """
    groups = rules(subject.rollout)["groups"]
    if mutant is None:
        return any(_refused(subject, groups, file, data["tests"]) for file, data in subject.tests.items())
    groups = [mutant.data if group["name"] == mutant.group else group for group in groups]
    return any(_refused(subject, groups, file, cases) for file, cases in _by_likelihood(subject, mutant))


def _by_likelihood(subject: Subject, mutant: Mutant) -> Iterator[tuple[str, list[Data]]]:
    """Every case with its file: at first one in which the mutant's alert fires, then all others of each file."""
    whole = [(file, case) for file, data in subject.tests.items() for case in data["tests"]]
    first, case = next((each for each in whole if _fires(mutant.rule, each[1])), whole[0])
    yield first, [case]
    for file, data in subject.tests.items():
        if others := [other for other in data["tests"] if other is not case]:
            yield file, others


def _fires(alert: str, case: Data) -> bool:
    return any(
        asked["alertname"] == alert and asked.get("exp_alerts") for asked in case.get("alert_rule_test", ())
    )


def _refused(subject: Subject, groups: list[Data], file: str, cases: list[Data]) -> bool:
    """Whether promtool refuses these rules in these cases of a test file."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "rules").mkdir()
        (root / "tests").mkdir()
        rules_file = root / f"rules/{subject.rollout.name}.yml"
        rules_file.write_text(yaml_document({"groups": groups}, "a mutant"))
        tests = {**subject.tests[file], "tests": cases}
        (root / "tests" / file).write_text(yaml_document(tests, "a mutant"))
        command = [program("promtool"), "test", "rules", file]
        done = subprocess.run(
            command, cwd=root / "tests", capture_output=True, text=True, check=False, env=os.environ | GO
        )
    return done.returncode != 0


def verdicts(made: Iterable[tuple[Subject, Mutant]]) -> Iterator[Verdict]:
    """The verdict on each, as they come."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from pool.map(lambda pair: Verdict(pair[1], judge(*pair)), made)
