"""A partial answer confirms nothing, proves nothing and opens no gate; a complete one with a remark does."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers
from apis import Api
from apis.serving import Request
from guarded import Guarded, guarded, playbook
from guarded.playbook import weights
from guarded.scraped import watched
from handrail.contract import Confirmation, Criterion, Gate, Playbook, Proof, StageFacts
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.outside import Outside
from handrail_receiver.outside.logins import client_of
from handrail_receiver.outside.prometheus import Prometheus
from handrail_receiver.secrets import Secrets
from servers.newer import newer
from starlette.responses import JSONResponse, Response

AWAY: Sequence[Mapping[str, Any]] = (
    {"isPartial": True},
    {"warnings": ["No StoreAPIs matched for this query"]},
    {"warnings": ["PromQL warning: it is odd", "receive series from store-2: code = Unavailable"]},
)
REMARKS: Sequence[Mapping[str, Any]] = (
    {},
    {"isPartial": False, "warnings": []},
    {"infos": ['PromQL info: metric might not be a counter, name does not end in _total: "x" (1:6)']},
    {"warnings": ['PromQL warning: bucket label "le" is missing or has a malformed value of "" (1:25)']},
    {"warnings": ["PromQL info: metric might not be a histogram"]},
)


class Store(Api):
    """Answers each expression with its samples, none where it knows none, and with what stands `beside` them."""

    def __init__(self, beside: Mapping[str, Any], **samples: Sequence[float]) -> None:
        super().__init__()
        self.beside, self.samples = beside, samples

    def answer(self, request: Request) -> Response:
        query = httpx.URL(request.path).params["query"]
        found = [{"metric": {}, "value": [1.0, str(value)]} for value in self.samples.get(query, ())]
        data = {"resultType": "vector", "result": found}
        return JSONResponse({"status": "success", "data": data, **self.beside})


async def asked(url: str, expr: str) -> list[float]:
    """The values of an expression, asked of whatever answers at `url`."""
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with client_of(bare) as client:
        return await Prometheus(Outside(client, Secrets(None, {})), url).values(expr)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("beside", AWAY)
async def test_an_answer_of_which_a_part_is_missing_is_no_answer(beside: Mapping[str, Any]) -> None:
    with Store(beside, bad=[1.0]) as store:
        for expr in ("bad", "nothing"):
            with pytest.raises(Retryable, match="Prometheus answered with a part of the data only") as raised:
                await asked(store.url, expr)
            assert raised.value.cause is Cause.broken


@pytest.mark.anyio
@pytest.mark.parametrize("beside", REMARKS)
async def test_a_remark_of_prometheus_itself_is_no_reason_for_distrust(beside: Mapping[str, Any]) -> None:
    with Store(beside, bad=[1.0]) as store:
        assert (await asked(store.url, "bad"), await asked(store.url, "nothing")) == ([1.0], [])


@pytest.fixture(params=["prometheus", "newer"])
def binary(request: pytest.FixtureRequest) -> str | Path:
    return newer("prometheus") if request.param == "newer" else "prometheus"


@pytest.mark.anyio
async def test_a_real_prometheus_whose_remote_store_is_away_has_no_answer(
    tmp_path: Path, binary: str | Path
) -> None:
    away = f"http://{servers.free_address()}/read"
    with (
        watched(tmp_path, {"errors": 0.5}, binary=binary, remote_read=[away]) as application,
        pytest.raises(Retryable, match="a part of the data only"),
    ):
        await asked(application.url, "errors")


@pytest.mark.anyio
async def test_a_real_prometheus_that_remarks_on_an_expression_has_one(tmp_path: Path) -> None:
    with watched(tmp_path, {"errors": 0.5}, binary=newer("prometheus")) as application:
        servers.until(lambda: _remarked(application.url), "a remark")
        assert await asked(application.url, "rate(errors[1m])") == [0.0]


def _remarked(url: str) -> bool:
    said = httpx.get(
        f"{url}/api/v1/query", params={"query": "rate(errors[1m])"}, trust_env=False, verify=servers.PLAIN
    ).json()
    return bool(said.get("infos")) and bool(said["data"]["result"])


STAGES = (
    StageFacts(name="10%", weight=0.1, bake=0, enter=weights(10, 90)),
    StageFacts(name="50%", weight=0.5, bake=0, enter=weights(50, 50)),
)
GATE = Gate(
    into="50%", criteria=(Criterion(guardrail="error-rate", text="below 1 %", expr="bad", seen="seen"),)
)


def book(**facts: Any) -> Playbook:
    """Two stages with a gate between them."""
    return playbook(stages=STAGES, gates=(GATE,), **facts)


def begun(shop: Guarded) -> Guarded:
    """The rollout, started whatever Prometheus says."""
    assert shop.call("start", anyway=True, why="a test")["verdict"] == "act"
    return shop


@pytest.fixture(params=AWAY)
def partial(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Sees the guardrail and nothing against it, and no traffic of the canary: in the part that is there."""
    with Store(request.param, seen=[1.0], traffic=[0.0]) as store:
        yield store


def test_it_opens_no_gate(tmp_path: Path, partial: Store) -> None:
    with guarded(tmp_path, book(), PROMETHEUS=partial.url) as shop:
        answer = begun(shop).call("promote")
        assert (answer["verdict"], shop.weights()) == ("refuse", (10, 90))
        assert (
            "error-rate: below 1 %: unknown: Prometheus answered with a part of the data only"
            in answer["text"]
        )


@pytest.mark.parametrize(
    ("unreachable", "state", "ends"), [("act", "done", (0, 100)), ("hold", "withdrawn", (10, 90))]
)
def test_it_confirms_nothing_and_withdraws_nothing(
    tmp_path: Path, partial: Store, unreachable: str, state: str, ends: tuple[int, int]
) -> None:
    asks = Confirmation.model_validate({"after": 0, "expr": "again", "unreachable": unreachable})
    given = book(tiers={"error-rate/critical": {"confirmation": asks}})
    with guarded(tmp_path, given, PROMETHEUS=partial.url) as shop:
        begun(shop).deliver()
        shop.until("rollback", state)
        assert shop.weights() == ends


def test_it_proves_nothing(tmp_path: Path, partial: Store) -> None:
    given = book(proof=Proof(expr="traffic", at_most=0, within=1))
    with guarded(tmp_path, given, PROMETHEUS=partial.url) as shop:
        begun(shop).deliver()
        shop.until("rollback", "unproved")
        assert "not proved within 1 s: Prometheus answered with a part" in shop.status()["runs"][-1]["text"]
