"""A rollout → promtool's tests of its limits that feed the service's own series: an oracle beside the generated tests.

Those ask what is recorded, and who fires at what is recorded. Here a measure has just the value that it should have,
through storage, window and rule to the alert. Values stay where they are for long enough, and nothing is asked at a
moment at which it is not certain.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.emit.promtool import files
from handrail.emit.promtool.story import Untestable
from handrail.plan import Rollout

from oracle.cases import case_data, packed
from oracle.guardrails import Promises, best_stages
from oracle.objectives import Objective
from oracle.story import Story, labelled


def tests(rollout: Rollout) -> dict[str, str]:
    """The test files of one rollout, by path: one for each pace at which the rules are evaluated."""
    found = list(told(rollout))
    stories = labelled((one for one in found if isinstance(one, Story)), rollout.alerts)
    cases = [(case.stories[0].step, case_data(case, rollout)) for case in packed(stories)]
    return files(rollout, cases, [one for one in found if isinstance(one, Untestable)])


def told(rollout: Rollout) -> Iterator[Story | Untestable]:
    """The limits of its guardrails, and the pace of its objectives."""
    stages = best_stages(rollout)
    for guardrail in rollout.guardrails:
        if guardrail.split is None:
            yield from Promises(rollout, guardrail, stages).stories()
    for slo in rollout.slos:
        yield from Objective(rollout, slo).stories()
