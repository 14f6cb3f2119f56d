"""receiver-too-new: people are told through a channel that the Alertmanager there does not know.

Alertmanager before 0.28 refuses a whole configuration that names Teams' workflows, and then tells nobody anything. Where
all are newer, say so with `Environment(alertmanager_version="0.28")`.
"""

from __future__ import annotations

from collections.abc import Iterator

from handrail.declare import Environment, Rollout, TeamsReceiver
from handrail.lint.common.finding import Finding, finding
from handrail.plan.versions import KNOWS_TEAMS, numbers

NAME = "receiver-too-new"


def check(rollout: Rollout, here: Environment) -> Iterator[Finding]:
    """Everybody who is told of this rollout here."""
    if numbers(here.alertmanager_version) >= KNOWS_TEAMS:
        return
    routes = {**rollout.routes, **here.routes}
    for receiver in dict.fromkeys(one for whom in routes.values() for one in whom):
        if isinstance(receiver, TeamsReceiver):
            version = ".".join(map(str, KNOWS_TEAMS))
            what = f"Alertmanager {here.alertmanager_version} does not support Teams workflows"
            cure = f'say Environment(alertmanager_version="{version}") where all are as new, or tell them by another way'
            yield finding(NAME, receiver, what, cure)
