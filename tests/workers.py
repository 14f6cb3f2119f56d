"""`pytest -n 6` → the tests are collected once; six processes that are forked from there run them, a file at a time.

Reading all tests takes five seconds, which each worker is spared, as is all else that was made before it was forked.
A worker gets its next file when it is done with one: what the tests of a file share is made once. What it reports of
a test is told here, as if the test had run here.
"""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from multiprocessing import Pipe, connection
from typing import Any, NoReturn

import pytest
from _pytest._io import TerminalWriter
from _pytest.config import create_terminal_writer

Line = connection.Connection
Report = dict[str, Any]


class Ended(Exception):
    """A worker ended before it should; the message names the test that it was at."""


def add_option(parser: pytest.Parser) -> None:
    """`-n`: pytest keeps short options for itself and for those who ask like this."""
    what = "run the tests in so many processes"
    parser.getgroup("workers")._addoption("-n", dest="workers", type=int, default=1, help=what)


def run(session: pytest.Session, number: int, files: Iterable[Sequence[int]]) -> None:
    """Run these files, each of them the places of its tests in `session.items`, by so many workers at a time."""
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # theirs lie in it
    terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    terminal.showfspath = False  # a line for each change of the file would be one for each test
    _Run(session, number, deque(files)).to_its_end()


@dataclass(frozen=True)
class _Worker:
    """The line to a process that runs tests, and those that it was given and has not reported."""

    pid: int
    left: deque[int] = field(default_factory=deque)


class _Run:
    """Who runs what, and what is left to run."""

    def __init__(self, session: pytest.Session, number: int, files: deque[Sequence[int]]) -> None:
        self._session, self._number, self._files = session, number, files
        self._workers: dict[Line, _Worker] = {}

    def to_its_end(self) -> None:
        """Run all, or up to the failure after which no more is wanted."""
        try:
            for _ in range(min(self._number, len(self._files))):
                self._fork()
            while self._workers:
                for line in connection.wait(list(self._workers)):
                    assert isinstance(line, Line)
                    self._hear(line)
                    if self._session.shouldfail:
                        raise self._session.Failed(self._session.shouldfail)
                    if self._session.shouldstop:
                        raise self._session.Interrupted(self._session.shouldstop)
        finally:
            for line, worker in self._workers.items():
                line.close()  # who has something to report notices, and ends
                os.waitpid(worker.pid, 0)

    def _fork(self) -> None:
        ours, its = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            for line in (ours, *self._workers):
                line.close()
            _be_one(self._session, its)
        its.close()
        self._workers[ours] = _Worker(pid)
        self._give(ours)

    def _give(self, line: Line) -> None:
        """The next file, or none: then it ends."""
        file = self._files.popleft() if self._files else ()
        self._workers[line].left.extend(file)
        line.send(file)

    def _hear(self, line: Line) -> None:
        try:
            reports: list[Report] = line.recv()
        except (EOFError, ConnectionResetError):
            self._ended(line)
            return
        left = self._workers[line].left
        self._tell(self._session.items[left.popleft()], reports)
        if not left:
            self._give(line)

    def _tell(self, item: pytest.Item, reports: list[Report]) -> None:
        config = self._session.config
        config.hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for one in reports:
            report = config.hook.pytest_report_from_serializable(config=config, data=one)
            config.hook.pytest_runtest_logreport(report=report)
        config.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _ended(self, line: Line) -> None:
        worker = self._workers.pop(line)
        line.close()
        code = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        if worker.left or code:
            at = self._session.items[worker.left[0]].nodeid if worker.left else "the end of its tests"
            raise Ended(f"a worker ended with {code} at {at}")


class _Reported:
    """What is reported of the test that is running, as it can be sent."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.of_one: list[Report] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep it."""
        hook = self._config.hook
        self.of_one.append(hook.pytest_report_to_serializable(config=self._config, report=report))


class _Unseen:
    """The terminal of a process whose terminal nobody sees."""

    def __init__(self, writer: TerminalWriter) -> None:
        self._tw = writer


def _be_one(session: pytest.Session, line: Line) -> NoReturn:
    """Be a worker: run file after file until there is none."""
    code = 1
    try:
        _alone(session.config)
        reported = _Reported(session.config)
        session.config.pluginmanager.register(reported)
        try:
            while file := line.recv():
                for place, following in zip(file, [*file[1:], None], strict=True):
                    reported.of_one.clear()
                    # With the session to follow, all that the tests of a file share ends with its last one.
                    next_one = session if following is None else session.items[following]
                    session.config.hook.pytest_runtest_protocol(item=session.items[place], nextitem=next_one)
                    line.send(reported.of_one)
        except (EOFError, ConnectionError, KeyboardInterrupt):
            pass  # nobody wants more reports
        session._setupstate.teardown_exact(None)
        atexit._run_exitfuncs()
        code = 0
    except BaseException:  # noqa: BLE001  what a process does that meets one
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _alone(config: pytest.Config) -> None:
    """Share with the process that we were forked from neither folder nor output, and leave to it what it does at its end."""
    atexit._clear()
    plugins = config.pluginmanager
    plugins.unregister(name="terminalreporter")
    plugins.register(_Unseen(create_terminal_writer(config, StringIO())), "terminalreporter")
    capture: Any = plugins.get_plugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    folders: Any = config._tmp_path_factory  # type: ignore[attr-defined]
    folders._basetemp = folders.getbasetemp() / f"worker{os.getpid()}"
    folders._basetemp.mkdir()
