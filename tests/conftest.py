"""A test that failed → the same, with the last words of every server that was running."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import servers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(server.name, server.tail()) for server in servers.alive]
    return report
