"""A repository of the version before → what this version makes of it; and one of a newer version is left alone."""

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
}
WARNED = [
    "rules_src/rollouts/shop.py:22: warning: `hold=` of a stage is now `bake=`; the old word goes with version 1.0",
    "rules_src/rollouts/shop.py:23: warning: `hold=` of a stage is now `bake=`; the old word goes with version 1.0",
    "rules_src/rollouts/shop.py:32: warning: `hold=` of a tier is now `sustained=`; the old word goes with version 1.0",
    (
        "rules_src/rollouts/shop.py:33: warning: 'error-rate' rolls back for 2 bad events among as few as 30; write "
        "min_events=180, which is 10 bad ones at least, or sustained= as long as the window of 5m [one-event-enough]"
    ),
    "rules_src/rollouts/shop.py:33: warning: `hold=` of a tier is now `sustained=`; the old word goes with version 1.0",
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


def test_old_words_are_read_with_a_warning_at_their_lines(repository: Shell) -> None:
    code, said, wrong = repository.handrail("lint")
    assert (code, said, wrong.splitlines()) == (0, "", WARNED)


def test_old_words_make_the_same_files_as_the_new_ones_and_what_is_not_made_any_more_goes(
    repository: Shell,
) -> None:
    assert repository.handrail("generate")[0] == 0
    by_old_words = repository.files()
    assert ("gone.yml" in by_old_words, repository.handrail("generate", "--check")[0]) == (False, 0)
    declaration = Path("rules_src/rollouts/shop.py")
    declaration.write_text(changed(declaration.read_text(), IN_NEW_WORDS))
    assert "old word" not in "".join(repository.handrail("generate")[1:])
    assert repository.files() == by_old_words


@pytest.mark.parametrize("newer", ["98.0.1", "98.1", "98.0.0rc1"])
@pytest.mark.parametrize("asked", [[], ["--check"], ["--diff"]], ids=["generate", "check", "diff"])
def test_what_a_newer_version_generated_is_refused_and_left_as_it_is(
    repository: Shell, newer: str, asked: list[str]
) -> None:
    claim(by=newer)
    found = repository.files()
    wrong = (
        f"handrail: error: generated/MANIFEST.json was written by handrail {newer}, and this is {version('handrail')}; "
        f"install handrail {newer}, or take back the commit that generated it"
    )
    code, _, said = repository.handrail("generate", *asked)
    assert (code, said.splitlines()[-1], repository.files()) == (2, wrong, found)
