"""A declared probe that fails reaches people, and is never only recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from guarded import NOW, ROLLOUT, new_store, playbook
from handrail.contract import Action, ProbeFacts, StageFacts, Tell, Webhook
from handrail_receiver.errors import StoreDown
from handrail_receiver.guard import Guard
from handrail_receiver.model import (
    Attempt,
    AttemptState,
    Begin,
    Conditions,
    Decision,
    Heard,
    History,
    LastSaid,
    TellResult,
    Verdict,
)
from handrail_receiver.operations.probing import ProbeWatch, probed
from handrail_receiver.outside.probes import ProbeAnswer, Probes, ProbeVerdict
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store import Store, open_store
from handrail_receiver.telling.compose import incident_of, subject_of
from handrail_receiver.view_models.fleet import fleet
from handrail_receiver.view_models.summary import summarize
from handrail_receiver.web.rollout_metrics import rollout_metrics

pytestmark = pytest.mark.anyio
TEAM = Tell(Webhook("https://team.example/hook"))
UP = ProbeFacts(
    name="health",
    url="http://shop/health",
    expect=200,
    values={},
    within=2,
    token_header="Authorization",
    token_scheme="Bearer",
)
BOOK = playbook(probes=(UP,), actions=(Action(name="investigate", tell=(TEAM,)),))
ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
FAILING = LastSaid("probe health", "probe health/failing", firing=True, at=NOW)
LATER = Conditions(NOW + timedelta(minutes=5))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def found(verdict: ProbeVerdict, text: str = "answered 503, and not 200") -> ProbeAnswer:
    return ProbeAnswer("health", verdict, text, 0.1)


def made(history: History, answer: ProbeAnswer, now: Conditions = LATER) -> Decision | None:
    return probed(BOOK, history, answer, now)


def test_one_that_fails_is_told_once_and_that_it_answers_again_is_known() -> None:
    told = made(History(ATTEMPT), found("failed"))
    assert told == Decision(
        Verdict.tell,
        "probe-failed",
        "probe health fails: answered 503, and not 200",
        rollout="shop",
        action="investigate",
        by="handrail",
        attempt=7,
        changes=(Heard("probe health", "probe health/failing", firing=True),),
    )
    known = History(ATTEMPT, said=(FAILING,))
    assert made(known, found("failed")) is None
    again = made(known, found("ok"))
    assert again is not None
    assert (again.verdict, again.text) == (Verdict.note, "probe health answers as it should again")
    assert again.changes == (Heard("probe health", "probe health/failing", firing=False),)
    assert made(History(ATTEMPT), found("ok")) is None


def test_one_that_cannot_be_asked_is_told_as_well() -> None:
    told = made(History(ATTEMPT), found("unknown", "the secret token is missing"))
    assert told is not None
    assert (told.verdict, told.text) == (
        Verdict.tell,
        "it is unknown whether probe health fails: the secret token is missing",
    )


def test_nothing_is_told_in_a_warm_up_nor_once_it_goes_forward_no_more() -> None:
    warm = playbook(probes=(UP,), stages=(StageFacts(name="10%", weight=0.1, bake=60, warm_up=600),))
    assert probed(warm, History(ATTEMPT), found("failed"), LATER) is None
    assert (
        probed(warm, History(ATTEMPT), found("failed"), Conditions(NOW + timedelta(minutes=10))) is not None
    )
    for over in (AttemptState.rolling_back, AttemptState.rolled_back, AttemptState.complete):
        assert made(History(replace(ATTEMPT, state=over)), found("failed")) is None
    assert made(History(), found("failed")) is None


def test_the_pages_and_the_message_say_which_probe_fails() -> None:
    history = History(ATTEMPT, said=(FAILING,))
    (one,) = summarize(BOOK, history, LATER.now).firing
    assert (one.guardrail, one.action) == ("probe health", "investigate")
    (row,) = fleet({"shop": BOOK}, {"shop": history}, {}, LATER.now)
    assert row.needs == "probe health fails"
    told = incident_of("shop-7", subject_of("shop", BOOK, history, ""), history, (), LATER.now)
    assert (told.title, told.status) == ("shop: probe health fails", "open")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = open_store(new_store(tmp_path / "handrail.db"), 1000)
    made.engine.start()
    yield made
    await made.engine.close()


class Answers:
    """Probes that answer what a test says, one after the other."""

    def __init__(self, *verdicts: ProbeVerdict) -> None:
        self.left = list(verdicts)

    async def ask(self, _probes: object) -> dict[str, ProbeAnswer]:
        return {"health": found(self.left.pop(0))}


@pytest.mark.parametrize("fault", [StoreDown("frozen"), ZeroDivisionError("a fault of our own")])
async def test_what_probes_found_is_a_metric_though_nobody_can_be_told_of_it(
    store: Store, fault: Exception
) -> None:
    begin = Begin(ROLLOUT, "10%", {}, "", playbook=BOOK)
    said = Decision(Verdict.act, "asked-for", "begun", rollout=ROLLOUT, by="alice", changes=(begin,))
    await store.attempts.apply(ROLLOUT, lambda _: said, NOW)

    def conditions() -> Conditions:
        raise fault

    guard = cast("Guard", SimpleNamespace(store=store, conditions=conditions))
    books = cast("Playbooks", SimpleNamespace(get=lambda _: BOOK))
    watch = ProbeWatch(guard, books, cast("Probes", Answers("ok", "failed", "failed")))
    shown = []
    for _ in range(3):
        await watch.step()
        shown += [answer.verdict for answer in watch.results.values()]
    assert shown == ["ok", "failed", "failed"]


async def test_it_is_told_after_two_failures_in_a_row_and_its_result_is_a_metric(store: Store) -> None:
    begin = Begin(ROLLOUT, "10%", {}, "", playbook=BOOK)
    said = Decision(Verdict.act, "asked-for", "begun", rollout=ROLLOUT, by="alice", changes=(begin,))
    await store.attempts.apply(ROLLOUT, lambda _: said, NOW)

    async def apply(rollout: str, decide: Callable[[History], Decision]) -> Decision:
        return await store.attempts.apply(rollout, decide, LATER.now)

    guard = cast("Guard", SimpleNamespace(store=store, conditions=lambda: LATER, apply=apply))
    books = cast("Playbooks", SimpleNamespace(get=lambda _: BOOK, all=list))
    probes = cast("Probes", Answers("failed", "ok", "failed", "failed", "failed", "unknown", "ok"))
    watch, seen = ProbeWatch(guard, books, probes), list[tuple[list[str], int]]()
    for _ in range(7):
        await watch.step()
        lines = rollout_metrics(books, {}, {}, watch.results).decode().splitlines()
        told = await store.tellings.due(LATER.now, LATER.now + timedelta(seconds=1))
        shown = [line.rpartition(" ")[2] for line in lines if line.startswith("handrail_probe_ok{")]
        seen.append((shown, len(told)))
        for telling in told:
            await store.tellings.told(telling, TellResult("sent"), LATER.now)
    assert seen == [
        (["0.0"], 0),
        (["1.0"], 0),
        (["0.0"], 0),
        (["0.0"], 1),
        (["0.0"], 0),
        ([], 0),
        (["1.0"], 1),
    ]
