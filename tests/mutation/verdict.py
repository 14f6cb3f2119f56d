"""A mutant + the generated tests of its guardrail → does promtool notice?"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from handrail.compiler import planned
from handrail.emit import promtool
from handrail.emit.document import Data, yaml_document
from handrail.emit.groups import group, rules
from handrail.errors import Refused
from handrail.plan import Guardrail, Rollout
from servers import program

from .mutants import Mutant, mutants

PARALLEL = 2
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Subject:
    """One guardrail's rules and, written down beside them, the tests generated for it alone."""

    rollout: Rollout
    guardrail: Guardrail
    group: Data
    tests: Data

    @property
    def cases(self) -> list[Data]:
        """The test cases."""
        found: list[Data] = self.tests["tests"]
        return found

    def mutants(self) -> Iterator[Mutant]:
        """Everything that can be wrong with it."""
        return mutants(self.group, self.rollout.evaluate)


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


def subjects(rollout: Rollout) -> Iterator[Subject]:
    """Every guardrail of a rollout, alone."""
    return (alone(rollout, guardrail) for guardrail in rollout.guardrails)


def alone(rollout: Rollout, guardrail: Guardrail) -> Subject:
    """One guardrail as if the rollout had no other."""
    only = replace(rollout, guardrails=(guardrail,), slos=(), escalation=())
    tests = yaml.load(promtool.tests(only), Loader=_Loader)  # noqa: S506  what we wrote a line above
    return Subject(only, guardrail, group(only, guardrail), tests)


def judge(subject: Subject, mutant: Mutant | None = None) -> bool:
    """Whether promtool finds something wrong with the rules, those of the mutant in the place of their own.

    The cases that are about the mutant's tier come first: most mutants are noticed there.
    """
    data = rules(subject.rollout)
    if mutant is None:
        return _refused(subject, data, subject.cases)
    data = {"groups": [mutant.data, *data["groups"][1:]]}
    tier = mutant.tier
    first = [case for case in subject.cases if tier is None or re.search(rf"\b{tier}\b", case["name"])]
    rest = [case for case in subject.cases if case not in first]
    if tier is None:
        first, rest = subject.cases[:2], subject.cases[2:]
    return any(_refused(subject, data, cases) for cases in (first, rest) if cases)


def _refused(subject: Subject, data: Data, cases: list[Data]) -> bool:
    """Whether promtool refuses these rules in these cases."""
    tests = {**subject.tests, "tests": cases}
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "rules").mkdir()
        (root / "tests").mkdir()
        name = subject.rollout.name
        (root / f"rules/{name}.yml").write_text(yaml_document(data, "a mutant"))
        (root / f"tests/{name}.test.yml").write_text(yaml_document(tests, "a mutant"))
        command = [program("promtool"), "test", "rules", f"{name}.test.yml"]
        done = subprocess.run(command, cwd=root / "tests", capture_output=True, text=True, check=False)
    return done.returncode != 0


def verdicts(made: Iterable[tuple[Subject, Mutant]]) -> Iterator[Verdict]:
    """The verdict on each, as they come."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from pool.map(lambda pair: Verdict(pair[1], judge(*pair)), made)
