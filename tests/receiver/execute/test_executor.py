"""A rollback is carried out step by step, whatever a step does and whatever hangs beside it."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import servers
from apis import Inbox
from apis.serving import Trouble
from guarded import NOW, Guarded, guarded, playbook
from guarded.kept import Kept, Unfenced, executor_of, run_of
from guarded.playbook import weights
from guarded.scraped import scraped
from handrail.contract import Command, Confirmation, PagerDuty, Proof, Secret, Slack, Step, Tell, Webhook
from handrail_receiver.errors import Cause
from handrail_receiver.model import Run, RunState
from handrail_receiver.outside.prometheus import NoPrometheus
from handrail_receiver.targets.fake import FakeTarget


@pytest.mark.parametrize("call", ["read", "act"])
def test_a_fault_of_our_own_ends_as_a_failed_step_and_the_others_go_on(call: str) -> None:
    bad, good = Command(["bad"], ["x"]), Command(["good"], ["x"])

    def trouble(called: str, step: Step) -> None:
        if called == call and step == bad:
            raise ZeroDivisionError("of our own")

    target, kept = FakeTarget(trouble=trouble), Kept()
    ended = asyncio.run(executor_of(target, kept).carry_out(run_of([bad, good])))
    assert (ended.state, target.done) == (RunState.failed, [good])
    assert ended.text == "$ bad failed: a fault of Handrail's own: ZeroDivisionError: of our own"
    assert [one.effect and one.effect.cause for one in kept.progress] == [Cause.broken, None]


def test_a_kill_switch_that_is_set_while_the_store_is_asked_stops_the_write() -> None:
    switch: list[str] = []

    class Asked(Unfenced):
        async def hold(self, _run: Run) -> None:
            switch.append("set")

    target, kept, bad = FakeTarget(), Kept(), Command(["bad"], ["x"])
    executor = executor_of(target, kept, stopped=lambda: bool(switch), fence=Asked())
    ended = asyncio.run(executor.carry_out(run_of([bad])))
    assert (ended.state, target.done) == (RunState.failed, [])
    assert ended.text == "$ bad failed: the kill switch was set just before the write"


class SetBack:
    """A clock that is set back an hour when it has been asked so many times."""

    def __init__(self, times: int) -> None:
        self.left, self.now_is = times, NOW

    def now(self) -> datetime:
        self.left -= 1
        self.now_is += timedelta(seconds=1) if self.left else -timedelta(hours=1)
        return self.now_is


@pytest.mark.parametrize("times", range(1, 6))
def test_a_clock_that_is_set_back_makes_no_rollback_unproved_later(times: int) -> None:
    asked = 0

    class Never(NoPrometheus):
        async def values(self, query: str) -> list[float]:  # noqa: ARG002
            nonlocal asked
            asked += 1
            return [1.0]

    clock, kept = SetBack(times), Kept()
    proof = Proof(expr="canary", at_most=0, within=6)
    executor = executor_of(FakeTarget(), kept, prometheus=Never(), clock=clock)
    run = run_of([Command(["good"], ["x"])], proof=proof)
    ended = asyncio.run(asyncio.wait_for(executor.carry_out(run), 30))
    assert ended.state == RunState.unproved
    assert asked <= 8


def written(folder: Path, name: str, *, wrong: bool = False, on_failure: str = "next") -> Step:
    """A step that appends its name to a file, and is done when it stands there; or fails for good."""
    log = folder / "order"
    act = ["sh", "-c", "exit 78"] if wrong else ["sh", "-c", f"echo {name} >> {log}"]
    return Command(act, ["grep", "-qx", name, str(log)], tries=1, on_failure=on_failure)  # type: ignore[arg-type]


def steps(shop: Guarded) -> list[str]:
    """The state of each step of the newest run."""
    return [step["state"] for step in shop.status()["runs"][-1]["steps"]]


@pytest.mark.parametrize(
    ("on_failure", "states", "order"),
    [
        ("next", ["done", "failed", "done"], ["one", "three"]),
        ("stop", ["done", "failed", "skipped"], ["one"]),
    ],
)
def test_steps_are_done_in_order_and_one_that_fails_ends_it_where_that_is_declared(
    tmp_path: Path, on_failure: str, states: list[str], order: list[str]
) -> None:
    (tmp_path / "order").touch()
    wrong = written(tmp_path, "two", wrong=True, on_failure=on_failure)
    book = playbook(steps=[written(tmp_path, "one"), wrong, written(tmp_path, "three")])
    with guarded(tmp_path, book, proxy=False) as shop:
        shop.call("start")
        shop.deliver()
        shop.until("rollback", "failed")
        assert (steps(shop), (tmp_path / "order").read_text().split()) == (states, order)


def test_a_channel_that_never_answers_delays_no_rollback(tmp_path: Path) -> None:
    with Inbox() as silent:
        silent.trouble = Trouble.silent
        tell = (
            Tell(Webhook(silent.url)),
            Tell(Slack("#shop", token=Secret("planted"), url=silent.url)),
            Tell(PagerDuty(Secret("planted"), silent.url)),
        )
        actions = tuple(action.model_copy(update={"tell": tell}) for action in playbook().actions)
        with guarded(tmp_path, playbook(actions=actions), SECRET_PLANTED="a-planted-secret") as shop:
            shop.call("start")
            shop.call("hold", why="so that all are being told already")
            servers.until(lambda: len(silent.requests) == 3, "all channels to hang")
            began = time.monotonic()
            shop.deliver()
            shop.until("rollback", "done")
            assert shop.weights() == (0, 100)
            assert time.monotonic() - began < 5  # a channel may take 10 s and more


def test_the_kill_switch_stops_what_an_alert_began_and_nothing_that_a_person_asked_for(
    tmp_path: Path,
) -> None:
    switch, begun, go = (tmp_path / name for name in ("handrail.stop", "begun", "go"))
    waiting = f"touch {begun}; until test -e {go}; do sleep 0.05; done"
    waits = Command(["sh", "-c", waiting], ["test", "-e", str(go)])
    with guarded(tmp_path, playbook(steps=[waits, *weights(0, 100)])) as shop:
        shop.call("start")
        shop.deliver()
        servers.until(begun.exists, "the first step")
        switch.touch()
        go.touch()
        shop.until("rollback", "failed")
        assert (steps(shop), shop.weights()) == (["done", "failed", "failed"], (10, 90))
        assert (
            "the kill switch is set, and the target is not as the step wants it: HAProxy web/canary"
            in shop.status()["attempt"]["held"]
        )
        assert shop.call("rollback")["outcome"] == "done"
        assert shop.weights() == (0, 100)


def test_the_kill_switch_gives_up_what_waits_to_be_confirmed(tmp_path: Path) -> None:
    asks = Confirmation(after=1, expr="bad == 1", unreachable="act")
    book = playbook(tiers={"error-rate/critical": {"confirmation": asks}})
    with scraped(tmp_path, bad=1) as application, guarded(tmp_path, book, PROMETHEUS=application.url) as shop:
        shop.call("start", anyway=True, why="a test")
        shop.deliver()
        shop.until("rollback", "waiting")
        (tmp_path / "handrail.stop").touch()
        shop.until("rollback", "withdrawn")
        assert (
            shop.status()["attempt"]["held"] == "the kill switch is set; people must carry out the rollback"
        )
        assert shop.weights() == (10, 90)
        (tmp_path / "handrail.stop").unlink()
        shop.deliver()
        shop.until("rollback", "done")
