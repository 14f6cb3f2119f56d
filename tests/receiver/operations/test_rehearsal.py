"""Can I roll back? The answer before the start, before each promotion, and whenever somebody asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

from guarded import Guarded, guarded, playbook
from guarded.playbook import reducible
from guarded.spy import spied
from handrail.contract import GitValue, StageFacts, Step
from handrail_receiver.errors import Cause
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.outside.prometheus import NoPrometheus
from handrail_receiver.targets.fake import FakeTarget
from ports.target_cases import git_commit, git_remote

NO = "rollback, haproxy-weight: unix:haproxy.sock cannot be reached"


def ready(shop: Guarded) -> float:
    return shop.metric("handrail_rollback_ready")['{rollout="shop"}']


def test_a_way_back_that_is_lost_stops_the_promotion_and_is_shown(tmp_path: Path) -> None:
    socket, elsewhere = tmp_path / "haproxy.sock", tmp_path / "elsewhere.sock"
    with guarded(tmp_path) as shop:
        shop.call("start")
        assert ready(shop) == 1
        socket.rename(elsewhere)
        refused = shop.call("promote")
        assert (refused["reason"], refused["text"].partition(":")[0]) == (
            "not-ready",
            "rollback, haproxy-weight",
        )
        assert shop.call("drill")["reason"] == "not-ready"
        assert ready(shop) == 0
        assert shop.status()["attempt"]["not_ready"].startswith(NO)
        elsewhere.rename(socket)
        assert shop.call("drill")["reason"] == "ready"
        assert ready(shop) == 1
        assert shop.call("promote")["verdict"] == "act"


def test_a_drill_shows_the_exact_calls_with_the_values_pinned_at_the_start(tmp_path: Path) -> None:
    remote = git_remote(tmp_path, "values.yaml", "tag: v1\n")
    step = GitValue(str(remote), "main", "values.yaml", "tag", tries=1)
    book = playbook(steps=[step], stages=(StageFacts(name="100%", weight=None, bake=None),))
    with guarded(tmp_path, book, proxy=False) as shop:
        assert "tag in values.yaml to v1" in shop.call("drill")["text"]
        shop.call("start")
        git_commit(remote, "values.yaml", "tag: v2\n")
        assert (
            shop.call("drill")["text"]
            .splitlines()[0]
            .startswith(
                f"rollback: git push {remote} COMMIT:refs/heads/main, where COMMIT, on top of what is there, "
                "sets tag in values.yaml to v1: "
                "tag in values.yaml on main is v2 at "
            )
        )


def test_a_drill_prints_the_very_commands_that_haproxy_gets(tmp_path: Path) -> None:
    with spied(tmp_path) as spy, guarded(tmp_path, proxy=False) as shop:
        shop.call("start")
        drill = shop.call("drill")["text"]
        spy.commands.clear()
        shop.call("rollback")
        assert [f"rollback: unix:haproxy.sock: {command}: " in drill for command in spy.sets()] == [
            True,
            True,
        ]


def test_a_drill_rehearses_what_is_softer_and_that_it_lacks_something_speaks_against_no_rollback(
    tmp_path: Path,
) -> None:
    remote = git_remote(tmp_path, "values.yaml", "rate: 0.1\n")
    book = reducible(playbook(), GitValue(str(remote), "main", "values.yaml", "rate", value="0.05", tries=1))
    with guarded(tmp_path, book) as shop:
        shop.call("start")
        said = shop.call("drill")
        assert said["reason"] == "ready"
        [softer] = [line for line in said["text"].splitlines() if line.startswith("reduce: ")]
        assert softer.startswith(f"reduce: git push {remote} COMMIT:refs/heads/main, where COMMIT, on top of")
        assert "sets rate in values.yaml to 0.05: " in softer
        remote.rename(tmp_path / "elsewhere")
        said = shop.call("drill")
        assert (said["verdict"], said["reason"]) == ("refuse", "reduce-not-ready")
        assert "rollback: unix:haproxy.sock: " in said["text"]
        assert (ready(shop), shop.status()["attempt"]["not_ready"]) == (1, "")
        assert shop.call("promote")["verdict"] == "act"


def test_a_fault_of_our_own_is_a_way_back_that_is_not_sure() -> None:
    def trouble(_call: str, _step: Step) -> None:
        raise ZeroDivisionError("of our own")

    targets = {"haproxy-weight": FakeTarget(trouble=trouble)}
    calls = CallHandler(None, targets, NoPrometheus(), str, None, frozenset, None, None)  # type: ignore[arg-type]
    found = [step for action in asyncio.run(calls.rehearse(playbook())) for step in action.steps]
    assert {(one.ready, one.cause, one.reason) for one in found} == {
        (False, Cause.broken, "a fault of Handrail's own: ZeroDivisionError: of our own")
    }
