"""The one contract of `ports.Target` → held by every adapter, the fake included."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from apis import Api
from handrail.contract import STEP_CLASSES, Step
from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.targets import TARGETS
from ports.target_cases import CASES, LIMIT, Case, Wrong
from pydantic import TypeAdapter

pytestmark = pytest.mark.anyio
FIELDS: list[dict[str, Any]] = [{one.name: one.default for one in fields(step)} for step in STEP_CLASSES]
STEPS = {own["kind"].default: own for own in FIELDS}
KINDS = set(STEPS)
ASKED_BY_HTTP = [kind for kind, own in STEPS.items() if {"url", "api"} & own.keys()]
REAL = [kind for kind in CASES if kind != "fake"]  # the fake says and raises what a test tells it


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    bare = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # nothing here speaks TLS, and loading authorities takes long
    async with httpx.AsyncClient(trust_env=False, verify=bare) as client:
        yield client


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path, client: httpx.AsyncClient) -> Iterator[Case]:
    with CASES[request.param](tmp_path, client) as case:
        yield case


async def _released(case: Case) -> Step:
    """The step as the attempt pinned it, after the rollout's change went out."""
    pinned = (await case.target.rehearse(case.step)).step
    case.release()
    return pinned


async def _texts(case: Case, step: Step) -> list[str]:
    """All that the target says about `step`, errors included."""
    rehearsal = await case.target.rehearse(step)
    said = [rehearsal.reason, rehearsal.call]
    for call in (case.target.read, case.target.act):
        try:
            said.append(str(await call(step)))
        except TargetError as error:
            said += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    return said


async def test_a_rehearsal_says_that_it_is_ready_and_what_it_would_do(case: Case) -> None:
    rehearsal = await case.target.rehearse(case.step)
    assert rehearsal.ready, rehearsal.reason
    assert rehearsal.reason
    assert rehearsal.call


@pytest.mark.parametrize("case", ASKED_BY_HTTP, indirect=True)
async def test_a_rehearsal_s_call_is_to_the_letter_what_acting_sends(case: Case) -> None:
    assert case.api is not None
    step = await _released(case)
    shown = (await case.target.rehearse(step)).call
    before = len(case.api.requests)
    await case.target.act(step)
    sent = [request for request in case.api.requests[before:] if request.method != "GET"]
    assert shown.splitlines() == [
        f"{one.method} {case.api.url}{one.path} {one.content.decode()}".rstrip() for one in sent
    ]


async def test_a_rehearsal_changes_nothing(case: Case) -> None:
    before = case.state()
    await case.target.rehearse(case.step)
    assert case.state() == before


async def test_a_rehearsed_step_has_no_open_value_and_survives_the_store(case: Case) -> None:
    pinned = (await case.target.rehearse(case.step)).step
    adapter: TypeAdapter[Step] = TypeAdapter(Step)
    again = adapter.validate_json(adapter.dump_json(pinned))
    assert (await case.target.rehearse(again)).step == again == pinned


async def test_it_is_not_done_before_acting_and_done_after_it(case: Case) -> None:
    step = await _released(case)
    before = await case.target.read(step)
    await case.target.act(step)
    after = await case.target.read(step)
    assert (before.done, after.done) == (False, True)
    assert before.found != after.found


async def test_done_twice_is_done_once(case: Case) -> None:
    step = await _released(case)
    await case.target.act(step)
    once = case.state()
    await case.target.act(step)
    assert case.state() == once
    assert (await case.target.read(step)).done


async def test_reading_changes_nothing(case: Case) -> None:
    step = await _released(case)
    before = case.state()
    await case.target.read(step)
    assert case.state() == before


async def test_a_refusal_is_permanent(case: Case) -> None:
    troubled = _with(await _released(case), case.goes("refused"))
    with pytest.raises(Permanent):
        await case.target.act(troubled)


@pytest.mark.parametrize("wrong", ["refused", "down", "silent"])
@pytest.mark.parametrize("case", REAL, indirect=True)
async def test_a_rehearsal_answers_whatever_goes_wrong(case: Case, wrong: Wrong) -> None:
    troubled = _with(await _released(case), case.goes(wrong))
    rehearsal = await case.target.rehearse(troubled)
    assert (rehearsal.ready, rehearsal.step) == (False, troubled)


async def test_a_broken_outside_is_worth_another_try(case: Case) -> None:
    troubled = _with(await _released(case), case.goes("down"))
    with pytest.raises(Retryable) as raised:
        await case.target.act(troubled)
    assert raised.value.cause in {Cause.broken, Cause.busy, Cause.unreachable}


@pytest.mark.parametrize("call", ["read", "act"])
async def test_silence_is_a_timeout_and_takes_no_longer_than_the_step_allows(case: Case, call: str) -> None:
    troubled = _with(await _released(case), case.goes("silent"))
    began = time.monotonic()
    with pytest.raises(Retryable) as raised:
        await getattr(case.target, call)(troubled)
    assert (raised.value.cause, time.monotonic() - began < 4 * LIMIT) == (Cause.timeout, True)


@pytest.mark.parametrize("wrong", [None, "refused", "down"])
@pytest.mark.parametrize("case", REAL, indirect=True)
async def test_no_text_holds_a_secret(case: Case, wrong: Wrong | None) -> None:
    step = await _released(case)
    said = await _texts(case, _with(step, case.goes(wrong)) if wrong else step)
    assert [text for text in said if Api.token in text] == []


def test_every_kind_of_step_is_in_this_suite_and_has_one_target() -> None:
    served = [kind for kinds, _ in TARGETS for kind in kinds]
    assert (sorted(served), set(CASES)) == (sorted(KINDS), KINDS | {"fake"})


def _with(pinned: Step, troubled: Step) -> Step:
    """The troubled step with the values that were pinned."""
    values = {name: getattr(pinned, name) for name in ("image", "value") if hasattr(pinned, name)}
    fields = {name: getattr(troubled, name) for name in troubled.__dataclass_fields__}
    return type(troubled)(**fields | values)
