"""What `handrail rollout …` says in the terminal of where a rollout stands, and of a receiver that is busy."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from apis import Inbox
from apis.serving import Trouble
from guarded import TOKENS, Guarded, guarded, playbook, write_playbook
from handrail.contract import Acknowledge, Command
from handrail_receiver import cli, terminal
from handrail_receiver.client import api_client
from handrail_receiver.words.incident_words import open_incident
from handrail_receiver.words.times import when

DRILL = "`handrail rollout drill shop`"


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("shop"), proxy=False) as shop:
        yield shop


def status(shop: Guarded, said: pytest.CaptureFixture[str]) -> list[str]:
    assert cli.rollout("status", "shop", url=shop.server.url, token=TOKENS["viewer"]) == 0
    return said.readouterr().out.splitlines()


def test_the_terminal_says_whether_it_can_be_rolled_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(tmp_path) as shop:
        assert status(shop, capsys) == ["shop: no attempt yet"]
        shop.call("start")
        began = ["shop: attempt 1, baking, stage 10%"]
        asks = f"; {DRILL} asks again"
        assert status(shop, capsys)[:2] == [
            *began,
            f"  can it be rolled back, when last rehearsed: yes{asks}",
        ]
        (tmp_path / "haproxy.sock").rename(tmp_path / "elsewhere.sock")
        shop.call("drill")
        no = status(shop, capsys)[1]
        assert no.startswith(
            "  can it be rolled back, when last rehearsed: NO: rollback, haproxy-weight: unix:"
        )
        assert no.endswith(f" (emergency-rollback and security-rollback as well){asks}")


def test_the_terminal_says_that_a_rollout_is_not_guarded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Command(["no-such-program"], ["true"])
    with guarded(tmp_path, playbook(stages=(), steps=[missing]), proxy=False) as shop:
        assert status(shop, capsys) == [
            f"shop: not guarded, although it always should be; {DRILL} says what is missing"
        ]
        shop.call("start", anyway=True, why="people watch")
        assert status(shop, capsys)[0] == "shop: attempt 1, guarding"


def test_a_receiver_that_takes_long_is_not_called_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "LONGEST", 0.3)
    with Inbox() as silent:
        silent.trouble = Trouble.silent
        assert cli.rollout("start", "shop", url=silent.url, token="x") == 1
        assert capsys.readouterr().err == (
            f"{silent.url} did not answer within 0.3 s and may still be at it; "
            "`handrail rollout status shop` shows the result\n"
        )


@pytest.mark.parametrize("at_terminal", [True, False])
def test_whoever_sits_at_a_terminal_is_told_that_it_takes_long(
    at_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "LONGEST", 0.5)
    monkeypatch.setattr(api_client, "SLOW", 0.1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: at_terminal)
    with Inbox() as silent:
        silent.trouble = Trouble.silent
        assert cli.rollout("status", "shop", url=silent.url, token="x") == 1
        slow = f"{silent.url} has not answered yet; waiting for 0.5 s at most\n"
        assert capsys.readouterr().err.startswith(slow) is at_terminal


def listed(shop: Guarded, said: pytest.CaptureFixture[str], **more: Any) -> tuple[int, str, str]:
    code = cli.rollout("list", url=shop.server.url, token=TOKENS["viewer"], **more)
    written = said.readouterr()
    return code, written.out, written.err


def test_the_list_says_where_each_rollout_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_playbook(tmp_path / "playbook", playbook(rollout="search", service="finder"))
    with guarded(tmp_path) as shop:
        shop.call("start")
        shop.call("hold", why="lunch")
        assert listed(shop, capsys) == (
            0,
            (
                "rollout  service  attempt  state           stage  to know\n"
                "search   finder   -        no attempt yet  -\n"
                "shop     shop     1        held            10%    held: operator-1: lunch\n"
            ),
            "",
        )
        code, out, _ = listed(shop, capsys, as_json=True)
        assert (code, json.loads(out)) == (0, shop.ask("GET", "/api/rollouts", "viewer").json())
        assert cli.rollout("status", "shop", url=shop.server.url, token=TOKENS["viewer"], as_json=True) == 0
        assert json.loads(capsys.readouterr().out)["attempt"]["held"] == "operator-1: lunch"
        assert status(shop, capsys)[1:3] == [
            "  held: operator-1: lunch",
            "    once it is fixed: `handrail rollout resume shop`; to roll back: `handrail rollout rollback shop --why …`",
        ]


def open_one(**facts: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": "shop-1",
        "attempt": 1,
        "action": "rollback",
        "opened_at": "2026-03-01T03:00:00Z",
        "acknowledged_at": None,
        "acknowledged_by": "",
        "ack_by": None,
        "late": False,
    }
    return {**given, **facts}


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, "nobody has acknowledged it yet"),
        (
            {"ack_by": "2026-03-01T03:05:00Z"},
            "nobody has acknowledged it yet; somebody must by 2026-03-01 03:05:00 UTC",
        ),
        ({"late": True}, "nobody has acknowledged it in time"),
        (
            {"late": True, "ack_by": "2026-03-01T03:15:00Z"},
            "nobody has acknowledged it in time; others hear of it at 2026-03-01 03:15:00 UTC",
        ),
        (
            {"acknowledged_at": "2026-03-01T03:02:00Z", "acknowledged_by": "alice"},
            "acknowledged by alice at 2026-03-01 03:02:00 UTC",
        ),
    ],
)
def test_an_open_incident_is_said_with_since_when_and_who_has_it(facts: dict[str, Any], text: str) -> None:
    assert (
        open_incident(open_one(**facts)) == f"incident shop-1 is open since 2026-03-01 03:00:00 UTC: {text}"
    )


def test_with_several_open_the_command_says_which_is_acknowledged() -> None:
    said = {
        "rollout": "shop",
        "attempt": {"number": 2, "phase": "rolled-back", "state": "rolled-back", "stage": "", "held": ""},
        "runs": [],
        "incidents": [open_one(), open_one(id="shop-2")],
    }
    assert [line.partition("; ")[2] for line in terminal.status(said).splitlines()[1:]] == [
        "`handrail rollout ack shop --incident shop-1`",
        "`handrail rollout ack shop --incident shop-2`",
    ]


def test_status_and_list_say_which_incident_is_open_and_who_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = Acknowledge(within=300, who="the engineering lead")
    with guarded(tmp_path, playbook(acknowledge=(who,))) as shop:
        shop.call("start")
        shop.call("rollback", why="it burns")
        (one,) = shop.ask("GET", "/api/rollouts/shop", "viewer").json()["incidents"]
        assert one == open_one(id=one["id"], opened_at=one["opened_at"], ack_by=one["ack_by"])
        due = (
            datetime.fromisoformat(one["ack_by"]) - datetime.fromisoformat(one["opened_at"])
        ).total_seconds()
        said = open_incident(one)
        assert (due, said.endswith(f"; somebody must by {when(datetime.fromisoformat(one['ack_by']))}")) == (
            300,
            True,
        )
        assert status(shop, capsys)[:2] == [
            "shop: attempt 1, rolled-back, stage 10%",
            f"  {said}; `handrail rollout ack shop`",
        ]
        assert listed(shop, capsys)[1].splitlines()[1].endswith(said)
        shop.call("ack")
        (had,) = shop.ask("GET", "/api/rollouts", "viewer").json()["rollouts"][0]["incidents"]
        assert (had["acknowledged_by"], had["ack_by"]) == ("operator-1", None)
        assert status(shop, capsys)[1] == f"  {open_incident(had)}"
        assert shop.ask("GET", "/api/rollouts/shop/now", "viewer").json()["incidents"] == [had]
        shop.call("close", why="fixed")
        assert shop.ask("GET", "/api/rollouts/shop", "viewer").json()["incidents"] == []


def test_the_list_names_a_rollout_whose_attempt_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
    with closing(sqlite3.connect(tmp_path / "handrail.db")) as store, store:
        store.execute("UPDATE attempt SET state = 'something newer'")
    with guarded(tmp_path) as shop:
        assert listed(shop, capsys) == (
            1,
            "rollout  service  attempt  state  stage  to know\n",
            "shop: its attempt cannot be read; `handrail rollout status shop` says why\n",
        )


@pytest.mark.parametrize(
    ("verb", "name", "token", "problem"),
    [
        (
            "list",
            "shop",
            "viewer",
            "list takes no name; `handrail rollout status shop` says where one stands",
        ),
        (
            "start",
            "",
            "operator",
            "say which: `handrail rollout start NAME`; `handrail rollout list` has the names",
        ),
        (
            "status",
            "shop",
            None,
            "no token was given; put yours into a file and name it in HANDRAIL_TOKEN_FILE",
        ),
        (
            "status",
            "shop",
            "stranger",
            "URL does not know this token; put yours into a file and name it in HANDRAIL_TOKEN_FILE",
        ),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exits_with_2(
    verb: cli.Verb,
    name: str,
    token: str | None,
    problem: str,
    shop: Guarded,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("HANDRAIL_TOKEN", "HANDRAIL_TOKEN_FILE"):
        monkeypatch.delenv(variable, raising=False)
    given = TOKENS.get(token or "", token)
    assert cli.rollout(verb, name, url=shop.server.url, token=given) == 2
    assert capsys.readouterr().err.replace(shop.server.url, "URL") == f"{problem}\n"
