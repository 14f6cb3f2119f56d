"""Tests that several processes run → what is said of them, as if one had run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
CONFTEST = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import pytest, workers
made = []
def pytest_addoption(parser): workers.add_option(parser)
def pytest_runtestloop(session):
    files = {{}}
    for place, item in enumerate(session.items):
        files.setdefault(item.path, []).append(place)
    workers.run(session, session.config.getoption("workers"), files.values())
    return True
@pytest.fixture(scope="module")
def shared(request):
    made.append(request.module.__name__)
    yield made.count(request.module.__name__)
    print(f"the last of {{request.module.__name__}}")
@pytest.fixture(scope="session")
def ended():
    yield
    open("ended", "a").write("x")
"""
ONE = """
import os, pytest
def test_good(shared, ended, tmp_path): assert shared == 1
def test_bad(shared, tmp_path): print(f"in {tmp_path.parent.name}"); assert shared == 2, "as it should"
def test_skipped(): pytest.skip("no server")
def test_last(shared): assert shared == 1
"""
DIES = (
    "import os\ndef test_before(): pass\ndef test_dies(): os.kill(os.getpid(), 9)\ndef test_after(): pass\n"
)


def run(folder: Path, *options: str) -> tuple[int, str]:
    """The exit code of pytest and what it said."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(CONFTEST)
    argv = [sys.executable, "-m", "pytest", "-n", "2", "-rA", "-p", "no:cacheprovider", *options]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> Path:
    for name in ("test_a.py", "test_b.py", "test_c.py"):
        (tmp_path / name).write_text(ONE)
    return tmp_path


def test_each_test_is_reported_once_with_what_it_printed_and_each_file_makes_what_it_shares_once(
    files: Path,
) -> None:
    code, said = run(files)
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) (test_\S+)", said, re.MULTILINE)
    assert code == 1, said
    assert sorted(outcomes) == [
        *[("FAILED", f"test_{file}.py::test_bad") for file in "abc"],
        *[("PASSED", f"test_{file}.py::test_{test}") for file in "abc" for test in ("good", "last")],
    ]
    assert "3 failed, 6 passed, 3 skipped" in said
    progress = re.findall(r"^([.Fs]+) +\[100%\]$", said, re.MULTILINE)
    assert [sorted(line) for line in progress] == [sorted("FFF......sss")], said
    folders = re.findall(r"^in (worker\d+)$", said, re.MULTILINE)
    assert (len(folders), len(set(folders))) == (3, 2), said
    assert sorted(re.findall(r"^the last of (\w+)$", said, re.MULTILINE)) == ["test_a", "test_b", "test_c"]
    assert (files / "ended").read_text() == "xx"  # by each worker, whatever file was its last


def test_after_as_many_failures_as_were_asked_for_no_other_file_is_begun(files: Path) -> None:
    for n in range(20):
        (files / f"test_d{n}.py").write_text(ONE)
    code, said = run(files, "-x")
    assert (code, "stopping after 1 failures" in said) == (1, True), said
    assert len(re.findall("^PASSED", said, re.MULTILINE)) < 10


def test_a_worker_that_dies_fails_the_run_and_the_test_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(DIES)
    code, said = run(tmp_path)
    assert code == pytest.ExitCode.INTERNAL_ERROR, said
    assert "a worker ended with -9 at test_a.py::test_dies" in said
