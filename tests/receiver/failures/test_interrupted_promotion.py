"""A promotion that an absence interrupted → goes on once Alertmanager has said what fires, and not at all where it does."""

from __future__ import annotations

import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
import servers
from guarded import Guarded, guarded, playbook
from guarded.alertmanagers import NOBODY, alertmanager
from guarded.playbook import ENVIRONMENT
from guarded.spy import Spy, spied
from handrail_receiver import terminal
from handrail_receiver.execute.scheduler import WAITS

STAGES = tuple(stage.model_copy(update={"bake": 0}) for stage in playbook().stages)
BOOK = playbook(stages=STAGES, environment=ENVIRONMENT)
ENTERS = "set weight web/canary 50"


def interrupted(shop: Guarded, spy: Spy) -> None:
    """A promotion that has not got through when the receiver ends."""
    received = Event()

    def lost(command: str) -> None:
        if command == ENTERS:
            received.set()
            raise ConnectionResetError

    def promoting() -> None:
        with suppress(httpx.TransportError):
            shop.call("promote", to="50%")

    spy.before = lost
    shop.call("start")
    asking = Thread(target=promoting)
    asking.start()
    assert received.wait(30)
    shop.server.process.send_signal(signal.SIGKILL)
    asking.join()
    shop.server.process.wait(timeout=30)
    spy.before = lambda _: None
    spy.commands.clear()


@pytest.mark.parametrize(
    ("fires", "ends", "sets"),
    [
        (
            True,
            [("promote", "superseded"), ("rollback", "done")],
            ["set weight web/canary 0", "set weight web/stable 100"],
        ),
        (False, [("promote", "done")], [ENTERS, "set weight web/stable 50"]),
    ],
    ids=["an alert fires", "nothing fires"],
)
def test_what_enters_a_stage_waits_until_it_is_known_what_fires(
    tmp_path: Path, *, fires: bool, ends: list[tuple[str, str]], sets: list[str]
) -> None:
    with (
        spied(tmp_path) as spy,
        alertmanager(tmp_path, "0.25", NOBODY) as sender,
        ExitStack() as silent,
    ):
        with guarded(tmp_path, BOOK, proxy=False) as shop:
            interrupted(shop, spy)
        if fires:
            sender.say(firing=True)
        silent.enter_context(servers.frozen(sender.server.process.pid))
        with guarded(tmp_path, BOOK, proxy=False, ALERTMANAGERS=sender.url, ASK_EVERY="0.2") as shop:
            why = f"  promote 50%: open  {WAITS}; 0 of 2 steps done"
            servers.until(lambda: why in terminal.status(shop.status()), "it to wait, and to say why")
            assert (spy.sets(), shop.runs()[1:]) == ([], [("promote", "open")])
            silent.close()
            servers.until(lambda: shop.runs()[1:] == ends, "it to be carried out or superseded")
            assert spy.sets() == sets
