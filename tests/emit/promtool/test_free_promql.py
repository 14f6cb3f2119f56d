"""A guardrail of free PromQL: its alerts are tested on values that are fed in place of what the expression gives."""

from __future__ import annotations

import re
from pathlib import Path

from handrail import declare as d
from handrail.contract import names
from handrail.emit import promtool
from handrail.lower import lower
from handrail.plan import Rollout
from mutation.verdict import judge, subjects
from own_tests import refused
from servers import program

QUEUE = "sum by (queue) (queue_length)"


def shop(expr: str) -> Rollout:
    declared = d.Rollout(
        "shop",
        "shop",
        stages=[d.Stage("10%", weight="10%", bake="1h"), d.Stage("100%", weight="100%")],
        guardrails=[
            d.Guardrail(
                "queue",
                d.PromQL(expr),
                tiers=[
                    d.Warning(d.Above(5), sustained="5m"),
                    d.Critical(d.Above({"10%": 7, "100%": 9}), sustained="10m"),
                ],
            )
        ],
    )
    [planned] = lower([declared], d.Environment("test")).rollouts
    return planned


def shown(rollout: Rollout) -> dict[str, str]:
    """Each of the guardrail's alerts, and the steps of the files that show it firing."""
    head = promtool.tests(rollout)[names.tests_file("shop")]
    return dict(re.findall(r"^#   ShopQueue(\w+): .* \((.*)\)$", head, re.MULTILINE))


def untested(rollout: Rollout) -> list[str]:
    head = promtool.tests(rollout)[names.tests_file("shop")]
    return re.findall(r"^# cannot be tested: (.*)$", head, re.MULTILINE)


def test_its_limits_its_times_and_its_blindness_are_tested() -> None:
    rollout = shop(QUEUE)
    assert shown(rollout) == {"Warning": "5m, 15m", "Critical": "5m, 15m", "Blind": "5m"}
    reason = "no series are known that give a free PromQL expression a value"
    assert untested(rollout) == [f"queue, what is measured: {reason}"]


def test_another_limit_or_time_of_it_is_noticed() -> None:
    rollout = shop(QUEUE)
    [subject] = [one for one in subjects(rollout) if one.name == "shop/queue"]
    assert not judge(subject)
    wrong = [
        mutant
        for alert in ("ShopQueueWarning", "ShopQueueCritical")
        for mutant in subject.mutants(alert)
        if re.match(r"(>|5|7|9|for) ", mutant.what)
    ]
    assert [mutant.what for mutant in wrong if not judge(subject, mutant)] == []
    assert len(wrong) >= 8


def test_what_it_is_compared_with_some_time_ago_is_told_to_be_untested(tmp_path: Path) -> None:
    declared = d.Rollout(
        "shop",
        "shop",
        guardrails=[
            d.Guardrail(
                "queue",
                d.PromQL(QUEUE),
                against=d.Ago("1d"),
                tiers=[d.Warning(d.Above(5)), d.Critical(d.RisePoints(2))],
            )
        ],
    )
    plan = lower([declared], d.Environment("test"))
    [rollout] = plan.rollouts
    assert shown(rollout) == {"Warning": "15m", "Critical": "none", "Blind": "5m"}
    reason = "no series are known that give a free PromQL expression a value"
    assert f"queue, critical: {reason}" in untested(rollout)
    assert refused(tmp_path, program("promtool"), plan) == ""


def test_an_expression_with_a_value_of_its_own_is_told_to_be_untested() -> None:
    rollout = shop(f"({QUEUE}) or vector(0)")
    assert shown(rollout)["Warning"] == "none"
    reason = "its free PromQL expression may have a value without any series, or reads recorded ones"
    assert untested(rollout) == [f"queue: {reason}"]
