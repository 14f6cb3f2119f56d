"""Something other than a receiver answers: the state of the gate is unknown, not closed."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from handrail_receiver.client.api_answers import ask
from handrail_receiver.client.api_client import ApiClient, NoAnswer, api_client, json_of, unknown_token
from handrail_receiver.client.gate_wait import NEEDED, UNKNOWN, Wait, gate
from handrail_receiver.errors import WrongSettings
from handrail_receiver.unreached import why_unreached

NONE = "not a Handrail receiver; check --url, or HANDRAIL_URL"
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
        self,
        call: Callable[[httpx.Client], httpx.Response],
        longest: float,
        meanwhile: str,
        *,
        says_slow: bool = False,
    ) -> httpx.Response:
        del longest, meanwhile, says_slow
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


def test_why_nobody_answers_is_said_in_the_system_s_words() -> None:
    nobody = api_client("http://127.0.0.1:9", "a token", None, None, None)
    with pytest.raises(
        NoAnswer, match=r"^http://127.0.0.1:9 did not answer \(Connection refused\); start it"
    ):
        nobody.ask(lambda to: to.get("/"), 5, "")
    tried = [ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"), OSError("another")]
    several = OSError("All connection attempts failed")
    several.__cause__ = ExceptionGroup("multiple connection attempts failed", tried)
    assert why_unreached(several) == "Connection refused"
    assert why_unreached(TimeoutError()) == "TimeoutError"


def test_an_address_that_is_none_is_refused_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_URL", "127.0.0.1:8080")
    for url, named in ((None, "HANDRAIL_URL: '127.0.0.1:8080'"), ("shop", "--url: 'shop'")):
        with pytest.raises(WrongSettings, match=f"^{named} is not an address; write http://host:port$"):
            api_client(url, "a token", None, None, None)


def test_a_token_that_nobody_knows_is_named_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("nobody-knows-this-one")
    monkeypatch.delenv("HANDRAIL_TOKEN", raising=False)
    monkeypatch.setenv("HANDRAIL_TOKEN_FILE", str(file))
    said = unknown_token(api_client("http://shop.example", None, None, None, None))
    assert said == (
        f"http://shop.example does not know the token in {file}; put yours into a file and name it in"
        " HANDRAIL_TOKEN_FILE"
    )
