"""Declarations in old words → each refused at its line, with the new word to copy."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from declared import folder
from handrail.declare import Above, Critical, Runbook, Stage
from handrail.loading.load import read
from pydantic import ValidationError

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
BAKE = 'error: `hold=` of Stage is now `bake=`; write bake="1h"'
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def problems(at: Path, text: str) -> list[tuple[int, str]]:
    folder(at, {"rollouts/shop.py": text})
    return [
        (problem.where.line, f"{problem.severity.name}: {problem.what}; {problem.cure}")
        for problem in read(at / "source").problems
    ]


def test_each_old_word_is_refused_at_its_line_with_the_new_one_to_copy(tmp_path: Path) -> None:
    assert problems(tmp_path, OLD) == [
        (9, BAKE),
        (13, BAKE),
        (22, 'error: `hold=` of Warning is now `sustained=`; write sustained="5m"'),
        (25, 'error: `hold=` of Critical is now `sustained=`; write sustained="5m"'),
    ]


def test_in_new_words_nothing_is_wrong(tmp_path: Path) -> None:
    assert problems(tmp_path, NEW) == []


def test_beside_the_new_word_the_old_one_is_to_be_removed(tmp_path: Path) -> None:
    both = NEW.replace('action="hold"', 'action="hold", hold="6m"')
    assert problems(tmp_path, both) == [
        (26, "error: `hold=` of Critical is now `sustained=`; remove `hold=`")
    ]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ('["Roll back.", "Then look."]', '["Roll back.", "Then look."]'),
        ("'Say \"no\".'", '"Say \\"no\\"."'),
        ('["A sentence that is much longer than a line of a terminal should be."]', "[…]"),
        ("3", "3"),
        ("Above(1)", "…"),
    ],
)
def test_what_was_written_is_said_as_it_may_be_typed(tmp_path: Path, written: str, typed: str) -> None:
    text = f'from handrail.declare import *\n\n_BOOK = Runbook("Nobody can buy.", mend={written})\n'
    assert problems(tmp_path, text)[-1] == (
        3,
        f"error: `mend=` of Runbook is now `fix=`; write fix={typed}",
    )


def test_outside_of_a_source_folder_the_exception_says_the_new_word() -> None:
    said = {}
    for make in (
        lambda: Critical(Above(1), hold="5m"),  # type: ignore[call-arg]
        lambda: Stage("10%", hold="1h"),  # type: ignore[call-arg]
        lambda: Runbook("Nobody can buy.", mend=["Roll back."]),  # type: ignore[call-arg]
    ):
        with pytest.raises(ValidationError) as refused:
            make()
        said[refused.value.title] = refused.value.__notes__
    assert said == {
        "Critical": ['`hold=` of Critical is now `sustained=`; write sustained="5m"'],
        "Stage": ['`hold=` of Stage is now `bake=`; write bake="1h"'],
        "Runbook": ['`mend=` of Runbook is now `fix=`; write fix=["Roll back."]'],
    }


def test_the_lines_of_the_changelog_write_the_new_words(tmp_path: Path) -> None:
    folder(
        tmp_path,
        {
            "rollouts/shop.py": f"{OLD}\nBOOK = Runbook('x', mend=[])\n",
            "environments.py": "import handrail\n",
        },
    )
    (tmp_path / "source").rename(tmp_path / "rules_src")
    lines = [one for one in CHANGELOG.read_text().splitlines() if one.startswith("sed -i ")]
    subprocess.run(["bash", "-c", " && ".join(lines)], cwd=tmp_path, check=True)
    by_hand = NEW.replace('"sustained": "5m"', '"hold": "5m"')
    assert (
        tmp_path / "rules_src/rollouts/shop.py"
    ).read_text() == f"{by_hand}\nBOOK = Runbook('x', fix=[])\n"
