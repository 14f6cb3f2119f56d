"""Command → programs run as they are written, never by a shell, never for longer than they may."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from handrail.contract import Command
from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading
from handrail_receiver.targets.command import Commands
from handrail_receiver.targets.process import run
from servers import is_running, until

from .conftest import TOKEN

pytestmark = pytest.mark.anyio


def exits(code: int) -> list[str]:
    return ["sh", "-c", f"exit {code}"]


async def test_no_shell_reads_the_words(tmp_path: Path, outside: Outside) -> None:
    words = ["$(touch broken)", "; touch broken", "`touch broken`", "*", "a\nb", ""]
    report = "import sys, json, pathlib; pathlib.Path(sys.argv[1]).write_text(json.dumps(sys.argv[2:]))"
    seen = tmp_path / "seen"
    await Commands(outside).act(Command([sys.executable, "-c", report, str(seen), *words], ["true"]))
    assert seen.read_text() == ('["$(touch broken)", "; touch broken", "`touch broken`", "*", "a\\nb", ""]')


@pytest.mark.parametrize(
    ("code", "kind", "cause"),
    [
        (1, Retryable, Cause.broken),
        (2, Retryable, Cause.broken),
        (69, Retryable, Cause.unreachable),
        (75, Retryable, Cause.busy),
        (64, Permanent, Cause.invalid),
        (77, Permanent, Cause.refused),
        (78, Permanent, Cause.invalid),
        (126, Permanent, Cause.refused),
        (127, Permanent, Cause.missing),
    ],
)
async def test_an_exit_code_says_whether_another_try_makes_sense(
    outside: Outside, code: int, kind: type[TargetError], cause: Cause
) -> None:
    with pytest.raises(kind) as raised:
        await Commands(outside).act(Command(exits(code), ["true"]))
    assert (raised.value.cause, str(raised.value)) == (cause, f"sh exited with {code}")


@pytest.mark.parametrize(("code", "done"), [(0, True), (1, False), (3, False), (77, False)])
async def test_reading_is_done_at_exit_0_and_not_done_at_any_other(
    outside: Outside, code: int, done: bool
) -> None:
    assert await Commands(outside).read(Command(["true"], exits(code))) == Reading(
        done, f"sh exited with {code}"
    )


async def test_a_reader_that_was_killed_said_nothing(outside: Outside) -> None:
    with pytest.raises(Retryable) as raised:
        await Commands(outside).read(Command(["true"], ["sh", "-c", "kill -9 $$"]))
    assert str(raised.value) == "sh was ended by SIGKILL"


async def test_what_it_said_last_is_kept_without_what_a_terminal_obeys(outside: Outside) -> None:
    said = r"printf 'first %05000d\n' 1; printf '\033[31mlast\007\n'; printf 'and why\n' >&2; exit 1"
    reading = await Commands(outside).read(Command(["true"], ["sh", "-c", said]))
    assert reading.found.endswith("1 [31mlast and why")
    assert len(reading.found) < 400


async def test_a_program_that_says_more_than_memory_should_hold_still_ends(outside: Outside) -> None:
    flood = "import sys; sys.stdout.write('x' * 5_000_000); sys.stderr.write('y' * 5_000_000)"
    reading = await Commands(outside).read(Command(["true"], [sys.executable, "-c", flood], timeout=60))
    assert (reading.done, len(reading.found) < 400) == (True, True)


async def test_a_time_limit_ends_a_program(outside: Outside) -> None:
    began = time.monotonic()
    with pytest.raises(Retryable) as raised:
        await Commands(outside).act(Command(["sleep", "600"], ["true"], timeout=0.5))
    assert (raised.value.cause, time.monotonic() - began < 60) == (Cause.timeout, True)


async def test_what_ends_the_wait_ends_all_that_the_program_started(tmp_path: Path, outside: Outside) -> None:
    children = tmp_path / "children"
    children.touch()
    script = f"sleep 600 & echo $! >> {children}; sh -c 'echo $$ >> {children}; exec sleep 600'"
    act = asyncio.create_task(Commands(outside).act(Command(["sh", "-c", script], ["true"], timeout=300)))
    await asyncio.to_thread(until, lambda: children.read_text().count("\n") == 2, "both children")
    act.cancel()
    with pytest.raises(asyncio.CancelledError):
        await act
    pids = [int(line) for line in children.read_text().split()]
    await asyncio.to_thread(until, lambda: not any(map(is_running, pids)), "the end of both")


@pytest.mark.parametrize("times", [1, 2], ids=["once", "and again while it ends"])
async def test_what_ends_the_wait_while_a_program_is_being_started_ends_all_that_it_started_too(
    tmp_path: Path, times: int
) -> None:
    children = tmp_path / "children"
    children.touch()
    script = f"sleep 600 & echo $! >> {children}; sh -c 'echo $$ >> {children}; exec sleep 600'"
    starting = asyncio.create_task(run(["sh", "-c", script], environment=dict(os.environ)))
    for _ in range(2):  # it has begun, and the loop has not heard of it
        await asyncio.sleep(0)
    until(lambda: children.read_text().count("\n") == 2, "both children")
    for _ in range(times):
        starting.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await starting
    pids = [int(line) for line in children.read_text().split()]
    until(lambda: not any(map(is_running, pids)), "the end of both")


@pytest.mark.parametrize(("code", "kind"), [(0, None), (78, Permanent), (1, Retryable)])
async def test_the_exit_of_a_program_counts_and_not_that_of_a_child_that_holds_its_output(
    tmp_path: Path, outside: Outside, code: int, kind: type[TargetError] | None
) -> None:
    child = tmp_path / "child"
    argv = ["sh", "-c", f"echo done; sleep 600 & echo $! > {child}; exit {code}"]
    raised = None
    try:
        await Commands(outside).act(Command(argv, argv, timeout=300))
    except TargetError as error:
        raised = error
    assert (type(raised) if raised else None, _end(child)) == (kind, True)


async def test_the_exit_of_a_reader_counts_and_what_it_said_is_kept(tmp_path: Path, outside: Outside) -> None:
    child = tmp_path / "child"
    argv = ["sh", "-c", f"echo is v41; sleep 600 & echo $! > {child}; exit 0"]
    reading = await Commands(outside).read(Command(["true"], argv, timeout=300))
    assert (reading, _end(child)) == (Reading(True, "sh exited with 0: is v41"), True)


async def test_programs_get_the_secrets_of_the_step_and_not_the_receiver_s(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_STORE", "postgresql://planted-password@db/handrail")
    monkeypatch.setenv("HANDRAIL_SECRET_TOKEN", "planted")
    monkeypatch.setenv("FLY_REGION", "ams")
    step = Command(
        ["true"], ["sh", "-c", "env | grep -E 'HANDRAIL|FLY' | sort"], environment={"FLY_API_TOKEN": TOKEN}
    )
    assert (await Commands(outside).read(step)).found == (
        "sh exited with 0: FLY_API_TOKEN=[secret token] FLY_REGION=ams"
    )


async def test_a_rehearsal_says_where_the_program_is_and_what_the_reader_says(outside: Outside) -> None:
    rehearsal = await Commands(outside).rehearse(Command(["true", "a b"], exits(1)))
    assert (rehearsal.ready, rehearsal.reason, rehearsal.call) == (
        True,
        f"{_which('true')} can be run; sh exited with 1",
        "true 'a b'",
    )


@pytest.mark.parametrize("code", [0, 1, 77])
async def test_a_rehearsal_asks_the_program_that_says_whether_it_can_be_done(
    outside: Outside, code: int
) -> None:
    rehearsal = await Commands(outside).rehearse(Command(["true"], exits(1), can=exits(code)))
    said = f"sh exited with {code}"
    ready = f"{_which('true')} can be run; sh exited with 1; {said}"
    refused = f"{said}, so the rollback would not be taken; fix what it says"
    assert (rehearsal.ready, rehearsal.reason) == (code == 0, ready if code == 0 else refused)


@pytest.mark.parametrize(("argv", "read"), [(["no-such-program"], ["true"]), (["true"], ["no-such-program"])])
async def test_a_program_that_is_not_here_is_found_out_by_a_rehearsal(
    outside: Outside, argv: list[str], read: list[str]
) -> None:
    rehearsal = await Commands(outside).rehearse(Command(argv, read))
    assert (rehearsal.ready, rehearsal.reason) == (
        False,
        "no-such-program is not here or may not be run; install it where the receiver runs",
    )


def _end(child: Path) -> bool:
    """Whether it still ran, as an ssh master would; it does no more."""
    pid = int(child.read_text())
    still = is_running(pid)
    os.kill(pid, signal.SIGKILL)
    return still


def _which(name: str) -> str:
    return next(f"{folder}/{name}" for folder in os.environ["PATH"].split(":") if Path(folder, name).exists())
