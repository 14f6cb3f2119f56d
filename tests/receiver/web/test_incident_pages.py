"""An incident over HTTP: its page, its buttons, its JSON and the draft of its postmortem, with a real receiver."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from guarded import Guarded, guarded, playbook
from guarded.playbook import ENVIRONMENT
from handrail.contract import Acknowledge

from .test_buttons import buttons, press


@pytest.fixture(name="shop", scope="module")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    deadlines = (Acknowledge(within=300, who="the engineering lead"),)
    book = playbook(environment=ENVIRONMENT, acknowledge=deadlines)
    with guarded(tmp_path_factory.mktemp("shop"), book) as shop:
        shop.call("start")
        shop.call("rollback", why="customers <call>")
        shop.until("rollback", "done")
        yield shop


def words(page: str) -> str:
    bare = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def said(shop: Guarded, verb: str, **body: object) -> httpx.Response:
    return shop.ask("POST", f"/api/rollouts/shop/{verb}", json=body)


def the_one(shop: Guarded) -> dict[str, Any]:
    (one,) = shop.ask("GET", "/api/rollouts/shop/incidents", "viewer").json()["incidents"]
    assert isinstance(one, dict)
    return one


def test_an_incident_goes_from_its_rollback_to_its_end_over_http(shop: Guarded) -> None:
    one = the_one(shop)
    assert (one["state"], one["action"], one["trigger"], one["by"], one["attempt"], one["stage"]) == (
        "open",
        "rollback",
        "operator-1 asked for a rollback: customers <call>",
        "operator-1",
        1,
        "10%",
    )
    assert one["ack_by"] is not None
    page = words(shop.ask("GET", "/rollouts/shop", "viewer").text)
    assert f"Incident {one['id']} open Severity critical Trigger operator-1 asked" in page
    assert "It waits for a person to acknowledge incident" in page
    assert "Nobody has said cause, fix, prevention, what people noticed, follow-up, review, attendees" in page
    own = shop.ask("GET", f"/rollouts/shop/incidents/{one['id']}", "viewer")
    assert own.status_code == 200
    assert "opened operator-1 asked for a rollback: customers <call>" in words(own.text)
    assert "<call>" not in own.text
    assert "Rolled back from stage 10% at " in words(own.text)
    about = "ack", "note", "close"
    path = f"/rollouts/shop/incidents/{one['id']}"
    for role, offered in (("operator", about), ("viewer", ())):
        links = re.findall(r'href="([^"]*/ask/[^"]*)"', shop.ask("GET", path, role).text)
        assert sorted(links) == sorted(f"/rollouts/shop/ask/{verb}?item={one['id']}" for verb in offered)

    assert said(shop, "ack", why="on it").json()["reason"] == "acknowledged"
    twice = said(shop, "ack")
    assert (twice.status_code, twice.json()["reason"]) == (409, "acknowledged-already")
    noted = said(shop, "note", cause="pool | too small", follow_up="alert on it", false_rollback=False)
    assert noted.json()["text"].endswith(
        "cause: pool | too small; follow up: alert on it; false rollback: no"
    )
    then = words(shop.ask("GET", f"/rollouts/shop/incidents/{one['id']}", "viewer").text)
    assert "Cause pool | too small Follow-up alert on it Nobody has said fix, prevention, what" in then
    draft = shop.ask("GET", f"/api/rollouts/shop/incidents/{one['id']}/postmortem", "viewer")
    assert draft.headers["content-type"].startswith("text/markdown")
    assert "## Cause\n\npool \\| too small\n" in draft.text
    assert "- [ ] alert on it\n" in draft.text
    assert "## Fix\n\n_nobody has said yet_\n" in draft.text
    assert "Unknown: nothing was kept of what Prometheus had recorded then." in draft.text
    assert "customers \\<call\\>" in draft.text
    assert "acknowledged by operator-1: on it" in draft.text

    assert said(shop, "close").json()["reason"] == "no-reason"
    assert said(shop, "close", why="traffic is back").json()["reason"] == "closed"
    over = the_one(shop)
    assert (over["state"], over["closed_by"], over["closed_why"], over["cause"], over["false_rollback"]) == (
        "closed",
        "operator-1",
        "traffic is back",
        "pool | too small",
        False,
    )
    assert [each["event"] for each in over["timeline"] if each["event"] != "impact"] == [
        "opened",
        "acknowledged",
        "noted",
        "closed",
    ]
    late = said(shop, "note", cause="another")
    assert (late.status_code, late.json()["reason"]) == (409, "no-incident")
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()
    assert records["whole"]
    refused = [one for one in records["records"] if '"verdict":"refuse"' in one["body"]]
    assert len(refused) == 3, "each refusal is a record"


def test_what_is_no_incident_has_no_page_and_no_draft(shop: Guarded) -> None:
    page = shop.ask("GET", "/rollouts/shop/incidents/shop-99", "viewer")
    assert (page.status_code, "shop has no incident shop-99" in words(page.text)) == (404, True)
    draft = shop.ask("GET", "/api/rollouts/shop/incidents/shop-99/postmortem", "viewer")
    assert draft.status_code == 404
    assert draft.json()["error"] == (
        "shop-99 is not an incident of shop; `handrail rollout incident shop` lists them"
    )
    assert shop.ask("GET", "/api/rollouts/nobody/incidents", "viewer").status_code == 404


@pytest.mark.parametrize("verb", ["ack", "note", "close", "emergency-rollback"])
def test_a_viewer_says_nothing_of_an_incident(shop: Guarded, verb: str) -> None:
    answer = shop.ask("POST", f"/api/rollouts/shop/{verb}", "viewer", json={})
    assert (answer.status_code, answer.json()["error"]) == (
        403,
        "viewer-1 may not do that; it needs the role operator",
    )


def test_no_secret_that_a_person_writes_gets_into_the_evidence(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/flags_token").write_text("a-token-nobody-may-read\n")
    with guarded(tmp_path, SECRETS_DIR=str(tmp_path / "secrets")) as shop:
        shop.call("start")
        shop.call("rollback", why="bad")
        shop.until("rollback", "done")
        said(shop, "note", cause="it was a-token-nobody-may-read", why="a-token-nobody-may-read")
        evidence = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").text
        assert "a-token-nobody-may-read" not in evidence
        assert '\\"cause\\":\\"it was ' in evidence


def test_an_incident_s_buttons_ask_once_and_say_what_will_happen(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(environment=ENVIRONMENT)) as shop:
        shop.call("start")
        shop.call("rollback", why="bad")
        shop.until("rollback", "done")
        assert {"Acknowledge the incident", "Note on the incident", "Close the incident"} <= set(
            buttons(shop, "operator")
        )
        assert buttons(shop, "viewer") == {}
        asked = words(shop.ask("GET", buttons(shop, "operator")["Acknowledge the incident"]).text)
        assert (
            "You have incident shop-1: nobody else is woken for it, unless it becomes more severe." in asked
        )
        assert press(shop, "Acknowledge the incident", why="on it").status_code == 200
        assert "Acknowledge the incident" not in buttons(shop, "operator")
        noted = press(shop, "Note on the incident", cause="the pool", false_rollback="no")
        assert "operator-1 noted of shop-1: cause: the pool; false rollback: no" in words(noted.text)
        assert press(shop, "Close the incident", why="over").status_code == 200
        one = the_one(shop)
        assert (one["state"], one["cause"], one["false_rollback"]) == ("closed", "the pool", False)
        assert "Close the incident" not in buttons(shop, "operator")
