"""A source folder → {path: text}: load, lint, then lower, emit and check one rollout after the other.

Only one rollout's plan and uncompressed texts are in memory at a time: ten thousand guardrails need little more than a
thousand. So linting lowers each rollout by itself and keeps only what rollouts share (`plan.Common`), from which the
shared files are made first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from handrail.contract import names
from handrail.declare import Environment, Rollout
from handrail.emit import add, emit, emit_common, promtool
from handrail.errors import Problem, Refused, Severity, WrongCall, shown
from handrail.lint import accept_unused, lint, lint_plan
from handrail.loading.load import SETTINGS, Loaded, read
from handrail.loading.overrides import changed, overridden
from handrail.lower import lower
from handrail.output import incomplete_alerts
from handrail.output.texts import Texts
from handrail.output.write import MANIFEST, manifest_of
from handrail.plan import Common, Plan, common_of


def silent(_: str) -> None:
    """Ignores progress."""


def compile_source(
    source: Path,
    environment: str | None,
    alertmanager: str | None = None,
    warn: Callable[[Problem], None] = lambda _: None,
    tell: Callable[[str], None] = silent,
) -> Texts:
    """Every file of `generated/`, manifest included: those of one environment, or a folder for each of several.

    `environment` means that one alone, without a folder of its own. `alertmanager` is the oldest that has to read them,
    whatever the environments say. `warn` hears of what does not stop the compiler and
    may still be wrong, `tell` of what is being made. Raises Refused with all problems at once, WrongCall when there is
    nothing to compile.
    """
    loaded = read(source)
    several = environment is None and len(loaded.environments) > 1
    declared = loaded.environments if several else (loaded.environment(environment),)
    places = [_read_by(here, alertmanager) for here in declared]
    commons, problems = _checked(loaded, places, source)
    errors = [problem for problem in problems if problem.severity >= Severity.error]
    if errors or len(commons) < len(places):
        raise Refused(errors)
    for problem in problems:
        if problem.severity is Severity.warning:
            warn(problem)
    news: dict[Problem, None] = {}
    files, sources = Texts(), dict[str, str]()
    for here in places:
        rollouts = _by_name(overridden(loaded.rollouts, here))
        plans = [partial(lower, [rollout], here) for rollout in rollouts]
        folder = names.environment_folder(here.name) if several else ""
        made, made_of = _made(commons[here.name], plans, news.setdefault, partial(_told, tell, folder))
        files.put(folder, made)
        sources |= {f"{folder}{path}": source for path, source in made_of.items()}
    for problem in news:
        warn(problem)
    files[MANIFEST] = manifest_of(files, sources)
    return files


def _told(tell: Callable[[str], None], folder: str, what: str) -> None:
    tell(f"{folder}{what}")


def _made(
    common: Common,
    plans: Sequence[Callable[[], Plan]],
    warn: Callable[[Problem], None],
    tell: Callable[[str], None],
) -> tuple[Texts, dict[str, str]]:
    """Every file of one environment, and what each is made of; `plans` give the plan of one rollout each."""
    files = Texts(emit_common(common))
    sources = dict.fromkeys(files, common.source)
    receivers, loose = incomplete_alerts.notifying_receivers(files[names.alertmanager_file(files)]), []
    for number, plan in enumerate((make() for make in plans), 1):
        [rollout] = plan.rollouts
        tell(f"{rollout.name} ({number} of {len(plans)})")
        own = emit(rollout, plan.environment)
        loose += incomplete_alerts.check(rollout, own, receivers)
        for news in incomplete_alerts.untested(rollout, own):
            warn(news)
        sources |= dict.fromkeys(own, rollout.source)
        add(files, own)
    if any(problem.severity >= Severity.error for problem in loose):
        raise Refused(loose)
    return files, sources


def planned(
    source: Path, environment: str | None, alertmanager: str | None = None
) -> tuple[Plan | None, list[Problem]]:
    """The plan of all rollouts, and everything there is to say about it and its declarations, by place.

    There is no plan where the declarations cannot work. Raises WrongCall when there is nothing to read.
    """
    loaded = read(source)
    here = _read_by(loaded.environment(environment), alertmanager)
    rollouts = overridden(loaded.rollouts, here)
    common, problems = _problems_of(loaded, rollouts, here)
    return (lower(rollouts, here) if common else None), problems


def _read_by(here: Environment, alertmanager: str | None) -> Environment:
    """The same where an Alertmanager of this version reads its files."""
    return here if alertmanager is None else changed(here, {"alertmanager_version": alertmanager})


class AlertmanagerPart(NamedTuple):
    """What an Alertmanager that others use gets of one environment, and the environments that are declared beside it."""

    fragment: str
    plan: Plan
    declared: tuple[str, ...]


def alertmanager_part(
    source: Path, environment: str | None, alertmanager: str | None = None
) -> AlertmanagerPart:
    """What an Alertmanager that others use gets of one environment.

    Raises Refused with all problems at once, WrongCall when nobody can know which environment is meant.
    """
    loaded = read(source)
    here = _read_by(_sharing(loaded, environment), alertmanager)
    rollouts = overridden(loaded.rollouts, here)
    common, problems = _problems_of(loaded, rollouts, here)
    if common is None:
        raise Refused([problem for problem in problems if problem.severity >= Severity.error])
    fragment = emit_common(common)[names.ALERTMANAGER_FRAGMENT]
    declared = tuple(one.name for one in (*loaded.environments, here))
    return AlertmanagerPart(fragment, lower(rollouts, here), declared)


def _sharing(loaded: Loaded, environment: str | None) -> Environment:
    """The environment that is meant, as one whose Alertmanager was there before."""
    sharing = [one for one in loaded.environments if "alertmanager" in one.existing] or loaded.environments
    if environment is None and len(sharing) > 1:
        known = ", ".join(one.name for one in sharing)
        raise WrongCall(f"several environments are declared; give --environment with one of: {known}")
    here = loaded.environment(environment if environment or not sharing else sharing[0].name)
    return changed(here, {"existing": [*here.existing, "alertmanager"]})


def problems_everywhere(source: Path) -> list[Problem]:
    """Everything there is to say about the declarations, in every environment, by place.

    What is wrong in some environments only names them; what is accepted is of use if one of them needs it.
    """
    loaded = read(source)
    places = loaded.environments or (loaded.environment(None),)
    _, said = _checked(loaded, places, source)
    wrong = any(problem.severity >= Severity.error for problem in said)
    return sorted(said if wrong else [*said, *_untested(loaded, places[0])])


def _checked(
    loaded: Loaded, places: Sequence[Environment], source: Path
) -> tuple[dict[str, Common], list[Problem]]:
    """What the rollouts have in common in each of these environments where they can work, and all there is to say.

    What is wrong in some of them only names them.
    """
    environments_of: dict[Problem, list[str]] = {}
    commons: dict[str, Common] = {}
    for place in places:
        common, problems = _problems_of(loaded, overridden(loaded.rollouts, place), place)
        commons |= {place.name: common} if common else {}
        for problem in problems:
            environments_of.setdefault(problem, []).append(place.name)
    settings = shown(source / SETTINGS)
    said = []
    for problem, where in environments_of.items():
        everywhere = len(where) == len(places)
        if everywhere or problem.where.file == settings:
            said.append(problem)
        elif problem.lint != accept_unused.NAME:
            said.append(replace(problem, what=f"in {' and '.join(where)}: {problem.what}"))
    return commons, sorted(said)


def _untested(loaded: Loaded, here: Environment) -> Iterator[Problem]:
    """What the tests of the rules cannot show, which is the same everywhere."""
    for rollout in overridden(loaded.rollouts, here):
        [plan] = lower([rollout], here).rollouts
        yield from incomplete_alerts.untested(plan, promtool.tests(plan))


def _problems_of(
    loaded: Loaded, rollouts: Sequence[Rollout], here: Environment
) -> tuple[Common | None, list[Problem]]:
    """What `rollouts` have in common, None where they cannot work, and everything there is to say, by place."""
    problems = {*loaded.problems, *lint(rollouts, loaded.environments, here, whole=not loaded.wrong)}
    if loaded.wrong or any(problem.severity is Severity.fatal for problem in problems):
        return None, sorted(problems)  # there is no plan of what cannot be compiled
    wrong = {problem.where for problem in problems if problem.severity >= Severity.error}
    parts = []
    for rollout in _by_name(rollouts):
        plan = lower([rollout], here)
        # A rehearsal runs faster than the steps of a rollback can: what is late is judged in the time that was declared.
        in_time = plan if here.faster == 1 else lower([rollout], changed(here, {"faster": 1}))
        of_the_plan = lint_plan(in_time.rollouts[0], rollout)
        problems |= {
            problem for problem in of_the_plan if problem.where not in wrong
        }  # else it follows from that
        parts.append(plan.common)
    errors = any(problem.severity >= Severity.error for problem in problems)
    return None if errors else common_of(parts), sorted(problems)


def _by_name(rollouts: Sequence[Rollout]) -> list[Rollout]:
    return sorted(rollouts, key=lambda rollout: rollout.name)
