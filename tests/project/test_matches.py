"""`match` over our own closed sets → no `case _` that would hide a new member: mypy names the place instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import EnumType
from functools import cache
from pathlib import Path
from typing import get_args

import handrail.declare.measures as declared
import handrail.plan.measurements as planned
import pytest
from handrail.contract import STEP_CLASSES
from handrail.declare import limits, series_measures
from handrail.plan import SeriesMeasure, Timestamp
from handrail_receiver.attempt_states.states import State
from handrail_receiver.model.incidents import IncidentEvent

ROOT = Path(__file__).parents[2]
HALVES = ("rules_src/handrail", "receiver/handrail_receiver")
ORACLE = "tests/oracle"
UNIONS = (declared.Measure, planned.Measure, limits.Limit, limits.Reference)
ENUMS: tuple[EnumType, ...] = (State, IncidentEvent)
SETS = {one.__name__ for union in UNIONS for one in get_args(union)} | {one.__name__ for one in ENUMS}
SETS |= {Timestamp.__name__} | {step.__name__ for step in STEP_CLASSES}


def files() -> list[Path]:
    """Both halves, and the oracle."""
    return [path for half in (*HALVES, ORACLE) for path in (ROOT / half).rglob("*.py")]


@cache
def matches(source: str) -> list[ast.Match]:
    """What matches in a file; most have none."""
    if not re.search(r"^\s*match .*:$", source, flags=re.MULTILINE):
        return []
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Match)]


def hidden(source: str) -> Iterator[int]:
    """The lines of `case _` in a match over one of the sets."""
    for node in matches(source):
        if SETS & {name for case in node.cases for name in named(case.pattern)}:
            last = node.cases[-1]
            if isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None:
                yield last.pattern.lineno


def named(pattern: ast.pattern) -> Iterator[str]:
    """The classes that a pattern names: of an instance, or of a member of an enum."""
    for node in ast.walk(pattern):
        if isinstance(node, ast.MatchClass):
            yield ast.unparse(node.cls).rpartition(".")[2]
        elif isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Attribute):
            yield ast.unparse(node.value.value).rpartition(".")[2]


def test_a_match_over_a_closed_set_names_every_member() -> None:
    assert [f"{path.relative_to(ROOT)}:{line}" for path in files() for line in hidden(path.read_text())] == []


def test_a_catch_all_over_a_closed_set_is_found() -> None:
    over = "match it:\n    case {}:\n        pass\n    case _:\n        pass"
    assert list(hidden(over.format("plan.Ratio()"))) == [4]
    assert list(hidden(over.format("State.held"))) == [4]
    assert list(hidden(over.format("ast.Constant()"))) == []


@pytest.mark.parametrize(
    ("member", "heading", "column"),
    [
        ("Ratio", "A measure", 1),
        ("Growth", "A measure", 1),
        ("Forecast", "A measure", 2),
        ("GitValue", "A target", 0),
    ],
)
def test_the_guide_names_every_file_that_must_know_a_new_member(
    member: str, heading: str, column: int
) -> None:
    knowing = [
        str(path.relative_to(ROOT)).removeprefix("rules_src/").removeprefix("receiver/")
        for path in files()
        if any(member in named(case.pattern) for node in matches(path.read_text()) for case in node.cases)
    ]
    assert {"handrail/lower/plan_measures.py", "handrail_receiver/words/steps.py"} & {*knowing}
    told = guide(heading, column)
    assert [path for path in knowing if f"`{path}`" not in told] == []


def test_the_guide_names_every_file_that_asks_for_a_measure_of_single_series() -> None:
    single = {one.__name__ for one in (*get_args(series_measures.SeriesMeasure), *get_args(SeriesMeasure))}
    asking = [
        str(path.relative_to(ROOT)).removeprefix("rules_src/")
        for path in files()
        if single & set(asked_for(path.read_text()))
    ]
    assert "handrail/lint/limit_never_fires.py" in asking
    assert [path for path in asking if f"`{path}`" not in guide("A measure", 2)] == []


def asked_for(source: str) -> Iterator[str]:
    """The classes that `isinstance` asks for in a file."""
    for node in ast.walk(ast.parse(source)) if "isinstance" in source else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            for one in ast.walk(node.args[1]):
                if isinstance(one, ast.Name | ast.Attribute):
                    yield ast.unparse(one).rpartition(".")[2]


def guide(heading: str, column: int) -> str:
    """What the guide says under a heading; of a table with columns for two kinds only that column."""
    page = (ROOT / "docs/maintainers/development.md").read_text()
    section = page.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return "\n".join(f"{row[0]} {row[column]}" if len(row) == 4 else " ".join(row) for row in rows)
