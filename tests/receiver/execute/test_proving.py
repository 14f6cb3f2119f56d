"""What proves a rollback beside its targets: no traffic of the canary's, a stable version that serves, and its probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from apis.serving import Api, Request, Trouble
from guarded import guarded, playbook
from guarded.kept import Kept, executor_of, run_of
from guarded.scraped import scraped
from handrail.contract import Command, ProbeFacts, Proof
from handrail_receiver.clock import SystemClock
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.model import EffectState, RunState
from handrail_receiver.outside.probes import ProbeAnswer, ProbeVerdict
from handrail_receiver.outside.prometheus import Sample
from handrail_receiver.outside.proofs import nobody_asks, not_proved
from handrail_receiver.ports import Reading, Rehearsal
from starlette.responses import JSONResponse, Response

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def health(url: str = "http://blue/health") -> ProbeFacts:
    return ProbeFacts(
        name="health-blue",
        url=url,
        expect=200,
        values={"/status": "UP"},
        within=2,
        token_header="Authorization",
        token_scheme="Bearer",
    )


PROOF = Proof(expr="canary", at_most=0, within=60, serves="stable > 0", probes=(health(),))
OUT, SERVES = {"canary": [0.0]}, {"stable > 0": [90.0]}


class Figures:
    """A Prometheus that knows these; an unknown query has no sample."""

    def __init__(self, known: Mapping[str, Sequence[float]] | None) -> None:
        self.known = known

    async def values(self, expr: str) -> list[float]:
        if self.known is None:
            raise Retryable(Cause.unreachable, "Prometheus cannot be reached")
        return list(self.known.get(expr, ()))

    async def samples(self, expr: str) -> list[Sample]:
        return [Sample(value, {}) for value in await self.values(expr)]


async def said(known: Mapping[str, Sequence[float]] | None, verdict: ProbeVerdict | None = "ok") -> str:
    async def ask(probes: Sequence[ProbeFacts]) -> Mapping[str, ProbeAnswer]:
        return {one.name: ProbeAnswer(one.name, verdict, "as it says", 0.1) for one in probes if verdict}

    return await not_proved(PROOF, Figures(known), ask)


async def test_it_is_proved_when_the_canary_is_out_the_stable_version_serves_and_is_well() -> None:
    assert await said({**OUT, **SERVES}) == ""


async def test_each_of_them_that_does_not_hold_or_is_unknown_is_named() -> None:
    assert await said(None) == "Prometheus cannot be reached"
    assert await said(SERVES) == "Prometheus has no figure of the arm's traffic, which proves nothing"
    assert await said({**SERVES, "canary": [0.0, 3.0]}) == "the arm still has 3, more than 0"
    assert await said(OUT) == (
        "the stable version has no traffic, or Prometheus has no figure of it: nobody may be served"
    )
    assert await said({**OUT, **SERVES}, "failed") == "probe health-blue: failed: as it says"
    assert await said({**OUT, **SERVES}, "unknown") == "probe health-blue: unknown: as it says"
    assert await said({**OUT, **SERVES}, None) == "probe health-blue was not asked"
    assert (
        await not_proved(PROOF, Figures({**OUT, **SERVES}), nobody_asks) == "probe health-blue was not asked"
    )


async def test_an_older_proof_asks_for_no_more_than_it_did() -> None:
    assert await not_proved(Proof(expr="canary", at_most=0, within=60), Figures(OUT), nobody_asks) == ""


class Blue(Api):
    """The stable version's health page."""

    def answer(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse({"status": "UP"})


def test_a_rollback_waits_for_the_stable_version_to_serve_and_to_be_well(tmp_path: Path) -> None:
    with Blue() as blue, scraped(tmp_path, canary_traffic=0, stable_traffic=0) as application:
        proof = Proof(
            expr="canary_traffic",
            at_most=0,
            within=60,
            serves="stable_traffic > 0",
            probes=(health(f"{blue.url}/q/health"),),
        )
        blue.trouble = Trouble.down
        with guarded(tmp_path, playbook(proof=proof), PROMETHEUS=application.url) as shop:
            shop.call("start")
            shop.deliver()
            shop.until("rollback", "proving")
            application.values["stable_traffic"] = 90
            shop.until("rollback", "proving")
            assert shop.status()["attempt"]["state"] == "rolling-back"
            blue.trouble = Trouble.none
            shop.until("rollback", "proved")
            assert shop.status()["runs"][-1]["text"] == (
                "every target reads back its value, the canary has no traffic, and the stable version serves;"
                " probe health-blue answers"
            )


class OneFaulty:
    """A target with a fault of our own in reading one thing; the other had changed, and holds once it is written."""

    written = False

    async def rehearse(self, step: Command) -> Rehearsal:
        return Rehearsal(ready=True, reason="", step=step, call="")

    async def read(self, step: Command) -> Reading:
        if step.argv == ["faulty"]:
            raise KeyError("items")
        return Reading(done=self.written, found="as asked" if self.written else "changed")

    async def act(self, step: Command) -> None:
        assert step.argv == ["good"]
        self.written = True


async def test_a_fault_in_one_target_is_told_and_the_others_are_put_right() -> None:
    target, runs, clock = OneFaulty(), Kept(), SystemClock()
    run = run_of([Command([name], ["x"]) for name in ("faulty", "good")])
    done = tuple(replace(effect, state=EffectState.done) for effect in run.effects)
    proof = Proof(expr="x", at_most=0, within=0.2)
    proving = replace(run, state=RunState.proving, effects=done, acted_at=clock.now(), proof=proof)
    executor = executor_of(target, runs, prometheus=Figures({"x": [0]}), clock=clock)
    ended = await executor.carry_out(proving)
    assert (ended.state, target.written) == (RunState.unproved, True)
    assert ended.text.endswith("a fault of Handrail's own: KeyError: 'items'")


@pytest.mark.parametrize("state", [EffectState.failed, EffectState.skipped])
async def test_a_rollback_with_a_step_that_is_not_done_is_not_proved_by_its_traffic(
    state: EffectState,
) -> None:
    """The flag that could not be switched off is on still, however little traffic the canary has."""
    runs, clock = Kept(), SystemClock()
    run = run_of([Command([name], ["x"]) for name in ("flag", "weight")])
    flag, weight = run.effects
    effects = (replace(flag, state=state, found="no answer"), replace(weight, state=EffectState.done))
    proof = Proof(expr="x", at_most=0, within=5)
    proving = replace(run, state=RunState.proving, effects=effects, acted_at=clock.now(), proof=proof)
    executor = executor_of(AllWell(), runs, prometheus=Figures({"x": [0]}), clock=clock)
    ended = await executor.carry_out(proving)
    assert ended.state == RunState.failed
    others = "of the others every target reads back its value, and the canary has no traffic"
    assert ended.text.endswith(f"flag {state}: no answer; {others}")
    assert runs.progress[-1].attempt_state is None


class AllWell:
    """A target that is always as asked."""

    async def rehearse(self, step: Command) -> Rehearsal:
        return Rehearsal(ready=True, reason="", step=step, call="")

    async def read(self, _step: Command) -> Reading:
        return Reading(done=True, found="as asked")

    async def act(self, _step: Command) -> None:
        pass
