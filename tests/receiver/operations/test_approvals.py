"""People at a gate: questions answered and approvals given over HTTP and in the terminal, and what a promotion makes of them."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from guarded import TOKENS, Guarded, guarded, playbook
from handrail.contract import Approval, Criterion, Gate, ProbeFacts
from typed import typed

QUIET, DARK = "Is it quiet?", "Is it dark?"
LEAD = Approval(role="lead", valid_for=3600, four_eyes=True)
BOOK = playbook(gates=(Gate(into="50%", manual=(QUIET, DARK), approvals=(LEAD,)),))


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path, BOOK) as shop:
        shop.call("start")
        yield shop


def approve(shop: Guarded, token: str = TOKENS["approver"], **given: Any) -> tuple[int, str, str]:
    """An approval with a token: status, reason and text of its answer."""
    headers = {"authorization": f"Bearer {token}"}
    answer = shop.ask("POST", "/api/rollouts/shop/approve", "nobody", json=given, headers=headers)
    said = answer.json()
    return answer.status_code, said["reason"], said["text"]


def answered(shop: Guarded) -> None:
    """Both questions answered yes, by the operator."""
    for question in (QUIET, DARK):
        assert shop.call("check", item=question)["reason"] == "checked"


def add_token(shop: Guarded, line: str, token: str) -> None:
    """Another line of the token file, once it counts."""
    file = shop.folder / "tokens"
    file.write_text(f"{file.read_text()}{line} {token}\n")
    headers = {"authorization": f"Bearer {token}"}
    servers.until(
        lambda: shop.ask("GET", "/api/rollouts", "nobody", headers=headers).status_code == 200, "the token"
    )


def missing(shop: Guarded) -> list[str]:
    return [ask["text"] for ask in shop.status()["gate"]["asks"] if not ask["met"]]


def test_a_gate_opens_by_what_people_say_and_the_evidence_holds_all_of_it(shop: Guarded) -> None:
    assert shop.call("promote")["text"] == (
        "nobody has answered 'Is it quiet?' (`handrail rollout check shop --item 1`);"
        " nobody has answered 'Is it dark?' (`handrail rollout check shop --item 2`);"
        f" nobody has approved as 'lead' (`{shop.status()['gate']['asks'][2]['cure']}`); all of it is needed"
    )
    assert shop.call("check", item="1", passed=False, why="it screams")["text"] == (
        "operator-1 says no to 'Is it quiet?', of the gate into 50%: it screams"
    )
    answered(shop)
    assert missing(shop) == ["nobody has approved as 'lead'"]
    status, reason, text = approve(shop, why="go ahead")
    assert (status, reason) == (200, "approved")
    assert re.fullmatch(r"approver-1 approved stage 50% as 'lead', until .* UTC: go ahead", text)
    assert (shop.status()["gate"]["open"], missing(shop)) == (True, [])
    assert shop.call("promote")["verdict"] == "act"
    assert shop.weights() == (50, 50)
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    bodies = [json.loads(record["body"]) for record in records if record["kind"] == "decision"]
    assert [(body["action"], body["by"], body["reason"]) for body in bodies[1:]] == [
        ("promote", "operator-1", "not-ready"),
        ("check", "operator-1", "checked"),
        ("check", "operator-1", "checked"),
        ("check", "operator-1", "checked"),
        ("approve", "approver-1", "approved"),
        ("promote", "operator-1", "asked-for"),
    ]
    assert bodies[2]["check"] == {
        "into": "50%",
        "question": QUIET,
        "passed": False,
        "note": "it screams",
        "late": False,
    }
    assert bodies[5]["approval"]["digest"] == bodies[6]["gate"]["digest"]
    assert [(ask["kind"], ask["met"]) for ask in bodies[6]["gate"]["asks"]] == [
        ("check", True),
        ("check", True),
        ("approval", True),
    ]


def test_questions_can_be_gone_past_with_a_reason_and_an_approval_cannot(shop: Guarded) -> None:
    answer = shop.call("promote", anyway=True, why="it must go out")
    assert (answer["verdict"], answer["reason"]) == ("refuse", "not-approved")
    assert answer["text"].endswith("; --anyway does not go past an approval")
    answered(shop)
    approve(shop)
    shop.call("check", item=DARK, passed=False)
    assert missing(shop)[1] == (
        "approver-1's approval as 'lead' does not count: the playbook, or an answer to a question, has changed since"
    )


def test_an_approval_covers_answers_and_so_comes_after_them(shop: Guarded) -> None:
    shop.call("check", item=QUIET)
    status, reason, text = approve(shop)
    assert (status, reason) == (409, "not-ready")
    assert text == (
        "an approval covers the answers, and these have no yes yet: 'Is it dark?'; answer first:"
        " `handrail rollout check shop --item NUMBER`"
    )


def test_what_was_not_looked_at_is_not_approved(shop: Guarded) -> None:
    seen = shop.status()["gate"]["digest"][:12]
    answered(shop)
    status, reason, text = approve(shop, seen=seen)
    now = shop.status()["gate"]["digest"][:12]
    assert (status, reason) == (409, "changed")
    assert text.startswith(f"the gate's digest is now {now}, not {seen}; look at the gate again")
    assert approve(shop, seen=now)[:2] == (200, "approved")


def test_a_token_may_approve_as_one_role_only(shop: Guarded) -> None:
    answered(shop)
    add_token(shop, "approver:owner erin", "a-token-of-the-owner")
    add_token(shop, "approver:lead carol", "a-token-of-the-lead")
    assert approve(shop, "a-token-of-the-owner") == (
        409,
        "wrong-role",
        "erin's token may approve as 'owner' only; use one of 'lead'",
    )
    assert approve(shop, "a-token-of-the-lead")[:2] == (200, "approved")


@pytest.mark.parametrize("item", ["", "3", "Is it warm?"])
def test_an_answer_names_its_question(shop: Guarded, item: str) -> None:
    answer = shop.call("check", item=item)
    assert (answer["verdict"], answer["reason"]) == ("refuse", "unknown-check")
    assert answer["text"] == (
        "say which question of the gate into 50% you mean with --item NUMBER: 1: Is it quiet?; 2: Is it dark?"
    )


def test_the_gate_into_the_first_stage_is_asked_at_the_start(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(gates=(Gate(into="10%", manual=(QUIET,)),))) as shop:
        assert shop.call("start")["text"] == (
            "nobody has answered 'Is it quiet?' (`handrail rollout check shop --item 1`);"
            " wait or fix it, or say --anyway and --why"
        )
        shop.call("check", item="1")
        assert shop.call("start")["verdict"] == "act"
        assert shop.call("rollback")["verdict"] == "act"
        assert shop.call("start")["reason"] == "not-ready"
        assert shop.call("start", anyway=True, why="as before")["text"] == (
            "a new attempt, in stage 10%, although nobody has answered 'Is it quiet?'"
            " (`handrail rollout check shop --item 1`) (says operator-1: as before)"
        )
        assert shop.status()["attempt"]["rollback_ready"] is True


def test_without_tokens_four_eyes_are_not_two(tmp_path: Path) -> None:
    gate = Gate(into="50%", approvals=(LEAD,))
    with guarded(tmp_path, playbook(gates=(gate,)), WITHOUT_TOKENS="true", TOKENS_FILE="") as shop:
        shop.call("start")
        assert approve(shop)[1] == "own-change"
        assert shop.call("promote", anyway=True, why="nobody else")["reason"] == "not-approved"


def handrail(shop: Guarded, role: str, *words: str, **more: str) -> tuple[int, str]:
    """`handrail rollout …` with the token of a role, and `more` in the environment: exit code, and what it said."""
    env = {**os.environ, "HANDRAIL_URL": shop.server.url, "HANDRAIL_TOKEN": TOKENS[role], **more}
    ran = typed("rollout", *words, env=env)
    return ran.returncode, ran.stdout + ran.stderr


def test_the_same_in_the_terminal(shop: Guarded) -> None:
    code, said = handrail(shop, "viewer", "status", "shop")
    cure = shop.status()["gate"]["asks"][2]["cure"]
    assert (code, said.splitlines()[3:]) == (
        0,
        [
            "  gate into 50%: closed",
            f"    not met  {QUIET}: nobody has answered '{QUIET}'",
            "             handrail rollout check shop --item 1",
            f"    not met  {DARK}: nobody has answered '{DARK}'",
            "             handrail rollout check shop --item 2",
            "    not met  lead: nobody has approved as 'lead'",
            f"             {cure}",
        ],
    )
    assert handrail(shop, "operator", "promote", "shop") == (
        1,
        (
            "refuse (not-ready):\n"
            f"  nobody has answered '{QUIET}' (`handrail rollout check shop --item 1`)\n"
            f"  nobody has answered '{DARK}' (`handrail rollout check shop --item 2`)\n"
            f"  nobody has approved as 'lead' (`{cure}`)\n"
            "  all of it is needed\n"
        ),
    )
    no = handrail(shop, "operator", "check", "shop", "--item", "2", "--failed", "--why", "a lamp")
    assert no == (
        0,
        f"note (checked): operator-1 says no to '{DARK}', of the gate into 50%: a lamp\n",
    )
    for place in ("1", "2"):
        assert handrail(shop, "operator", "check", "shop", "--item", place)[0] == 0
    cure = shop.status()["gate"]["asks"][2]["cure"]
    assert handrail(shop, "approver", *cure.split()[2:])[0] == 0
    assert "gate into 50%: open" in handrail(shop, "viewer", "status", "shop")[1]
    code, said = handrail(shop, "operator", "promote", "shop")
    assert (code, said.splitlines()[0]) == (0, "act (asked-for): into stage 50%")


def test_in_the_terminal_a_token_that_does_not_help_is_named_with_its_cure(
    shop: Guarded, tmp_path: Path
) -> None:
    assert handrail(shop, "viewer", "status", "shop", HANDRAIL_TOKEN="") == (
        2,
        "no token was given; put yours into a file and name it in HANDRAIL_TOKEN_FILE\n",
    )
    gone = str(tmp_path / "gone")
    code, said = handrail(shop, "viewer", "status", "shop", HANDRAIL_TOKEN_FILE=gone)
    assert (code, said) == (
        2,
        f"HANDRAIL_TOKEN_FILE: {gone} cannot be read (No such file or directory); name a file that holds your token and nothing else\n",
    )


def test_a_prometheus_that_is_stopped_is_named_once_with_its_cure(tmp_path: Path) -> None:
    gate = Gate(
        into="50%", criteria=(Criterion(guardrail="error-rate", text="below 1 %", expr="x", seen="x"),)
    )
    nobody = f"http://{servers.free_address()}"
    with guarded(tmp_path, playbook(gates=(gate,)), PROMETHEUS=nobody) as shop:
        shop.call("start", anyway=True, why="a test")
        assert handrail(shop, "viewer", "status", "shop")[1].splitlines()[-1] == (
            "    unknown  error-rate: below 1 %: unknown: "
            f"Prometheus at {nobody} cannot be reached: "
            "Connection refused; start it, or correct HANDRAIL_PROMETHEUS"
        )


def test_the_page_says_what_is_missing_who_said_what_and_what_to_type(shop: Guarded) -> None:
    def text() -> str:
        page = shop.ask("GET", "/rollouts/shop", "viewer").text
        bare = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
        return " ".join(html.unescape(bare).split())

    shop.call("check", item=QUIET, why="since noon")
    cure = shop.status()["gate"]["asks"][2]["cure"]
    assert (
        "Gate into 50% 2 missing Met What is asked for Why, or why not"
        " ✓ Is it quiet? operator-1 says yes: since noon"
        " ! Is it dark? nobody has answered 'Is it dark?' handrail rollout check shop --item 2"
        f" ! lead approves nobody has approved as 'lead' {cure}"
    ) in text()
    assert "Next ! stage 50%, once its gate is open: 2 of 3 are missing" in text()
    shop.call("check", item=DARK)
    approve(shop, why="go")
    assert "Gate into 50% open Met What is asked for Why, or why not ✓" in text()
    assert "✓ lead approves approver-1 approved, until " in text()
    assert "Next ● stage 50%: handrail rollout promote shop" in text()


def test_an_option_that_belongs_to_another_verb_is_a_wrong_call(shop: Guarded) -> None:
    assert handrail(shop, "operator", "promote", "shop", "--role", "lead") == (
        2,
        "--role does not go with promote; leave it out\n",
    )


def test_whoever_approves_is_told_what_probes_answer(tmp_path: Path) -> None:
    nobody = servers.free_address()
    probe = ProbeFacts(
        name="health",
        url=f"http://{nobody}/health",
        expect=200,
        values={},
        within=1,
        token_header="Authorization",
        token_scheme="Bearer",
    )
    book = playbook(gates=(Gate(into="50%", approvals=(LEAD,)),), probes=(probe,))
    with guarded(tmp_path, book) as shop:
        shop.call("start")
        _, reason, text = approve(shop)
    assert (reason, text.partition("; still missing: ")[2]) == (
        "approved",
        f"probe health: failed: {nobody} cannot be reached: Connection refused",
    )
