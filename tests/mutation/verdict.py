"""A mutant + the generated tests of its guardrail → does promtool notice?"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from handrail.emit import promtool
from handrail.emit.document import Data, yaml_document
from handrail.emit.groups import group, rules
from handrail.load import load
from handrail.lower import lower
from handrail.plan import Guardrail, Plan, Rollout
from servers import program

from .mutants import Mutant, mutants

PARALLEL = 2


@dataclass(frozen=True)
class Subject:
    """One guardrail's rules and, written down beside them, the tests generated for it alone."""

    rollout: Rollout
    guardrail: Guardrail
    group: Data
    tests: str

    def mutants(self) -> Iterator[Mutant]:
        """Everything that can be wrong with it."""
        return mutants(self.group, self.rollout.evaluate)


@dataclass(frozen=True)
class Verdict:
    """Whether a mutant was noticed."""

    mutant: Mutant
    noticed: bool


def plan_of(source: Path) -> Plan:
    """The plan of a source folder, for its first environment."""
    loaded = load(source)
    return lower(loaded.rollouts, loaded.environment(None))


def subjects(rollout: Rollout) -> Iterator[Subject]:
    """Every guardrail of a rollout, alone."""
    for guardrail in rollout.guardrails:
        alone = replace(rollout, guardrails=(guardrail,), slos=(), escalation=())
        yield Subject(alone, guardrail, group(alone, guardrail), promtool.tests(alone))


def judge(subject: Subject, mutant: Mutant | None = None) -> bool:
    """Whether promtool finds something wrong with the rules, those of the mutant in the place of their own."""
    data = rules(subject.rollout)
    if mutant is not None:
        data = {"groups": [mutant.data, *data["groups"][1:]]}
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "rules").mkdir()
        (root / "tests").mkdir()
        name = subject.rollout.name
        (root / f"rules/{name}.yml").write_text(yaml_document(data, "a mutant"))
        (root / f"tests/{name}.test.yml").write_text(subject.tests)
        command = [program("promtool"), "test", "rules", f"{name}.test.yml"]
        done = subprocess.run(command, cwd=root / "tests", capture_output=True, text=True, check=False)
    return done.returncode != 0


def verdicts(made: Iterable[tuple[Subject, Mutant]]) -> Iterator[Verdict]:
    """The verdict on each, as they come."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        yield from pool.map(lambda pair: Verdict(pair[1], judge(*pair)), made)
