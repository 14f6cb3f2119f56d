"""Unit tests that nothing changed for are taken over from last time, and never where they could be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from handrail.compiler import compile_source
from handrail.write import apply, changes

ROLLOUT = """
from handrail.declare import *

{name} = Rollout(
    "{name}",
    "{name}",
    guardrails=[
        Guardrail(
            "pool",
            Usage("pool_in_use", 50),
            tiers=[Critical(Above("{limit}"))],
            runbook=Runbook("Requests wait."),
        )
    ],
)
"""


@pytest.fixture
def made(tmp_path: Path) -> Callable[[], list[str]]:
    """Generates, and says for which rollouts unit tests were made."""
    (tmp_path / "rollouts").mkdir()
    for name in ("shop", "mail"):
        (tmp_path / "rollouts" / f"{name}.py").write_text(ROLLOUT.format(name=name, limit="90%"))

    def generate() -> list[str]:
        told: list[str] = []
        out = tmp_path / "generated"
        files = compile_source(tmp_path, None, before=out, tell=told.append)
        apply(changes(files, out), out)
        return told if compile_source(tmp_path, None) == files else ["what was taken over is stale"]

    return generate


def test_the_first_time_all_are_made_and_the_second_time_none(made: Callable[[], list[str]]) -> None:
    assert made() == ["unit tests of mail (1 of 2)", "unit tests of shop (2 of 2)"]
    assert made() == []


def test_a_changed_limit_makes_its_rollouts_tests_anew_and_no_others(
    made: Callable[[], list[str]], tmp_path: Path
) -> None:
    made()
    (tmp_path / "rollouts" / "shop.py").write_text(ROLLOUT.format(name="shop", limit="80%"))
    assert made() == ["unit tests of shop (2 of 2)"]


def test_a_file_that_somebody_edited_is_made_anew(made: Callable[[], list[str]], tmp_path: Path) -> None:
    made()
    edited = tmp_path / "generated" / "prometheus" / "tests" / "mail.test.yml"
    edited.write_text(edited.read_text() + "# a note\n")
    assert made() == ["unit tests of mail (1 of 2)"]


def test_the_manifest_says_what_the_tests_were_made_from(
    made: Callable[[], list[str]], tmp_path: Path
) -> None:
    made()
    files = json.loads((tmp_path / "generated" / "MANIFEST.json").read_text())["files"]
    assert sorted(path for path, entry in files.items() if "made_from" in entry) == [
        "prometheus/tests/mail.test.yml",
        "prometheus/tests/shop.test.yml",
    ]


def test_test_files_of_an_objective_are_taken_over_all_or_none(
    made: Callable[[], list[str]], tmp_path: Path
) -> None:
    objective = (
        'Slo("quick", Ratio(bad="failed_total", of="calls_total"), objective="99%", runbook=Runbook("Look."))'
    )
    text = ROLLOUT.format(name="shop", limit="90%").replace("guardrails=", f"slos=[{objective}], guardrails=")
    (tmp_path / "rollouts" / "shop.py").write_text(text)
    tests = tmp_path / "generated" / "prometheus" / "tests"
    made()
    assert made() == []
    assert sorted(path.name for path in tests.glob("shop.*")) == [
        f"shop.{window}test.yml" for window in ("1d.", "2h.", "30m.", "5m.", "6h.", "")
    ]
    (tests / "shop.2h.test.yml").unlink()
    assert made() == ["unit tests of shop (2 of 2)"]
    (tmp_path / "rollouts" / "shop.py").write_text(ROLLOUT.format(name="shop", limit="90%"))
    made()
    assert [path.name for path in tests.glob("shop.*")] == ["shop.test.yml"]
