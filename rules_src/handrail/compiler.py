"""A source folder → {path: text}: load, lint, lower, emit, in this order and nowhere else."""

from __future__ import annotations

from pathlib import Path

from handrail.emit import emit, source_of
from handrail.errors import Refused, Severity
from handrail.lint import lint
from handrail.load import load
from handrail.lower import lower
from handrail.versions import OLDEST, Version
from handrail.write import with_manifest


def compile_source(source: Path, environment: str | None, alertmanager: Version = OLDEST) -> dict[str, str]:
    """Every file of `generated/`, manifest included.

    Raises Refused with all problems at once, WrongCall when there is nothing to compile.
    """
    loaded = load(source)
    place = loaded.environment(environment)
    errors = [problem for problem in lint(loaded.rollouts) if problem.severity >= Severity.error]
    if errors:
        raise Refused(errors)
    plan = lower(loaded.rollouts, place, alertmanager)
    files = emit(plan)
    return with_manifest(files, {path: source_of(path, plan) for path in files})
