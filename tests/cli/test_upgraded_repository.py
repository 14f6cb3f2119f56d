"""A repository of the previous version → what this version generates; one of a newer version is left alone."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
from cli.places import Shell, changed

BEFORE = Path(__file__).parents[1] / "golden/before"
IN_NEW_WORDS = {
    'weight="10%", hold=': 'weight="10%", bake=',
    'weight="50%", hold=': 'weight="50%", bake=',
    'Above("1%"), hold=': 'Above("1%"), sustained=',
    'Above("5%"), hold=': 'Above("5%"), sustained=',
    "mend=": "fix=",
}
REFUSED = [
    'rules_src/rollouts/shop.py:22: error: `hold=` of Stage is now `bake=`; write bake="1h"',
    'rules_src/rollouts/shop.py:23: error: `hold=` of Stage is now `bake=`; write bake="1h"',
    'rules_src/rollouts/shop.py:32: error: `hold=` of Warning is now `sustained=`; write sustained="5m"',
    'rules_src/rollouts/shop.py:33: error: `hold=` of Critical is now `sustained=`; write sustained="2m"',
    'rules_src/rollouts/shop.py:35: error: `mend=` of Runbook is now `fix=`; write fix=["Roll back."]',
]


@pytest.fixture
def repository(shell: Shell) -> Shell:
    """A checkout of what the version before wrote, and of one file that this one does not make any more."""
    shutil.rmtree("rules_src")
    for folder in ("rules_src", "generated"):
        shutil.copytree(BEFORE / folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    claim("gone.yml", by=version("handrail"))
    Path("generated/gone.yml").write_text(
        "# generated from rules_src/rollouts/shop.py; do not edit; run `handrail generate`\n"
    )
    return shell


def claim(*paths: str, by: str) -> None:
    """Let the manifest list these too, and be of that version."""
    manifest = Path("generated/MANIFEST.json")
    data = json.loads(manifest.read_text())
    data["files"] |= {path: {"sha256": "", "source": "rules_src/rollouts/shop.py"} for path in paths}
    manifest.write_text(json.dumps({**data, "handrail": by}))


def in_new_words() -> None:
    """Write the new words into the declaration."""
    declaration = Path("rules_src/rollouts/shop.py")
    declaration.write_text(changed(declaration.read_text(), IN_NEW_WORDS))


@pytest.mark.parametrize("command", ["lint", "generate"])
def test_old_words_are_refused_at_their_lines_and_nothing_is_written(repository: Shell, command: str) -> None:
    before = repository.files()
    code, _, wrong = repository.handrail(command)
    assert (code, wrong.splitlines(), repository.files()) == (1, REFUSED, before)


def test_in_new_words_it_is_generated_and_what_is_not_made_any_more_goes(repository: Shell) -> None:
    in_new_words()
    assert repository.handrail("generate")[0] == 0
    assert ("gone.yml" in repository.files(), repository.handrail("generate", "--check")[0]) == (False, 0)


@pytest.mark.parametrize("newer", ["98.0.1", "98.1", "98.0.0rc1"])
@pytest.mark.parametrize("asked", [[], ["--check"], ["--diff"]], ids=["generate", "check", "diff"])
def test_what_a_newer_version_generated_is_refused_and_left_as_it_is(
    repository: Shell, newer: str, asked: list[str]
) -> None:
    in_new_words()
    claim(by=newer)
    found = repository.files()
    wrong = (
        f"handrail: error: generated/MANIFEST.json was written by handrail {newer}, and this is {version('handrail')}; "
        f"install handrail {newer}, or take back the commit that generated it"
    )
    code, _, said = repository.handrail("generate", *asked)
    assert (code, said.splitlines()[-1], repository.files()) == (2, wrong, found)
