"""Rollouts that lint accepts → what promtool of both generations and amtool say against what is generated of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import oracle
from handrail.contract import names
from handrail.declare import Environment, Rollout
from handrail.emit import emit, emit_common
from handrail.errors import Severity
from handrail.lint import lint, lint_plan
from handrail.lower import lower
from servers import program

NEWER = Path(__file__).parents[2] / ".tools/newer/usr/bin/promtool"
SELDOM_SWEPT = {**os.environ, "GOGC": "400"}
"""promtool collects its garbage more seldom: a fifth of its time is saved."""
Declared = tuple[Rollout, Environment]


@dataclass(frozen=True)
class Disagreement:
    """A declaration, and what a judge says against it."""

    declared: Declared
    said: str

    def __str__(self) -> str:
        rollout, environment = self.declared
        return f"{rollout!r}\n{environment!r}\n{self.said}"


def accepted(declared: Declared) -> bool:
    """Whether lint lets it pass."""
    rollout, environment = declared
    problems = lint([rollout], [environment], environment)
    if any(problem.severity >= Severity.error for problem in problems):
        return False
    [planned] = lower([rollout], environment).rollouts
    return not any(problem.severity >= Severity.error for problem in lint_plan(planned, rollout))


def disagreements(batch: Sequence[Declared]) -> list[Disagreement]:
    """What the judges say against each of these; they are asked about all at once first."""
    with TemporaryDirectory() as folder:
        roots = [_written(Path(folder) / str(number), one) for number, one in enumerate(batch)]
        if not _said(roots):
            return []
        return [
            Disagreement(one, said) for one, root in zip(batch, roots, strict=True) if (said := _said([root]))
        ]


def _written(root: Path, declared: Declared) -> Path:
    rollout, environment = declared
    plan = lower([rollout], environment)
    files = {**emit_common(plan.common), **emit(plan.rollouts[0], plan.environment)}
    for path, text in oracle.tests(plan.rollouts[0]).items():
        files[path.replace(".test.yml", ".oracle.test.yml")] = text
    for path, text in files.items():
        if names.is_tests_file(path) or path.startswith(("prometheus/rules/", names.ALERTMANAGER_FILE)):
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return root


def _said(roots: Sequence[Path]) -> str:
    rules = [str(file) for root in roots for file in sorted(root.glob("prometheus/rules/*.yml"))]
    tests = [str(file) for root in roots for file in sorted(root.glob("prometheus/tests/*.yml"))]
    routes = [str(root / names.ALERTMANAGER_FILE) for root in roots]
    asked = [[program("amtool"), "check-config", *routes]]
    for promtool in (program("promtool"), str(NEWER)):
        asked += [[promtool, "check", "rules", *rules], [promtool, "test", "rules", *tests]]
    running = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=SELDOM_SWEPT)
        for argv in asked
    ]
    outputs = [(process.communicate()[0], process.returncode) for process in running]
    return "\n".join(output for output, code in outputs if code != 0)
