"""A rollout → prometheus/tests/<rollout>.test.yml: promtool's unit tests of every alert.

What must fire when is computed from its measures and conditions (`measure`, `judge`, `lifecycle`) and
never from the texts of the rules. A scenario that cannot be had is named, with its reason, at the head of the
file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from handrail import names
from handrail.emit.document import Data, yaml_document
from handrail.emit.promtool.births import births
from handrail.emit.promtool.blindness import blindness
from handrail.emit.promtool.cases import case_data, packed
from handrail.emit.promtool.escalation import climb
from handrail.emit.promtool.expect import Broken, Expected, expected
from handrail.emit.promtool.frame import Frame
from handrail.emit.promtool.limits import limits
from handrail.emit.promtool.objectives import objectives
from handrail.emit.promtool.paces import fars, paces
from handrail.emit.promtool.scene import Scenario
from handrail.emit.promtool.stimulus import Impossible
from handrail.emit.promtool.strangers import strangers
from handrail.emit.promtool.traffic import traffic
from handrail.plan import Environment, Rollout
from handrail.units import span


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The test files, by path."""
    return tests(rollout)


def paths(rollout: Rollout) -> list[str]:
    """Where the test files of one rollout lie."""
    own = names.tests_file(rollout.name)
    return [own, *(names.far_tests_file(rollout.name, far.name) for far in fars(rollout))]


def tests(rollout: Rollout) -> dict[str, str]:
    """The test files of one rollout, by path."""
    scenarios, missing = proved(rollout)
    guardrails = [case_data(case, rollout) for case in packed(scenarios, rollout)]
    slos, untested = _told_apart(one for slo in rollout.slos for one in objectives(rollout, slo))
    found = {
        names.tests_file(rollout.name): _file(
            rollout, rollout.evaluate, [*guardrails, *slos, *climb(rollout)], missing + untested
        )
    }
    for far in fars(rollout):
        cases, untested = _told_apart(one for slo in rollout.slos for one in paces(rollout, slo, far))
        found[names.far_tests_file(rollout.name, far.name)] = _file(rollout, far.step, cases, untested)
    return found


def _file(rollout: Rollout, step: timedelta, cases: list[Data], missing: list[str]) -> str:
    data: Data = {
        "rule_files": [f"../rules/{rollout.name}.yml"],
        "evaluation_interval": span(step),
        **_order(rollout),
        "tests": cases,
    }
    head, _, body = yaml_document(data, rollout.source).partition("\n")
    return "\n".join([head, *(f"# not tested: {reason}" for reason in missing), body])


def _told_apart(found: Iterable[Data | Impossible]) -> tuple[list[Data], list[str]]:
    """The cases, and what could not be shown."""
    every = list(found)
    cases = [one for one in every if not isinstance(one, Impossible)]
    return cases, [str(one) for one in every if isinstance(one, Impossible)]


def _order(rollout: Rollout) -> Data:
    """Where levels look at other alerts: their group last, as it stands in the file; promtool's own order is any."""
    if not rollout.escalation:
        return {}
    chains = [guardrail.name for guardrail in rollout.guardrails] + [
        f"slo-{slo.name}" for slo in rollout.slos
    ]
    return {"group_eval_order": [f"{rollout.name}/{name}" for name in (*chains, "rollout")]}


def proved(rollout: Rollout) -> tuple[list[Expected], list[str]]:
    """Every scenario that shows its promise, and what could not be shown."""
    shown: dict[tuple[str, str], Expected] = {}
    wanted: dict[tuple[str, str], str] = {}
    missing: list[str] = []
    for found in _scenarios(rollout):
        if isinstance(found, Impossible):
            missing.append(str(found))
            continue
        name = found.promise, found.about
        if name in shown:
            continue
        try:
            shown[name] = expected(found, rollout)
        except Broken as reason:
            wanted[name] = str(reason)
    missing += [
        f"{promise}: {about} ({why})"
        for (promise, about), why in wanted.items()
        if (promise, about) not in shown
    ]
    return list(shown.values()), missing


def _scenarios(rollout: Rollout) -> Iterator[Scenario | Impossible]:
    for guardrail in rollout.guardrails:
        for make in SCENARIOS:
            yield from make(Frame(rollout, guardrail))


SCENARIOS = (limits, traffic, births, strangers, blindness)
"""Everything a guardrail is asked, in the order of the file."""

__all__ = ["emit", "proved"]
