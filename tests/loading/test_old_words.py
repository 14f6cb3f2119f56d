"""Declarations in the words of the version before → compiled as before, each old word with a warning at its line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from declared import folder
from handrail.base import where_of
from handrail.declare import Above, Critical, Stage
from handrail.loading.load import read

OLD = """\
from handrail.declare import *

FIVE = {"hold": "5m"}

shop = Rollout(
    "shop",
    "shop",
    stages=[
        Stage("10%", weight="10%", gate=Gate(approvals=["owner"]), enter=[], hold="1h"), Stage("50%", hold="1h"),
        Stage(
            "80%",
            weight="80%",
            hold="1h",
        ),
        Stage("100%", weight="100%"),
    ],
    guardrails=[
        Guardrail(
            "errors",
            Ratio(bad="errors_total", of="requests_total"),
            tiers=[
                Warning(Above("1%"), **FIVE),
                Critical(
                    Above({"10%": "2%"}, otherwise="3%"),
                    hold="5m",
                    action="hold",
                ),
            ],
        ),
    ],
)
"""
NEW = (
    OLD.replace('hold="1h"', 'bake="1h"')
    .replace('hold="5m"', 'sustained="5m"')
    .replace('"hold": "5m"', '"sustained": "5m"')
)
TIER = "`hold=` of a tier is now `sustained=`"
STAGE = "`hold=` of a stage is now `bake=`"
GOES = "the old word goes with version 1.0"
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def problems(at: Path, text: str) -> list[tuple[int, str]]:
    folder(at, {"rollouts/shop.py": text})
    return [
        (problem.where.line, f"{problem.severity.name}: {problem.what}; {problem.cure}")
        for problem in read(at / "source").problems
    ]


def test_each_old_word_is_a_warning_at_its_line(tmp_path: Path) -> None:
    assert problems(tmp_path, OLD) == [
        (9, f"warning: {STAGE}; {GOES}"),
        (13, f"warning: {STAGE}; {GOES}"),
        (22, f"warning: {TIER}; {GOES}"),
        (25, f"warning: {TIER}; {GOES}"),
    ]


def test_an_old_word_declares_what_the_new_one_does(tmp_path: Path) -> None:
    folder(tmp_path / "old", {"rollouts/shop.py": OLD})
    folder(tmp_path / "new", {"rollouts/shop.py": NEW})
    old, new = read(tmp_path / "old/source"), read(tmp_path / "new/source")
    assert (old.rollouts, new.problems) == (new.rollouts, ())


def test_the_line_of_what_is_wrong_with_it_is_the_old_words_line(tmp_path: Path) -> None:
    said = problems(
        tmp_path, OLD.replace('                    hold="5m"', '                    hold="5 minutes"')
    )
    what = "Critical(sustained): '5 minutes' is not a duration; write it like 30s, 5m, 24h, 7d or 1h30m"
    assert [problem for problem in said if problem[0] == 25] == [
        (25, f"warning: {TIER}; {GOES}"),
        (25, f"error: {what}"),
    ]


def test_a_lint_finds_the_line_of_an_old_word(tmp_path: Path) -> None:
    folder(tmp_path, {"rollouts/shop.py": OLD})
    [rollout] = read(tmp_path / "source").rollouts
    tier = rollout.guardrails[0].tiers[1]
    assert where_of(tier, "sustained").line == where_of(tier, "action").line - 1 == 25


@pytest.mark.parametrize(
    ("old", "both", "said"),
    [
        (
            '"80%",\n            weight="80%",',
            '"80%",\n            bake="2h",',
            (
                13,
                "error: Stage has `hold=` and `bake=`, the old and the new name of one thing; write `bake=` alone",
            ),
        ),
        (
            'action="hold"',
            'action="hold", sustained="6m"',
            (
                25,
                (
                    "error: Critical has `hold=` and `sustained=`, the old and the new name of one thing; "
                    "write `sustained=` alone"
                ),
            ),
        ),
    ],
    ids=["a stage", "a tier"],
)
def test_both_words_at_once_are_an_error(tmp_path: Path, old: str, both: str, said: tuple[int, str]) -> None:
    assert old in OLD
    assert [one for one in problems(tmp_path, OLD.replace(old, both)) if one[1].startswith("error")] == [said]


def test_a_file_with_old_words_alone_is_still_told_that_it_declares_nothing(tmp_path: Path) -> None:
    said = problems(tmp_path, 'from handrail.declare import *\n\nFIRST = Stage("10%", hold="1h")\n')
    cure = "add one, or begin its name with _"
    assert said == [
        (1, f"error: the file declares no Rollout; {cure}"),
        (3, f"warning: {STAGE}; {GOES}"),
    ]


def test_outside_of_a_source_folder_python_warns(tmp_path: Path) -> None:
    with pytest.deprecated_call(match="of a tier is now `sustained=`; the old word goes with version 1.0"):
        assert Critical(Above(1), hold="5m") == Critical(Above(1), sustained="5m")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Stage has `hold=` and `bake=`"):
        Stage("10%", hold="1h", bake="1h")  # type: ignore[call-arg]


def test_the_line_of_the_changelog_writes_the_new_words(tmp_path: Path) -> None:
    [line] = [one for one in CHANGELOG.read_text().splitlines() if one.startswith("sed -i -z ")]
    folder(tmp_path, {"rollouts/shop.py": OLD, "environments.py": "from handrail.declare import *\n"})
    (tmp_path / "source").rename(tmp_path / "rules_src")
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)
    assert (tmp_path / "rules_src/rollouts/shop.py").read_text() == NEW.replace(
        '"sustained": "5m"', '"hold": "5m"'
    )
