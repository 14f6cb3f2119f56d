"""receiver-too-new: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.receiver_too_new import NAME

TIERS = guardrail('tiers=[Critical(Above("2%"))]')
TEAMS = 'TeamsReceiver("/etc/teams")'
TOLD = f'routes={{"critical": [{TEAMS}]}}'


def test_teams_are_refused_where_alertmanager_may_be_too_old() -> None:
    cure = 'say Environment(alertmanager_version="0.28") where all are as new, or tell them by another way'
    for version, environments in (("0.25", ""), ("0.27", here("0.27"))):
        said = f"error: Alertmanager {version} does not support Teams workflows; {cure}"
        assert found(NAME, TIERS, TOLD, environments=environments) == [(f"{TOLD},", said)]


def here(version: str, more: str = "") -> str:
    return f'here = Environment("here", alertmanager_version="{version}"{more})\n'


def test_from_0_28_on_they_are_fine_and_so_is_an_older_one_that_tells_nobody_of_them() -> None:
    assert found(NAME, TIERS, TOLD, environments=here("0.28")) == []
    assert found(NAME, TIERS, TOLD, environments=here("0.25", ', routes={"critical": []}')) == []


def test_what_an_environment_adds_is_looked_at_too() -> None:
    added = here("0.25", f', routes={{"critical": [{TEAMS}]}}')
    [(line, _)] = found(NAME, TIERS, environments=added)
    assert line == added.strip()
