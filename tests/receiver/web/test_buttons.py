"""What people may ask for by a button: asked once, with what will happen, by the same call as the API's."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from guarded import NOW, Guarded, guarded, playbook
from guarded.playbook import ENVIRONMENT
from handrail.contract import Approval, Gate
from handrail_receiver.access.tokens import MAY, Caller
from handrail_receiver.web.forms import FormSeal, from_elsewhere

GATES = (
    Gate(
        into="50%",
        manual=("Is the log clean?",),
        approvals=(Approval(role="lead", valid_for=3600, four_eyes=True),),
    ),
)


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path, playbook(environment=ENVIRONMENT, gates=GATES)) as shop:
        shop.call("start")
        yield shop


def buttons(shop: Guarded, role: str) -> dict[str, str]:
    """What is on each button, and where it leads."""
    page = shop.ask("GET", "/rollouts/shop", role).text
    found = re.findall(r'<a class="button[^"]*" id="[^"]*" href="([^"]*)">(.*?)…</a>', page)
    return {html.unescape(text): html.unescape(path) for path, text in found}


def form(page: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', page)
    return {name: html.unescape(value) for name, value in found}


def words(page: str) -> str:
    bare = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def press(shop: Guarded, label: str, role: str = "operator", **given: str) -> httpx.Response:
    """Press a button, and go on."""
    path = buttons(shop, role)[label]
    asked = shop.ask("GET", path, role)
    assert asked.status_code == 200
    return send(shop, path.partition("?")[0], form(asked.text) | given, role)


def send(
    shop: Guarded, path: str, fields: Mapping[str, str], role: str = "operator", **headers: str
) -> httpx.Response:
    origin = {"origin": shop.server.url, "sec-fetch-site": "same-origin"}
    return shop.ask("POST", path, role, data=dict(fields), headers={**origin, **headers})


def test_each_role_sees_the_buttons_for_what_it_may_do_and_a_viewer_none(shop: Guarded) -> None:
    assert list(buttons(shop, "operator")) == [
        "Answer: Is the log clean?",
        "Roll back",
        "Hold",
        "Promote into 50%",
        "Rehearse a rollback",
        "Abandon",
    ]
    assert buttons(shop, "approver") == {}, "an approval is for the answers as well"
    press(shop, "Answer: Is the log clean?", passed="yes")
    assert list(buttons(shop, "approver")) == ["Approve as lead"]
    assert buttons(shop, "viewer") == {}


@pytest.mark.parametrize("verb", ["rollback", "hold", "promote", "approve", "abandon"])
def test_a_viewer_is_refused_whatever_they_send(shop: Guarded, verb: str) -> None:
    path = f"/rollouts/shop/ask/{verb}"
    assert shop.ask("GET", path, "viewer").status_code == 403
    assert send(shop, path, {"token": "x"}, "viewer").status_code == 403
    assert shop.ask("POST", path, "nobody").status_code == 401


def test_before_anything_is_done_it_is_said_what_exactly(shop: Guarded) -> None:
    said = words(shop.ask("GET", "/rollouts/shop/ask/rollback", "operator").text)
    assert (
        "shop: Roll back? This will happen: Attempt 1, in stage 10%, is rolled back now: each step"
        " reads its target, and changes it if it differs. It is recorded as asked for by operator-1."
        " These steps, in this order: HAProxy web/canary on unix:haproxy.sock: weight 0"
        " HAProxy web/stable on unix:haproxy.sock: weight 100"
    ) in said
    assert "You are operator-1; this needs the role operator." in said
    assert shop.weights() == (10, 90)


def test_a_rollback_by_button_is_carried_out_and_recorded_with_who_and_why(shop: Guarded) -> None:
    answer = press(shop, "Roll back", why="it burns")
    assert answer.status_code == 200
    assert "shop: rollback was accepted operator-1 asked for a rollback: it burns (asked-for)" in words(
        answer.text
    )
    shop.until("rollback", "done")
    assert shop.weights() == (0, 100)
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    assert any('"by":"operator-1"' in one["body"] and "it burns" in one["body"] for one in records)


def test_hold_and_resume_follow_each_other(shop: Guarded) -> None:
    press(shop, "Hold", why="look first")
    assert shop.status()["attempt"]["phase"] == "held"
    assert "Hold" not in buttons(shop, "operator")
    press(shop, "Resume")
    assert shop.status()["attempt"]["phase"] == "baking"


def test_a_promotion_says_what_is_missing_is_refused_for_it_and_goes_through_once_all_is_there(
    shop: Guarded,
) -> None:
    said = words(shop.ask("GET", buttons(shop, "operator")["Promote into 50%"], "operator").text)
    assert "goes on into stage 50%, with 50 % of the traffic for the canary. It bakes for 1 h." in said
    assert "Its gate into 50% is closed, and it will be refused: nobody has answered" in said
    refused = press(shop, "Promote into 50%")
    assert (refused.status_code, "shop: promote was refused" in words(refused.text)) == (409, True)
    assert "says yes" in words(press(shop, "Answer: Is the log clean?", passed="yes").text)
    assert press(shop, "Approve as lead", "approver").status_code == 200
    assert press(shop, "Promote into 50%").status_code == 200
    assert shop.status()["attempt"]["stage"] == "50%"


def test_an_approval_is_for_what_was_seen(shop: Guarded) -> None:
    press(shop, "Answer: Is the log clean?", passed="yes")
    path = buttons(shop, "approver")["Approve as lead"]
    page = shop.ask("GET", path, "approver").text
    seen = form(page)["seen"]
    assert f"What you have seen has the digest {seen[:12]}; if it changes" in words(page)
    shop.call("check", item="1", passed=False)
    late = send(shop, path.partition("?")[0], form(page), "approver")
    assert (late.status_code, "approve was refused" in words(late.text)) == (409, True)


def test_a_reason_is_asked_for_where_the_call_wants_one(shop: Guarded) -> None:
    page = shop.ask("GET", buttons(shop, "operator")["Abandon"], "operator").text
    assert '<input name="why" maxlength="1000" required>' in page
    assert press(shop, "Abandon", why="it is over").status_code == 200
    assert shop.status()["attempt"]["state"] == "abandoned"
    assert next(iter(buttons(shop, "operator"))) == "Start an attempt"


CROSS_SITE: list[dict[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"content-type": "text/plain"},
]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
def test_what_a_page_of_somebody_else_sends_does_nothing(shop: Guarded, headers: dict[str, str]) -> None:
    path = buttons(shop, "operator")["Hold"]
    fields = form(shop.ask("GET", path, "operator").text)
    answer = send(shop, path, fields, **headers)
    assert (answer.status_code, "Nothing was done" in answer.text) == (403, True)
    assert shop.status()["attempt"]["held"] == ""


def test_a_form_counts_for_whom_and_for_what_it_was_given(shop: Guarded) -> None:
    hold = form(shop.ask("GET", buttons(shop, "operator")["Hold"], "operator").text)
    for path, fields in (
        ("/rollouts/shop/ask/rollback", hold),
        ("/rollouts/shop/ask/hold", {**hold, "attempt": "2"}),
        ("/rollouts/shop/ask/hold", {**hold, "token": "9999999999." + "0" * 64}),
        ("/rollouts/shop/ask/hold", {"why": "no token"}),
    ):
        answer = send(shop, path, fields)
        assert (answer.status_code, "this form was given to somebody else" in answer.text) == (
            403,
            True,
        )
    assert shop.runs() == [("start", "done")]


def test_a_form_of_an_attempt_before_does_nothing_to_the_next_one(shop: Guarded) -> None:
    path = buttons(shop, "operator")["Hold"]
    fields = form(shop.ask("GET", path, "operator").text)
    shop.call("abandon", why="again")
    shop.call("start")
    answer = send(shop, path, fields)
    assert (answer.status_code, "another attempt began meanwhile" in answer.text) == (409, True)
    assert shop.status()["attempt"]["held"] == ""


def test_what_cannot_be_asked_for_now_is_no_page(shop: Guarded) -> None:
    answer = shop.ask("GET", "/rollouts/shop/ask/resume", "operator")
    assert (answer.status_code, "resume cannot be asked for now" in answer.text) == (409, True)
    assert shop.ask("GET", "/rollouts/elsewhere/ask/hold", "operator").status_code == 404


ALICE = Caller("alice", MAY["operator"])


def test_a_seal_ends_after_an_hour_and_is_of_one_person_their_roles_and_one_key() -> None:
    seal, shown = FormSeal(lambda: b"key"), ("shop", "hold")
    token = seal.give(ALICE, shown, NOW)
    assert seal.fits(token, ALICE, shown, NOW + timedelta(minutes=59))
    assert not seal.fits(token, ALICE, shown, NOW + timedelta(minutes=61))
    assert not seal.fits(token, Caller("bob", MAY["operator"]), shown, NOW)
    assert not seal.fits(token, Caller("alice", MAY["approver"]), shown, NOW)
    assert not seal.fits(token, ALICE, ("shop", "rollback"), NOW)
    assert not FormSeal(lambda: b"other").fits(token, ALICE, shown, NOW)
    assert not seal.fits("", ALICE, shown, NOW)
    later = f"9{token}"
    assert not seal.fits(later, ALICE, shown, NOW)


def test_a_request_that_says_nothing_of_where_it_comes_from_is_of_no_browser() -> None:
    assert from_elsewhere({"host": "handrail.example"}) == ""
    assert from_elsewhere({"host": "Handrail.example", "origin": "https://handrail.example"}) == ""
    assert "another site" in from_elsewhere({"sec-fetch-site": "cross-site"})
