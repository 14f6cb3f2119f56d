"""A source folder → {path: text}: load, lint, lower, emit, and a look at what was emitted, in this order and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from handrail import graph
from handrail.declare import Environment
from handrail.emit import emit, made_from, silent, sources_of
from handrail.errors import Problem, Refused, Severity
from handrail.lint import lint, lint_plan
from handrail.load import Loaded, read
from handrail.lower import lower
from handrail.overrides import overridden
from handrail.plan import Plan
from handrail.texts import Texts
from handrail.versions import OLDEST, Version
from handrail.write import MANIFEST, manifest_of, unchanged


def compile_source(
    source: Path,
    environment: str | None,
    alertmanager: Version = OLDEST,
    before: Path | None = None,
    warn: Callable[[Problem], None] = lambda _: None,
    tell: Callable[[str], None] = silent,
) -> Texts:
    """Every file of `generated/`, manifest included.

    Unit tests in the folder `before` are taken over where nothing they are made from changed; without it
    everything is made anew. `warn` hears of what does not stop the compiler and may still be wrong, `tell` of
    what is being made where that takes long. Raises Refused with all problems at once, WrongCall when there is
    nothing to compile.
    """
    plan, problems = planned(source, environment, alertmanager)
    errors = [problem for problem in problems if problem.severity >= Severity.error]
    if errors or plan is None:
        raise Refused(errors)
    for problem in problems:
        if problem.severity is Severity.warning:
            warn(problem)
    fingerprints = made_from(plan)
    files = emit(plan, unchanged(fingerprints, before) if before else None, tell)
    loose = [problem for problem in graph.check(plan, files) if problem.severity >= Severity.error]
    if loose:
        raise Refused(loose)
    files[MANIFEST] = manifest_of(files, sources_of(files, plan), fingerprints)
    return files


def planned(
    source: Path, environment: str | None, alertmanager: Version = OLDEST
) -> tuple[Plan | None, list[Problem]]:
    """The plan, and everything there is to say about it and its declarations, by place.

    There is no plan where the declarations cannot work. Raises WrongCall when there is nothing to read.
    """
    loaded = read(source)
    return _planned(loaded, loaded.environment(environment), alertmanager)


def problems_everywhere(source: Path) -> list[Problem]:
    """Everything there is to say about the declarations, in every environment, by place."""
    loaded = read(source)
    places = loaded.environments or (loaded.environment(None),)
    return sorted({problem for place in places for problem in _planned(loaded, place, OLDEST)[1]})


def _planned(loaded: Loaded, here: Environment, alertmanager: Version) -> tuple[Plan | None, list[Problem]]:
    rollouts = overridden(loaded.rollouts, here)
    found = lint(rollouts, loaded.environments, whole=not loaded.problems)
    problems = sorted({*loaded.problems, *found})
    if any(problem.severity >= Severity.error for problem in problems):
        return None, problems
    plan = lower(rollouts, here, alertmanager)
    # A rehearsal runs faster than the steps of a rollback can: what is late is judged in the time that was declared.
    in_time = plan if here.faster == 1 else lower(rollouts, replace(here, faster=1), alertmanager)
    late = lint_plan(in_time, rollouts)
    return plan, sorted({*problems, *late})
