"""The demo as a user runs it: it tells the truth about a whole life, and leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from on_path import handrail_on_path
from rich.console import Console
from servers import ask_haproxy, program, until
from servers.newer import newer

from end_to_end.demo import __main__ as command
from end_to_end.demo import stack
from end_to_end.demo.screen import Plain
from end_to_end.demo.story import Demo, Failed

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.timeout(300)


class Run:
    """A demo that is running, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def until_it_says(self, text: str) -> None:
        until(lambda: text in self.said or self.process.poll() is not None, text, within=180, every=0.02)
        assert text in self.said

    def end(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = self.process.wait(timeout=280)
        self.reader.join()
        return code


@contextmanager
def demo(folder: Path, *arguments: str, **env: str) -> Iterator[Run]:
    argv = [sys.executable, "-m", "end_to_end.demo", "--folder", str(folder), "--orders=50", *arguments]
    with subprocess.Popen(
        argv,
        env={**os.environ, "PYTHONPATH": str(TESTS), "CI": "true", "COLUMNS": "120", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    ) as process:
        run = Run(process)
        try:
            yield run
        finally:
            process.terminate()
            run.reader.join()


def binaries(version: str) -> list[str]:
    """Debian's Prometheus and Alertmanager, or the newer ones."""
    find = newer if version == "newer" else program
    return [f"--prometheus={find('prometheus')}", f"--alertmanager={find('prometheus-alertmanager')}"]


@pytest.fixture(scope="module", name="forked")
def _forked() -> Iterator[str]:
    """The option for a `handrail` whose commands need not import it; the long tests take the one that is installed."""
    with handrail_on_path() as folder:
        yield f"--handrail={folder / 'handrail'}"


def processes_in(folder: Path) -> list[str]:
    """The command lines of all processes that work in `folder`: every server of a demo does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


BAD = [
    "olga starts the rollout of version 2.1 with 10 %",
    "both arms are well",
    "the canary goes bad",
    "the alert is pending",
    "the alert fires",
    "the receiver takes the canary's orders away",
    "the receiver proves it in Prometheus",
    "the canary gets no order any more",
    "the evidence of each attempt is written into a folder",
    "anybody can check it, without the receiver",
    "one byte of it is changed, and that is found",
]
"""The steps of the story's second part, as the demo says them."""
ROW = r"^│ (.+?) +│ +\S+ +│ +\d+\.\d+ s │ +\d+\.\d+ s │$"
ROWS = {
    "the canary goes bad",
    "limit breached: alert pending",
    "sustained: the alert fires",
    "webhook received",
    "decided",
    "acted and read back",
    "weight 0 is seen from outside",
    "proved: no traffic left",
}
"""What the table of times has."""


def at_rest(said: str) -> list[str]:
    """HAProxy's splits; a look may come between the two commands of one: 91/9 is stable's 100 with the 10 of before."""
    splits = re.findall(r"split in HAProxy, stable/canary: (\S+)", said)
    return [split for split in splits if split in {"100/0", "90/10", "50/50", "0/100"}]


def test_a_bad_version_is_rolled_back_and_a_changed_byte_of_the_evidence_is_found(
    tmp_path: Path, forked: str
) -> None:
    with demo(tmp_path, "--bad-only", forked, *binaries("debian")) as run:
        code = run.end()
    assert code == 0, run.said
    assert re.findall(r"^ok  ([^:]+):", run.said, re.MULTILINE) == ["everything starts", *BAD]
    assert at_rest(run.said) == ["100/0", "90/10", "100/0"]
    assert re.findall(r"^    \$ handrail (.+)$", run.said, re.MULTILINE) == [
        "rollout start checkout --artifact checkout:2.1",
        "rollout bundle checkout bundle-1 --attempt 1",
        "verify bundle-1 --key key.pub.pem",
        "verify bundle-1-changed --key key.pub.pem",
    ]
    assert re.search(r"snapshots/\d+\.json was changed: it has another SHA-256", run.said), run.said
    assert set(re.findall(ROW, run.said, re.MULTILINE)) == ROWS
    assert processes_in(tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("version", ["debian", "newer"])
def test_a_good_version_completes_a_bad_one_is_rolled_back_and_a_changed_byte_of_the_evidence_is_found(
    tmp_path: Path, version: str
) -> None:
    with demo(tmp_path, *binaries(version)) as run:
        code = run.end()
    assert code == 0, run.said
    steps = re.findall(r"^ok  ([^:]+):", run.said, re.MULTILINE)
    assert steps == [
        "everything starts",
        "customers order, and all orders go to the stable version",
        "olga starts the rollout of version 2.0 with 10 %",
        "10 % bakes and is well; then the gate waits for people",
        "anna approves",
        "it goes on to 50 % automatically",
        "it goes on to 100 % automatically",
        "it is complete",
        *BAD,
    ]
    assert at_rest(run.said) == ["100/0", "90/10", "50/50", "0/100", "90/10", "100/0"]
    assert re.findall(r"^    \$ handrail (.+)$", run.said, re.MULTILINE) == [
        "rollout start checkout --artifact checkout:2.0",
        f"rollout approve checkout --role release-manager --seen {seen_in(run.said)}",
        "rollout start checkout --artifact checkout:2.1",
        "rollout bundle checkout bundle-1 --attempt 1",
        "rollout bundle checkout bundle-2 --attempt 2",
        "verify bundle-1 --key key.pub.pem",
        "verify bundle-2 --key key.pub.pem",
        "verify bundle-2-changed --key key.pub.pem",
    ]
    assert re.search(r"snapshots/\d+\.json was changed: it has another SHA-256", run.said), run.said
    rows = re.findall(ROW, run.said, re.MULTILINE)
    assert set(rows) == ROWS
    assert processes_in(tmp_path) == []


def seen_in(said: str) -> str:
    """The digest of what was approved."""
    found = re.search(r"--seen ([0-9a-f]{12})$", said, re.MULTILINE)
    assert found
    return found[1]


def no_socket(folder: Path) -> None:
    """The receiver cannot reach HAProxy any more; the demo, which looks through another socket, can."""
    (folder / "haproxy.sock").unlink()


def a_weight_again(folder: Path) -> None:
    """Somebody gives the canary orders again, behind the receiver's back."""
    ask_haproxy(folder / "haproxy.sock", "set weight web/canary 10")


@pytest.mark.long
@pytest.mark.parametrize(
    ("sabotage", "when", "step"),
    [
        (no_socket, "... the canary goes bad", "the receiver takes the canary's orders away"),
        (a_weight_again, "ok  the receiver proves it", "the canary gets no order any more"),
    ],
)
def test_a_rollback_that_does_not_hold_fails_and_names_the_step(
    tmp_path: Path, sabotage: Callable[[Path], None], when: str, step: str
) -> None:
    """On the newer servers, with the bad version only: until the rollback they do what Debian's do above."""
    with demo(tmp_path, "--bad-only", *binaries("newer")) as run:
        run.until_it_says(when)
        sabotage(tmp_path)
        code = run.end()
    assert code == 1, run.said
    assert re.findall(r"^FAILED  ([^:]+):", run.said, re.MULTILINE) == [step], run.said
    assert processes_in(tmp_path) == []


def test_a_step_that_does_not_see_what_it_waits_for_is_named_and_none_comes_after_it(
    tmp_path: Path, forked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def not_seen(_: Demo) -> str:
        raise Failed("waited 10 s for weight 0 for the canary")

    steps = (("it is well", lambda _: "0 errors"), ("weight 0 is seen", not_seen), ("it is proved", not_seen))
    monkeypatch.setattr(command, "PARTS", (("A bad version is rolled back", steps),))
    monkeypatch.setattr(command, "playing", lambda *_: nullcontext())
    call = Namespace(bad_only=False, orders=50)
    programs = stack.Programs(handrail=forked.partition("=")[2])
    code = command._run(tmp_path, programs, call, Plain(Console(width=120)))
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("ok", "FAILED", "..."))]
    assert (code, [re.sub(r" \(\d+\.\d s\)$", "", line) for line in said[2:]]) == (
        1,
        [
            "... it is well",
            "ok  it is well: 0 errors",
            "... weight 0 is seen",
            "FAILED  weight 0 is seen: waited 10 s for weight 0 for the canary",
        ],
    )


@pytest.mark.parametrize("interrupt", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_ctrl_c_ends_everything(tmp_path: Path, forked: str, interrupt: signal.Signals) -> None:
    with demo(tmp_path, forked) as run:
        run.until_it_says("ok  everything starts")
        assert len(processes_in(tmp_path)) == 6
        run.process.send_signal(interrupt)
        code = run.end()
    assert code == 130, run.said
    assert "demo: interrupted; everything it started has ended" in run.said
    assert processes_in(tmp_path) == []


def test_a_program_that_is_missing_is_named_with_its_package(tmp_path: Path) -> None:
    with demo(tmp_path, PATH="/nowhere") as run:
        code = run.end()
    assert (code, run.said) == (2, "demo: prometheus is not installed; apt-get install prometheus\n")
