"""A step whose target fails in passing: how long it is tried again, how often, and what happens meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import servers
from apis import Request, Things
from guarded import guarded, playbook
from guarded.kept import Kept, Unfenced, executor_of, run_of
from handrail.contract import Command, HttpCall, Secret, Step, names
from handrail_receiver.errors import Cause, LeaseLost, Permanent, Retryable, TargetError
from handrail_receiver.execute.effects import time_of
from handrail_receiver.model import Effect, EffectState, Run, RunState
from handrail_receiver.ports import Reading
from handrail_receiver.targets.fake import FakeTarget
from starlette.responses import PlainTextResponse, Response


def step(name: str, **bounds: Any) -> Step:
    return Command([name], ["x"], **{"within": 0.5, "tries": 1, "timeout": 0.2, **bounds})


def carried_out(target: FakeTarget, *steps: Step) -> tuple[Run, Kept]:
    kept = Kept()
    return asyncio.run(executor_of(target, kept).carry_out(run_of(steps))), kept


def fails(times: int, error: Exception, at: str = "act") -> tuple[Callable[[str, Step], None], list[float]]:
    """A trouble that passes after so many calls, and when they came."""
    came: list[float] = []

    def trouble(call: str, _step: Step) -> None:
        if call == at:
            came.append(time.monotonic())
            if len(came) <= times:
                raise error

    return trouble, came


@pytest.mark.parametrize(
    "cause", [Cause.busy, Cause.broken, Cause.unreachable, Cause.conflict, Cause.timeout]
)
@pytest.mark.parametrize("call", ["read", "act"])
def test_what_passes_is_tried_again_whatever_its_cause(cause: Cause, call: str) -> None:
    target = FakeTarget()
    target.trouble, came = fails(2, Retryable(cause, "not now"), call)
    ended, kept = carried_out(target, step("back", within=30))
    first = kept.progress[0].effect
    assert (ended.state, ended.effects[0].cause, len(came) >= 3) == (RunState.done, None, True)
    assert first == Effect(0, step("back", within=30), EffectState.intended, "not now; trying again", cause)


def test_how_often_it_was_tried_is_said_seldom() -> None:
    target = FakeTarget()
    target.trouble, _ = fails(3, Retryable(Cause.busy, "not now"))
    ended, kept = carried_out(target, step("back", within=30))
    said = [made.effect.found for made in kept.progress if made.effect and made.effect.cause]
    assert ended.state == RunState.done
    assert said == ["not now; trying again", "not now; tried 2 times, trying again"]


def test_a_failure_that_stays_ends_it_at_once() -> None:
    target = FakeTarget()
    target.trouble, came = fails(9, Permanent(Cause.conflict, "there is nothing to abort"))
    ended, kept = carried_out(target, step("back", within=30))
    assert (ended.state, ended.text, len(came), len(kept.progress)) == (
        RunState.failed,
        "$ back failed: there is nothing to abort",
        1,
        1,
    )


UNREAD = [Retryable(Cause.broken, "500"), Permanent(Cause.refused, "403")]


def unreadable(error: TargetError, *, until_written: bool) -> FakeTarget:
    """A target that takes writes and answers reads with an error, for good or until it was written."""
    target = FakeTarget()

    def trouble(call: str, _step: Step) -> None:
        if call == "read" and not (until_written and target.done):
            raise error

    target.trouble = trouble
    return target


@pytest.mark.parametrize("error", UNREAD, ids=str)
@pytest.mark.parametrize("action", names.ACTING)
def test_a_rollback_is_written_where_the_target_cannot_be_read_and_done_where_it_reads_back(
    action: str, error: TargetError
) -> None:
    target, kept = unreadable(error, until_written=True), Kept()
    ended = asyncio.run(executor_of(target, kept).carry_out(run_of([step("back")], action=action)))
    said = f"could not be read before ({error}); written, and now done"
    assert (ended.state, target.calls.count("act")) == (RunState.done, 1)
    assert ended.effects[0] == Effect(0, step("back"), EffectState.done, said)


@pytest.mark.parametrize("error", UNREAD, ids=str)
def test_what_was_written_without_being_read_is_not_done_until_it_reads_back(error: TargetError) -> None:
    target = unreadable(error, until_written=False)
    ended, _ = carried_out(target, step("back"))
    said = f"it was written without being read ({error}), and nothing proves it: {error}"
    assert (ended.state, target.calls.count("act")) == (RunState.failed, 1)
    assert ended.effects[0] == Effect(0, step("back"), EffectState.failed, said, error.cause)


@pytest.mark.parametrize("error", UNREAD, ids=str)
def test_what_cannot_be_read_is_left_by_a_promotion_and_while_the_kill_switch_is_set(
    error: TargetError,
) -> None:
    target = unreadable(error, until_written=True)
    runner = replace(executor_of(target, Kept()).steps, forbidden=lambda _: True)
    back, asked = Effect(0, step("back")), run_of([step("back")])
    ended = asyncio.run(runner.carry_out(asked, back, 0, nothing, nothing))
    assert (ended.state, ended.found, target.done) == (EffectState.failed, str(error), [])
    runner = executor_of(target, Kept()).steps
    ended = asyncio.run(runner.carry_out(replace(asked, action="promote"), back, 0, nothing, nothing))
    assert (ended.state, ended.found, target.done) == (EffectState.failed, str(error), [])


async def nothing(_: object) -> None:
    """Nobody is told."""


def test_when_its_time_is_over_it_has_failed_with_the_last_cause() -> None:
    target = FakeTarget()
    target.trouble, came = fails(999, Retryable(Cause.unreachable, "nobody there"))
    began = time.monotonic()
    ended, _ = carried_out(target, step("back"))
    assert (ended.effects[0].state, ended.effects[0].cause) == (EffectState.failed, Cause.unreachable)
    assert time.monotonic() - began >= 0.5
    assert len(came) >= 3


def test_pauses_grow() -> None:
    target = FakeTarget()
    target.trouble, came = fails(3, Retryable(Cause.broken, "not now"))
    carried_out(target, step("back", within=30))
    pauses = [after - before for before, after in itertools.pairwise(came)]
    assert (pauses[0] >= 0.1, pauses[1] >= 0.2, pauses[2] >= 0.4) == (True, True, True)


def test_the_wait_a_target_asks_for_is_kept_even_beyond_the_step_s_time() -> None:
    target = FakeTarget()
    target.trouble, came = fails(1, Retryable(Cause.busy, "later", 1.0))
    ended, _ = carried_out(target, step("back", within=0.5))
    assert (ended.state, came[1] - came[0] >= 1.0) == (RunState.done, True)


@pytest.mark.parametrize(("within", "tries", "timeout", "seconds"), [(35, 3, 10, 35), (35, 3, 60, 180)])
def test_a_slow_step_has_time_for_its_tries_and_who_promotes_waits_only_so_long(
    within: float, tries: int, timeout: float, seconds: float
) -> None:
    slow = step("back", within=within, tries=tries, timeout=timeout)
    assert time_of(run_of([slow]), slow) == seconds
    assert time_of(run_of([slow], action="promote"), slow) == 10


def test_a_step_that_is_tried_again_lets_the_next_one_have_its_turn() -> None:
    target = FakeTarget()

    def trouble(call: str, one: Step) -> None:
        if call == "act" and one == first and second not in target.done:
            raise Retryable(Cause.unreachable, "nobody there")

    first, second = step("first", within=30), step("second")
    target.trouble = trouble
    ended, _ = carried_out(target, first, second)
    assert (ended.state, target.done) == (RunState.done, [second, first])


def test_a_step_that_stops_the_others_is_waited_for() -> None:
    target = FakeTarget()
    target.trouble, _ = fails(2, Retryable(Cause.unreachable, "nobody there"))
    first, second = step("first", within=30, on_failure="stop"), step("second")
    ended, _ = carried_out(target, first, second)
    assert (ended.state, target.done) == (RunState.done, [first, second])


def test_a_run_that_is_not_ours_any_more_acts_on_nothing() -> None:
    class Lost(Unfenced):
        async def hold(self, _run: Run) -> None:
            raise LeaseLost("somebody else has it")

    target, kept = FakeTarget(), Kept()
    with pytest.raises(LeaseLost):
        asyncio.run(executor_of(target, kept, fence=Lost()).carry_out(run_of([step("one"), step("two")])))
    assert (target.done, kept.progress) == ([], [])


def test_people_hear_of_what_speaks_against_a_step_before_it_is_done() -> None:
    class Warns(FakeTarget):
        async def read(self, step: Step) -> Reading:
            return replace(await super().read(step), warning="stable is DOWN: it takes no traffic")

    target, kept = Warns(), Kept()
    ended = asyncio.run(executor_of(target, kept).carry_out(run_of([step("back")])))
    first = kept.progress[0].effect
    assert (ended.state, first and (first.state, first.found)) == (
        RunState.done,
        (EffectState.intended, "stable is DOWN: it takes no traffic"),
    )


class Away(Things):
    """A service that can go away for some seconds."""

    back = 0.0
    status = 503
    headers: Mapping[str, str] = {}

    def answer(self, request: Request) -> Response:
        if time.monotonic() < self.back:
            return PlainTextResponse("not now", self.status, self.headers)
        return super().answer(request)


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {"retry-after": "2"}), (500, {}), (429, {"retry-after": "1"}), (409, {})]
)
def test_a_target_that_is_away_is_rolled_back_when_it_returns_without_a_new_delivery(
    tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    with Away({"weight": 10}) as api:
        api.status, api.headers = status, headers
        thing = f"{api.url}/thing"
        back = HttpCall("PUT", thing, thing, "/weight", 0, {"weight": 0}, Secret("token"))
        book = playbook(stages=(), steps=[back])
        with guarded(tmp_path, book, proxy=False, SECRET_TOKEN=api.token) as shop:
            servers.until(lambda: shop.status()["attempt"] is not None, "the rollout to be guarded")
            api.back = time.monotonic() + 4
            shop.deliver()
            shop.until("rollback", "done")
            assert (api.document, shop.runs()) == ({"weight": 0}, [("rollback", "done")])
