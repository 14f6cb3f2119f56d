"""A target that answers late, wrongly, twice or never: the rollback is done in the end, or said not to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from apis.inbox import Inbox
from guarded import Guarded, guarded, playbook
from guarded.playbook import ROLLOUT, weights
from guarded.spy import Silence, Spy, spied
from handrail.contract import HAProxyWeight, Proof, Tell, Webhook

GONE = "lb1.example.invalid:9999"
ONCE = ["set weight web/canary 0", "set weight web/stable 100"]


@pytest.fixture(name="pair")
def _pair(tmp_path: Path) -> Iterator[tuple[Guarded, Spy]]:
    book = playbook(steps=weights(0, 100, timeout=1, within=2, tries=1))
    with spied(tmp_path) as spy, guarded(tmp_path, book, proxy=False) as shop:
        shop.call("start")
        spy.commands.clear()
        yield shop, spy


def once(kind: str, change: Callable[[str], str]) -> Callable[[str, str], str]:
    """A fault that happens to the first command of a kind only."""
    happened: list[str] = []

    def fault(command: str, answer: str) -> str:
        if command.startswith(kind) and not happened:
            happened.append(command)
            return change(answer)
        return answer

    return fault


def silent(_answer: str) -> str:
    raise Silence


@pytest.mark.parametrize(
    ("kind", "change", "state"),
    [
        ("show servers", silent, "done"),
        ("show servers", lambda _: "", "done"),
        ("show servers", lambda answer: answer[:-40], "done"),
        ("set weight", silent, "done"),
        ("set weight", lambda answer: answer * 2, "done"),
    ],
    ids=[
        "read is never answered",
        "read is empty",
        "read is cut off",
        "act is never answered",
        "act is answered twice",
    ],
)
def test_a_fault_that_passes_changes_nothing_in_the_end(
    pair: tuple[Guarded, Spy], kind: str, change: Callable[[str], str], state: str
) -> None:
    shop, spy = pair
    spy.fault = once(kind, change)
    shop.deliver()
    shop.until("rollback", state)
    spy.fault = lambda _command, answer: answer
    shop.deliver()
    shop.until("rollback", "done")
    assert sorted(spy.sets()) == ONCE
    assert shop.weights_of(spy) == (0, 100)


def test_the_log_says_what_is_tried_again(pair: tuple[Guarded, Spy]) -> None:
    shop, spy = pair
    spy.fault = once("show servers", silent)
    shop.deliver()
    shop.until("rollback", "done")
    lines = shop.server.log.read_text().splitlines()
    tries = [line.partition("handrail: ")[2] for line in lines if ": try " in line]
    assert tries == [
        "shop rollback: HAProxy web/canary on unix:haproxy.sock: weight 0: try 1: no answer within 1 s"
    ]


def test_a_target_that_never_answers_is_said_to_have_failed_and_tried_again_while_it_fires(
    pair: tuple[Guarded, Spy],
) -> None:
    shop, spy = pair

    def never(_command: str, _answer: str) -> str:
        raise Silence

    spy.fault = never
    shop.deliver()
    shop.until("rollback", "failed")
    attempt = shop.status()["attempt"]
    assert attempt["state"] == "rolling-back"
    assert "no answer within 1 s" in attempt["held"]
    spy.fault = lambda _command, answer: answer
    shop.deliver()
    shop.until("rollback", "done")
    assert shop.weights_of(spy) == (0, 100)


def test_a_target_that_says_yes_and_does_nothing_is_found_out(pair: tuple[Guarded, Spy]) -> None:
    shop, spy = pair
    before = servers.ask_haproxy(spy.real, "show servers state web") + "\n\n"
    spy.fault = lambda command, answer: before if command.startswith("show servers") else answer
    shop.deliver()
    shop.until("rollback", "failed")
    steps = next(run for run in shop.status()["runs"] if run["action"] == "rollback")["steps"]
    assert [step["state"] for step in steps] == ["failed", "failed"]
    assert "it was asked for, but 1 s later it still is" in steps[0]["found"]


def test_people_hear_of_a_step_that_failed_at_once_and_again_when_the_proof_is_over(tmp_path: Path) -> None:
    broken = HAProxyWeight("web/canary", 0, [GONE], timeout=1, within=1, tries=1)
    with Inbox() as people:
        actions = [
            action.model_copy(update={"tell": (Tell(Webhook(people.url)),)})
            for action in playbook(
                steps=[broken, weights(0, 100)[1]], proof=Proof(expr="x", at_most=0, within=4)
            ).actions
        ]
        with guarded(tmp_path, playbook(actions=tuple(actions))) as shop:
            shop.call("start", anyway=True, why="the first balancer is being fixed")
            shop.deliver()
            servers.until(lambda: "1 of 2 steps failed" in str(_told(people)), "the news of the step")
            assert shop.runs()[-1] == ("rollback", "proving")
            shop.until("rollback", "failed")
            servers.until(lambda: "rollback failed" in str(_told(people)), "the end")
    failed = next(one for one in _told(people) if "1 of 2" in one["title"])
    assert failed["title"] == f"{ROLLOUT}: rollback being proved, 1 of 2 steps failed"
    assert (failed["status"], failed["severity"]) == ("open", "critical")
    *_, step, head = [line["text"] for line in failed["lines"]]
    assert head.startswith("evidence: record ")
    assert step.startswith(f"HAProxy web/canary on {GONE}: weight 0 failed: {GONE} cannot be reached")


def _told(people: Inbox) -> list[dict[str, Any]]:
    return [request.json["data"] for request in people.requests]
