"""A rollout → promtool's tests of its limits that feed the service's own series: an oracle beside the generated tests.

Those ask what is recorded, and who fires at what is recorded. Here a measure has just the value that it should have,
through storage, window and rule to the alert. Values stay where they are for long enough, and nothing is asked at a
moment at which it is not certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from handrail.contract import names
from handrail.emit.document import Data, yaml_document
from handrail.plan import Rollout
from handrail.units import span

from oracle.cases import case_data, packed
from oracle.guardrails import Promises, best_stages
from oracle.objectives import Objective
from oracle.story import Story, Untestable, labelled


def tests(rollout: Rollout) -> dict[str, str]:
    """The test files of one rollout, by path: one for each pace at which the rules are evaluated."""
    found = list(told(rollout))
    stories = labelled((one for one in found if isinstance(one, Story)), rollout.alerts)
    untested = [one for one in found if isinstance(one, Untestable)]
    steps = sorted({story.step for story in stories} | {rollout.evaluate})
    return {
        _path(rollout, step): _file(
            rollout,
            step,
            [story for story in stories if story.step == step],
            untested if step == rollout.evaluate else [],
        )
        for step in steps
    }


def told(rollout: Rollout) -> Iterator[Story | Untestable]:
    """The limits of its guardrails, and the pace of its objectives."""
    stages = best_stages(rollout)
    for guardrail in rollout.guardrails:
        if guardrail.split is None:
            yield from Promises(rollout, guardrail, stages).stories()
    for slo in rollout.slos:
        yield from Objective(rollout, slo).stories()


def _path(rollout: Rollout, step: timedelta) -> str:
    return names.tests_file(rollout.name, "" if step == rollout.evaluate else span(step))


def _file(rollout: Rollout, step: timedelta, stories: list[Story], untested: Iterable[Untestable]) -> str:
    cases: list[Data] = [case_data(case, rollout) for case in packed(stories)]
    data: Data = {
        "rule_files": [f"../rules/{rollout.name}.yml"],
        "evaluation_interval": span(step),
        "tests": cases,
    }
    head, _, body = yaml_document(data, rollout.source).partition("\n")
    reasons = dict.fromkeys(f"# cannot be tested: {one}" for one in untested)
    return "\n".join([head, *reasons, body])
