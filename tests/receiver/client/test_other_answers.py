"""Something other than a receiver answers: the state of the gate is unknown, not closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from handrail_receiver.client.api_answers import ask
from handrail_receiver.client.api_client import ApiClient, json_of
from handrail_receiver.client.gate_wait import NEEDED, UNKNOWN, Wait, gate

NONE = "not a Handrail receiver; check the address"
GATE = {
    **dict.fromkeys(NEEDED, ""),
    "rollout": "shop",
    "attempt": 1,
    "asks": [],
    "against": [],
    "unknown": [],
}


class Answering(ApiClient):
    """Whoever answers is asked over no network."""

    def ask(
        self, call: Callable[[httpx.Client], httpx.Response], longest: float, meanwhile: str
    ) -> httpx.Response:
        del longest, meanwhile
        with httpx.Client(base_url="http://shop.example", transport=self.context) as client:  # type: ignore[arg-type]
            return call(client)


def answering(status: int, body: str) -> Any:
    transport: Any = httpx.MockTransport(lambda _: httpx.Response(status, text=body))
    return Answering("http://shop.example", {}, transport)


OTHERS = [
    (200, "<html>sign in</html>"),
    (200, '{"status": "ok"}'),
    (200, "[1]"),
    (200, "null"),
    (302, ""),
    (502, '{"message": "bad gateway"}'),
]


@pytest.mark.parametrize(("status", "body"), OTHERS)
def test_an_answer_without_what_a_receiver_s_has_is_none(
    status: int, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = answering(status, body)
    found = ask(client, "/api/rollouts/shop/gate", NEEDED)
    assert (found.said, found.problem, found.wrong) == ({}, f"{status}: {NONE}", False)
    assert gate(client, "shop", "", Wait()) == UNKNOWN
    assert capsys.readouterr().err == f"{status}: {NONE}\n"
    said = json_of(httpx.Response(status, text=body), "rollouts")
    assert said == {"error": f"{status}: {NONE}"}


def test_a_word_that_only_a_newer_receiver_knows_is_unknown() -> None:
    client = answering(200, json.dumps({**GATE, "answer": "postponed"}))
    assert gate(client, "shop", "", Wait()) == UNKNOWN


def test_a_refusal_is_said_as_the_receiver_says_it() -> None:
    refused = httpx.Response(404, text='{"error": "no playbook declares \'shoop\'"}')
    assert json_of(refused, "rollouts") == {"error": "no playbook declares 'shoop'"}
