"""docs/reference/declarations.md: every word, as the code has it, and examples that compile without a finding."""

from __future__ import annotations

import pytest
from declare.page import PAGE, refreshed, words
from declared import said
from handrail import declare
from handrail.errors import Severity
from project.examples import Example, examples

EXAMPLES = [example for example in examples("python") if example.page == "docs/reference/declarations.md"]
ROLLOUT = next(example.text for example in EXAMPLES if "Environment(" not in example.text)


def test_every_word_has_its_section_and_nothing_else_has_one() -> None:
    found = words(PAGE.read_text())
    assert (sorted(found), len(found)) == (sorted(declare.__all__), len(set(found)))


def test_signatures_and_meanings_are_those_of_the_code() -> None:
    assert PAGE.read_text() == refreshed(PAGE.read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_every_example_compiles_without_a_finding(example: Example) -> None:
    files = {"rollouts/example.py": ROLLOUT, "environments.py": example.text}
    if "Environment(" not in example.text:
        files = {"rollouts/example.py": example.text}
    assert [str(problem) for _, problem in said(files) if problem.severity > Severity.info] == []
