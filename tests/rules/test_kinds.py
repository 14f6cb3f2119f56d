"""Which recording rules are of one kind, and which part of a rollout's tests is about a group."""

from __future__ import annotations

from datetime import timedelta

import pytest
from handrail.emit.document import Data
from mutation.counts import enough
from mutation.mutants import Mutant, mutants
from mutation.parts import about
from mutation.verdict import Verdict

EVERY = timedelta(seconds=30)


def rule(expr: str, guardrail: str = "errors", record: str = "handrail:guardrail:events") -> Data:
    return {"record": record, "expr": expr, "labels": {"guardrail": guardrail}}


def wrong(one: Data) -> dict[str, str]:
    """What may be wrong with it in the words of its kind, and in its own."""
    return {f"{each.kind}: {each.place}": each.what for each in mutants({"name": "g", "rules": [one]}, EVERY)}


ONE = rule('increase(a{job="x"}[5m]) unless handrail:guardrail:from_zero{guardrail="errors"} offset 5m')


def test_rules_that_differ_in_names_and_times_are_wrong_alike() -> None:
    other = rule(
        'increase(b{job="y"}[1h]) unless handrail:guardrail:from_zero{guardrail="late"} offset 1h', "late"
    )
    assert wrong(ONE).keys() == wrong(other).keys()
    pairs = dict(zip(wrong(ONE).values(), wrong(other).values(), strict=True))
    assert pairs["window [5m] → [600000ms] (1)"] == "window [1h] → [7200000ms] (1)"
    assert pairs['matcher job="x" of a (1) dropped'] == 'matcher job="y" of b (1) dropped'


@pytest.mark.parametrize(
    "other",
    [
        'rate(a{job="x"}[5m]) unless handrail:guardrail:from_zero{guardrail="errors"} offset 5m',
        'increase(a{job!="x"}[5m]) unless handrail:guardrail:from_zero{guardrail="errors"} offset 5m',
        'increase(a{app="x"}[5m]) unless handrail:guardrail:from_zero{guardrail="errors"} offset 5m',
        'increase(a{job="x"}[5m]) unless handrail:guardrail:events{guardrail="errors"} offset 5m',
        'increase(a{job="x"}[5m]) unless handrail:guardrail:from_zero{guardrail="other"} offset 5m',
        'increase(a{job="x"}[5m]) unless handrail:guardrail:from_zero{guardrail="errors"} offset 1h',
    ],
)
def test_any_other_difference_makes_another_kind(other: str) -> None:
    assert not wrong(ONE).keys() & wrong(rule(other)).keys()


def test_an_alert_is_of_no_kind() -> None:
    alert = {"alert": "Late", "expr": "a > 1", "labels": {}, "annotations": {}}
    assert {each.kind for each in mutants({"name": "g", "rules": [alert]}, EVERY)} == {""}


def test_alerts_and_kinds_must_both_be_noticed() -> None:
    alerts = [Verdict(Mutant("g", "a", "", {}), noticed=number > 2) for number in range(100)]
    assert enough(alerts, {("g", "k", ""): True})
    assert not enough(alerts[:-1], {("g", "k", ""): True})
    assert not enough(alerts, {("g", "k", ""): False})


def test_a_group_has_its_own_part_of_the_tests_and_what_it_reads_of_others() -> None:
    own = rule('handrail:guardrail:value{guardrail="late"} * b', "errors")
    late = rule("a", "late", "handrail:guardrail:value")
    alerts: dict[str, Data] = {
        name: {"alert": name, "expr": "c", "labels": {}, "annotations": {}} for name in ("Errors", "Late")
    }
    groups = [
        {"name": "errors", "rules": [own, alerts["Errors"]]},
        {"name": "late", "rules": [late, alerts["Late"]]},
    ]
    both = 'ALERTS{alertname=~"Errors|Late"}'
    case = {
        "name": "all",
        "input_series": [{"series": f'{name}{{x="y"}}', "values": "1"} for name in "abcd"],
        "alert_rule_test": [{"alertname": name} for name in alerts],
        "promql_expr_test": [
            {"expr": both, "exp_samples": [{"labels": f'{{alertname="{name}"}}'} for name in alerts]},
            {"expr": 'handrail:guardrail:value{guardrail="late"}', "exp_samples": []},
        ],
    }
    beside, tests = about(groups[0], groups, {"t": {"tests": [case]}})
    [part] = tests["t"]["tests"]
    assert beside == [{"name": "late", "rules": [late]}]
    assert part == {
        "name": "all",
        "input_series": [{"series": f'{name}{{x="y"}}', "values": "1"} for name in "abc"],
        "alert_rule_test": [{"alertname": "Errors"}],
        "promql_expr_test": [{"expr": both, "exp_samples": [{"labels": '{alertname="Errors"}'}]}],
    }
