"""`handrail gate` asks a real receiver until it is decided: 0 open, 1 closed, 2 called wrongly, 3 nobody can know."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from guarded import TOKENS, Guarded, guarded, playbook
from guarded.playbook import ENVIRONMENT
from handrail.contract import Approval, Criterion, Gate
from handrail_receiver.client.api_client import api_client
from handrail_receiver.client.gate_wait import Wait, gate

LEAD = Approval(role="lead", valid_for=600, four_eyes=True)
ASKS = playbook(
    environment=ENVIRONMENT, gates=(Gate(into="50%", manual=("Is the log clean?",), approvals=(LEAD,)),)
)
CRITERION = Criterion(guardrail="error-rate", text="below 0.5 %", expr="errors >= 0.005", seen="errors")
FOREVER = Wait(None)


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path, ASKS) as shop:
        yield shop


def asked(
    shop: Guarded,
    to: str = "",
    wait: Wait | None = None,
    meanwhile: tuple[Callable[[], object], ...] = (),
    *,
    name: str = "shop",
    as_json: bool = False,
) -> int:
    """The exit code; what happens `meanwhile`, one after the other, between two looks."""
    todo, at = iter(meanwhile), iter(range(1000))

    def pause(_seconds: float) -> None:
        next(todo)()

    return gate(
        api_client(shop.server.url, TOKENS["viewer"], None, None, None),
        name,
        to,
        wait or Wait(),
        as_json=as_json,
        clock=lambda: float(next(at)),
        sleep=pause,
    )


def answered(shop: Guarded) -> None:
    shop.call("check", item="1", why="looked")


def approved(shop: Guarded) -> None:
    shop.ask("POST", "/api/rollouts/shop/approve", "approver", json={})


def test_a_closed_gate_is_said_line_by_line_with_what_to_type(
    shop: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.call("start")
    assert asked(shop) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        "gate of shop into 50%: closed",
        "  not met  Is the log clean?: nobody has answered 'Is the log clean?'",
        "           handrail rollout check shop --item 1",
        "  not met  lead: nobody has approved as 'lead'",
    ]
    assert last.startswith("           handrail rollout approve shop --role lead --seen ")


def test_it_waits_until_people_have_said_yes_and_says_what_it_waits_for(
    shop: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.call("start")
    assert asked(shop, wait=FOREVER, meanwhile=(lambda: answered(shop), lambda: approved(shop))) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "gate of shop into 50%: open"
    waited = "waiting: the gate of shop into 50% is closed: "
    assert said.err.splitlines() == [
        f"{waited}nobody has answered 'Is the log clean?'; nobody has approved as 'lead'",
        f"{waited}nobody has approved as 'lead'",
    ]


def test_a_wait_that_ends_before_that_is_a_no(shop: Guarded) -> None:
    shop.call("start")
    assert asked(shop, wait=Wait(33, 30), meanwhile=(lambda: None,)) == 1


def test_an_attempt_that_goes_on_meanwhile_has_passed_the_gate_that_was_waited_for(
    shop: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.call("start")

    def promoted() -> None:
        answered(shop)
        approved(shop)
        assert shop.call("promote")["outcome"] == "done"

    assert asked(shop, wait=FOREVER, meanwhile=(promoted,)) == 0
    assert capsys.readouterr().out == (
        "gate of shop into 50%: passed: attempt 1 has passed it, and is in stage 50%, baking\n"
    )
    assert asked(shop, to="50%") == 0


def test_a_rollback_ends_the_wait_at_once(shop: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    shop.call("start")
    assert asked(shop, wait=FOREVER, meanwhile=(lambda: shop.call("rollback"),)) == 1
    assert capsys.readouterr().out == "gate of shop into 50%: over: attempt 1 is rolled-back\n"


def test_a_later_attempt_is_not_the_one_that_was_waited_for(
    shop: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.call("start")

    def another() -> None:
        shop.call("abandon", why="a test")
        shop.call("start")

    assert asked(shop, wait=FOREVER, meanwhile=(another,)) == 1
    assert (
        capsys.readouterr().out == "gate of shop into 50%: over: attempt 1 is over, and attempt 2 has begun\n"
    )


def test_what_is_held_is_closed_and_the_reason_is_said(
    shop: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.call("start")
    answered(shop)
    approved(shop)
    shop.call("hold", why="lunch")
    assert asked(shop) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "  against  held: operator-1: lunch"


def test_where_no_attempt_runs_nobody_can_know(shop: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(shop, wait=FOREVER) == 3
    assert capsys.readouterr().out == "gate of shop: none: no attempt was started\n"


def test_a_criterion_that_nobody_could_ask_for_is_unknown_whatever_else_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = playbook(
        environment=ENVIRONMENT, gates=(Gate(into="50%", criteria=(CRITERION,), manual=("Well?",)),)
    )
    with guarded(tmp_path, book, PROMETHEUS="http://127.0.0.1:9") as shop:
        shop.call("start", anyway=True, why="a test")
        assert asked(shop, wait=Wait(33, 30), meanwhile=(lambda: None,)) == 3
        first, unknown, *_ = capsys.readouterr().out.splitlines()
        assert first == "gate of shop into 50%: unknown"
        assert unknown.startswith("  unknown  error-rate: below 0.5 %: unknown: ")
        assert asked(shop, as_json=True) == 3
        said = json.loads(capsys.readouterr().out)
        assert (said["answer"], said["attempt"], said["into"]) == ("unknown", 1, "50%")
        assert any("Prometheus does not answer" in line for line in said["unknown"])


def test_a_receiver_that_does_not_answer_is_waited_for_and_then_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(tmp_path, ASKS, proxy=False) as shop:
        pass
    assert asked(shop, wait=Wait(33, 30), meanwhile=(lambda: None,)) == 3
    assert asked(shop, as_json=True) == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["rollout"], said["answer"]) == ("shop", "unknown")
    assert "did not answer" in said["text"]


@pytest.mark.parametrize("dripping", [False, True], ids=["says nothing", "says a little every now and then"])
def test_the_wait_ends_in_time_though_the_receiver_never_ends_its_answer(
    capsys: pytest.CaptureFixture[str], *, dripping: bool
) -> None:
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def never_ends() -> None:
            with server.accept()[0] as peer, suppress(OSError):
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" if dripping else b"")
                while not over.wait(0.05):
                    peer.sendall(b" " if dripping else b"")

        Thread(target=never_ends, daemon=True).start()
        client = api_client(f"http://127.0.0.1:{server.getsockname()[1]}", None, None, None, None)
        began = time.monotonic()
        assert gate(client, "shop", "", Wait(0.5)) == 3
        lasted = time.monotonic() - began
        over.set()
    said = capsys.readouterr().err
    assert said.endswith(" did not answer within 0.5 s and may still be at it; ask again\n"), said
    assert 0.4 < lasted < 10


@pytest.mark.parametrize(
    ("name", "to", "problem"),
    [
        ("shop", "75%", "shop has no stage 75%; it has 10%, 50%, 100%, complete"),
        (
            "shoop",
            "",
            "no playbook declares 'shoop'; correct the name (`handrail rollout list` has all), or generate it",
        ),
    ],
)
def test_what_does_not_exist_is_a_wrong_call(
    shop: Guarded, capsys: pytest.CaptureFixture[str], name: str, to: str, problem: str
) -> None:
    assert asked(shop, to, FOREVER, name=name) == 2
    assert capsys.readouterr().err == f"{problem}\n"


def test_ctrl_c_is_quiet(shop: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    shop.call("start")

    def interrupted() -> None:
        capsys.readouterr()
        raise KeyboardInterrupt

    assert asked(shop, wait=FOREVER, meanwhile=(interrupted,)) == 130
    assert capsys.readouterr() == ("", "")
