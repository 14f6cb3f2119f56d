"""The `handrail` that tests put on PATH → the same output as the installed one, word for word."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from on_path import handrail_on_path

INSTALLED = Path(sys.executable).with_name("handrail")


@pytest.fixture(scope="module", name="ours")
def _ours() -> Iterator[Path]:
    with handrail_on_path() as folder:
        yield folder / "handrail"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 0),
        (["lint", "--source", "none"], 2),
        pytest.param(["generat"], 2, marks=pytest.mark.long),
    ],
)
def test_it_says_what_the_installed_one_says(ours: Path, tmp_path: Path, words: list[str], code: int) -> None:
    said = []
    for command in (INSTALLED, ours):
        done = subprocess.run([command, *words], cwd=tmp_path, check=False, capture_output=True, text=True)
        said.append((done.returncode, done.stdout, done.stderr))
    assert said[0] == said[1]
    assert said[1][0] == code


def test_it_works_where_it_was_typed_and_ends_with_a_signal_that_it_gets(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("alertmanager am-1 0123456789abcdef0123456789abcdef\n")
    subprocess.run([ours, "init", "guardrails"], cwd=tmp_path, check=True, capture_output=True)
    env = {"HANDRAIL_TOKENS_FILE": "../tokens", "HANDRAIL_ADDRESS": "127.0.0.1:0"}
    with subprocess.Popen(
        [ours, "serve"], cwd=tmp_path / "guardrails", env=env, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stderr is not None
        next(line for line in serving.stderr if "127.0.0.1" in line)
        serving.terminate()
        said = serving.stderr.read()
    assert (serving.returncode, "Traceback" in said) == (-signal.SIGTERM, False)
