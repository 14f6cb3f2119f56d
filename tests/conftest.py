"""What holds for all tests.

What takes longest is begun first. A test that failed ends with the last words of every server that was running.
Hypothesis measures no times: how long an example takes says something of the machine and nothing of the code. Of each
property it draws few examples every time, and many with `--hypothesis-profile=many`, as `make test-long` does.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from pathlib import Path

import pytest
import servers
import shares
import shown
from hypothesis import HealthCheck, settings

settings.register_profile("few", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("many", settings.get_profile("few"), max_examples=1000)
settings.load_profile("few")


def pytest_addoption(parser: pytest.Parser) -> None:
    what = "a folder of pages: fail where a test that they name did not pass in this run"
    parser.addoption("--shown", metavar="FOLDER", type=Path, help=what)


def pytest_configure(config: pytest.Config) -> None:
    pages = config.getoption("--shown")
    if pages is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(shown.Shown(shown.named(pages)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: nobody need look through it for garbage, nor through the rest as often."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    here = Path(__file__).parent
    items[:] = shares.longest_first(items, workers, lambda item: str(item.path.relative_to(here)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(server.name, server.tail()) for server in servers.alive]
    return report
