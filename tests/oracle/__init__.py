"""A rollout → prometheus/tests/<rollout>.test.yml: promtool's unit tests of every alert, to be read as its specification.

What must fire when is simple arithmetic on the declaration, never taken from the texts of the rules: values stay
where they are for long enough, and nothing is asked at a moment at which it is not certain. What promtool cannot
be asked is named, with the reason, at the head of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from handrail.contract import names
from handrail.emit.document import Data, yaml_document
from handrail.plan import Environment, Rollout
from handrail.units import span

from oracle.cases import case_data, packed
from oracle.counted import Counting
from oracle.guardrails import Promises, best_stages
from oracle.objectives import Objective
from oracle.own import blindness, climb, heartbeat, promotion, receiver_gone
from oracle.split import Split
from oracle.story import Story, Untestable, labelled


def emit(rollout: Rollout, _: Environment) -> dict[str, str]:
    """The test files, by path."""
    return tests(rollout)


def tests(rollout: Rollout) -> dict[str, str]:
    """The test files of one rollout, by path: one for each pace at which the rules are evaluated."""
    found = list(told(rollout))
    alerts = (*rollout.alerts, *([] if rollout.promotion is None else [rollout.promotion]))
    stories = labelled((one for one in found if isinstance(one, Story)), alerts)
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
    """Everything there is to tell of a rollout."""
    stages = best_stages(rollout)
    yield heartbeat(rollout)
    if rollout.receiver_down is not None:
        yield receiver_gone(rollout, rollout.receiver_down)
    for guardrail in rollout.guardrails:
        if guardrail.split is None:
            yield from Promises(rollout, guardrail, stages).stories()
        else:
            yield from Split(rollout, guardrail, guardrail.split).stories()
    counted = [Promises(rollout, one, stages).best for one in rollout.guardrails if one.split is None]
    asked = set[str]()
    for subject in counted:
        yield from Counting(subject, tuple(one for one in counted if one is not subject), asked).stories()
    for slo in rollout.slos:
        yield from Objective(rollout, slo).stories()
    yield from blindness(rollout)
    yield from climb(rollout)
    yield from promotion(rollout)


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
