"""Alerts of public rule sets in Handrail's words: they compile, no lint objects, and the page says what they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from handrail.declare import PromQL, Rollout
from handrail.declare.environment import Environment
from handrail.errors import Severity
from handrail.lint import lint, lint_plan
from handrail.loading.load import load
from handrail.lower import lower
from handrail.plan import Plan
from own_tests import refused
from public_rules.page import PAGE, SETS, SOURCE, counted, page, sets
from servers import program
from servers.newer import newer

BOTH = pytest.mark.parametrize("promtool", [program("promtool"), newer("promtool")], ids=["2.42", "newer"])
EACH = pytest.mark.parametrize("name", SETS)


@cache
def declared() -> Mapping[str, Rollout]:
    """All sets as they are declared, by name."""
    return {rollout.name: rollout for rollout in load(SOURCE).rollouts}


def test_the_page_has_every_set_as_it_is_declared() -> None:
    written = PAGE.read_text()
    assert sorted(declared()) == sorted(SETS)
    assert page(written.partition("## ")[0]) == written


def test_all_but_a_few_of_more_than_three_hundred_alerts_are_said_in_typed_words() -> None:
    every, typed = counted(sets())
    assert (every, every - typed) == (303, 15)
    assert typed >= 160


@EACH
def test_no_lint_objects(name: str) -> None:
    """Each set by itself: together they read what others read, as kube-state-metrics does for all."""
    here, rollout = Environment("production"), declared()[name]
    [planned] = lower([rollout], here).rollouts
    found = [*lint([rollout], [], here), *lint_plan(planned, rollout)]
    assert [str(problem) for problem in found if problem.severity >= Severity.warning] == []


def test_what_is_free_promql_says_why() -> None:
    free = [
        guardrail
        for rollout in declared().values()
        for guardrail in rollout.guardrails
        if isinstance(guardrail.measure, PromQL)
    ]
    assert [guardrail.title for guardrail in free if not guardrail.accept["free-promql"]] == []


def whole(name: str) -> Plan:
    """A set, planned."""
    return lower([declared()[name]], Environment("production"))


@BOTH
def test_promtool_takes_the_rules_and_tests_of_a_small_set(promtool: Path, tmp_path: Path) -> None:
    assert refused(tmp_path, promtool, whole("cert-manager")) == ""


@pytest.mark.long
@pytest.mark.timeout(1800)
@BOTH
@EACH
def test_promtool_takes_the_rules_and_tests_of_every_set(promtool: Path, name: str, tmp_path: Path) -> None:
    assert refused(tmp_path, promtool, whole(name)) == ""
