"""docs/maintainers/development.md → every file that it names exists, and what it asks for is done."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

from every_measure import EVERY_MEASURE
from handrail import declare, plan
from handrail.contract import STEP_CLASSES
from handrail.declare.measures import Measure
from handrail_receiver.settings import Settings
from project.examples import ROOT

ROOTS = (
    "",
    "rules_src",
    "receiver",
    "rules_src/handrail",
    "receiver/handrail_receiver",
    "docs/maintainers",
    "tests/receiver",
)
NAMED = re.compile(r"`((?:[\w-]+/)+(?:[\w-]+\.py)?|[\w/-]+\.py)`")
MADE = {"build/", "dist/", ".demo/"}
"""Folders that a target of make makes."""


def test_every_file_and_folder_that_the_guide_names_exists() -> None:
    named = set(NAMED.findall((ROOT / "docs/maintainers/development.md").read_text())) - MADE
    assert named
    assert {path for path in named if not any((ROOT / root / path).exists() for root in ROOTS)} == set()


def test_concepts_names_every_measure() -> None:
    [row] = re.findall(r"^\| measure \|.*$", (ROOT / "docs/concepts.md").read_text(), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", row)) == sorted(measure.__name__ for measure in get_args(Measure))


def test_concepts_has_a_place_for_every_word_of_a_declaration() -> None:
    page = (ROOT / "docs/concepts.md").read_text()
    assert [word for word in declare.__all__ if f"`{word}`" not in page] == []


def test_concepts_explains_each_term_once() -> None:
    terms = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/concepts.md").read_text(), re.MULTILINE)
    explained = [term for term in terms if term not in {"word", "---"}]
    assert [term for term, count in Counter(explained).items() if count > 1] == []


def test_the_fuzzer_draws_every_measure() -> None:
    drawn = "".join(path.read_text() for path in (ROOT / "tests/fuzz").glob("*.py"))
    assert [one.__name__ for one in get_args(Measure) if f"d.{one.__name__}(" not in drawn] == []


def test_one_of_every_measure_is_tried_where_it_does_not_matter_which() -> None:
    assert Counter(type(one) for one, _ in EVERY_MEASURE) == Counter(get_args(Measure))


def test_measures_and_steps_can_be_imported_as_users_and_emitters_do() -> None:
    words = [*get_args(Measure), *STEP_CLASSES]
    assert [one.__name__ for one in words if one.__name__ not in declare.__all__] == []
    assert [one.__name__ for one in get_args(plan.Measure) if one.__name__ not in plan.__all__] == []


def test_the_receiver_reads_every_setting() -> None:
    package = ROOT / "receiver/handrail_receiver"
    code = "\n".join(path.read_text() for path in package.rglob("*.py"))
    assert [
        name for name in Settings.model_fields if not re.search(rf"(settings|self)\.{name}\b", code)
    ] == []
