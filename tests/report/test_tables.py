"""A rollout of the plan → the tables in which `handrail explain` says who is told, and how they look in a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from emit.guarded_shop import ENVIRONMENT, planned
from handrail.declare import MuteTime
from handrail.declare.environment import Existing
from handrail.report.explain import explain
from handrail.report.tables import Table, coloured
from own_rollouts import own_rollout
from rich.console import Console


@pytest.mark.parametrize("existing", [[], ["alertmanager"]], ids=["whole", "shared"])
def test_who_is_told_and_what_only_shadows(existing: list[Existing]) -> None:
    [_, shop] = planned(replace(ENVIRONMENT, existing=existing)).rollouts
    tables = {table.title: table for table in explain(shop)}
    assert tables["Notified by Alertmanager"].rows == (
        ("severity P3", "Slack #shop"),
        ("severity P2", "nobody: only the receiver records it"),
        ("severity P1", "PagerDuty /etc/alertmanager/pagerduty-shop; Slack #shop"),
        ("the receiver is gone for 5m", "nobody"),
        ("unresolved for 5m: the manager", "nobody: only the receiver records it"),
        ("unresolved for 30m (P1): the VP", "vp@example.com; http://tickets.internal/new"),
    )
    shadows = [row[-1] for row in tables["Tiers"].rows if row[0] == "tried-out"]
    assert shadows == ["rollback (shadow)", "rollback (shadow)", "hold (shadow)", "investigate (shadow)"]


def test_when_people_are_not_told_stands_beside_them() -> None:
    nights = MuteTime(hours="22:00-07:00", zone="Europe/Berlin")
    mute = {"P3": [nights, MuteTime(weekdays=["sunday"])], "vp": [nights], "P2": [nights]}
    [_, shop] = planned(replace(ENVIRONMENT, mute=mute)).rollouts
    tables = {table.title: table for table in explain(shop)}
    assert tables["Notified by Alertmanager"].rows == (
        ("severity P3", "Slack #shop, not at 22:00-07:00 Europe/Berlin; sunday UTC"),
        ("severity P2", "nobody: only the receiver records it"),
        ("severity P1", "PagerDuty /etc/alertmanager/pagerduty-shop; Slack #shop"),
        ("the receiver is gone for 5m", "nobody"),
        ("unresolved for 5m: the manager", "nobody: only the receiver records it"),
        (
            "unresolved for 30m (P1): the VP",
            "vp@example.com; http://tickets.internal/new, not at 22:00-07:00 Europe/Berlin",
        ),
    )


def test_whom_an_action_has_of_its_own_is_told_beside_those_of_the_severity() -> None:
    [table] = [one for one in explain(own_rollout("relay-r1")) if one.title == "Notified by Alertmanager"]
    on_call = "PagerDuty /etc/alertmanager/pagerduty-on-call; Slack #sre"
    assert table.rows == (
        ("severity critical", on_call),
        ("severity warning", "Slack #sre"),
        ("an alert asks for security-rollback", "PagerDuty /etc/alertmanager/pagerduty-security"),
        ("the receiver is gone for 5m", on_call),
    )


def test_in_a_terminal_it_is_tables() -> None:
    [_, shop] = planned().rollouts
    screen = io.StringIO()
    coloured(explain(shop), Console(file=screen, force_terminal=True, width=160))
    said = screen.getvalue()
    assert [table.title in said for table in explain(shop)] == [True] * len(explain(shop))
    assert ("┃" in said, "emergency-rollback" in said) == (True, True)


def test_a_terminal_that_is_too_narrow_for_a_table_gets_a_list_and_no_broken_words() -> None:
    rows = (("error-rate", "critical", "above 5 %", "rollback"), ("error-rate", "blind", "-", "hold"))
    table = Table("Tiers", ("guardrail", "tier", "fires when", "action"), rows)
    wide, narrow = io.StringIO(), io.StringIO()
    coloured([table], Console(file=wide, width=60))
    coloured([table], Console(file=narrow, width=40))
    assert "│ error-rate │ critical │ above 5 %  │ rollback │" in wide.getvalue()
    assert [line.rstrip() for line in narrow.getvalue().splitlines()] == [
        "Tiers",
        "error-rate",
        "  tier: critical",
        "  fires when: above 5 %",
        "  action: rollback",
        "error-rate",
        "  tier: blind",
        "  action: hold",
        "",
    ]
