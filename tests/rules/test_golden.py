"""Whole folders in, whole folders out: tests/golden/<case>/source → tests/golden/<case>/generated.

    UPDATE_GOLDEN=1 .venv/bin/pytest tests/rules/test_golden.py

writes what the compiler makes now; the difference is then for a reviewer to read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from handrail.compiler import compile_source
from servers import program

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir() if (path / "source").is_dir())
MANIFEST = "MANIFEST.json"  # the only file that knows the tool's version


@pytest.mark.parametrize("case", CASES)
def test_the_compiler_makes_the_golden_folder(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN / case)
    made = compile_source(Path("source"), None)
    del made[MANIFEST]
    folder = GOLDEN / case / "generated"
    if os.environ.get("UPDATE_GOLDEN"):
        _write(folder, made)
    golden = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert made == golden


@pytest.mark.parametrize("case", CASES)
def test_the_golden_rules_pass_the_golden_tests(case: str, promtool: str) -> None:
    tests = sorted((GOLDEN / case / "generated/prometheus/tests").glob("*.yml"))
    assert tests
    command = [program(promtool), "test", "rules", *(path.name for path in tests)]
    done = subprocess.run(command, cwd=tests[0].parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _write(folder: Path, made: Mapping[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
