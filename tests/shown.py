"""The tests that a folder of pages names as proofs → whether each of them passed in this run. If not, the run fails.

    pytest --shown=docs/maintainers/requirements

A test that was renamed, skipped or left out by a marker proves nothing, whatever the page says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

NAMED = re.compile(r"`(tests/[\w/]+\.py::[^`]+)`")


def named(folder: Path) -> frozenset[str]:
    """Every test that a page of `folder` names: `tests/rules/test_thin.py::test_a_b`, perhaps with its case in brackets."""
    return frozenset(test for page in folder.glob("*.md") for test in NAMED.findall(page.read_text("utf-8")))


def lacking(tests: Iterable[str], outcomes: Mapping[str, str]) -> dict[str, str]:
    """Those that did not pass, with what became of them. A test without its case stands for all of its cases."""
    found = {}
    for test in sorted(tests):
        became = {outcome for each, outcome in outcomes.items() if test in {each, each.partition("[")[0]}}
        if became != {"passed"}:
            found[test] = ", ".join(sorted(became - {"passed"})) or "was not run"
    return found


class Shown:
    """Listens to every report of the run, those of all workers too."""

    def __init__(self, tests: frozenset[str]) -> None:
        self._tests = tests
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has passed when its call has, and neither what was set up for it nor what was taken down failed."""
        if report.when == "call" or not report.passed:
            self._outcomes[report.nodeid] = report.outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run in which a proof is missing."""
        if lacking(self._tests, self._outcomes) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name each of them."""
        found = lacking(self._tests, self._outcomes)
        if found:
            terminalreporter.section("named as a proof, and did not pass")
            for test, outcome in found.items():
                terminalreporter.write_line(f"{test}: {outcome}")
