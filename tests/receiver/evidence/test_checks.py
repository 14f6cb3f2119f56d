"""`handrail rollout check` and the snapshots of decisions, on a real Prometheus and a real receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from apis.inbox import Inbox
from apis.serving import Api, Request
from guarded import TOKENS, Guarded, alert, body
from handrail.contract import CheckFacts, ProbeFacts, Tell, Webhook
from handrail_receiver import cli
from handrail_receiver.terminal import checked
from starlette.responses import JSONResponse, Response

from .recording import Recorded, recorded


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Recorded]:
    with recorded(tmp_path) as both:
        yield both


def records(shop: Guarded, kind: str) -> list[dict[str, Any]]:
    found = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    return [json.loads(one["body"]) for one in found if one["kind"] == kind]


def test_a_check_says_each_figure_and_limit_and_what_is_loaded(running: Recorded) -> None:
    shop = running.shop
    shop.call("start", anyway=True, why="a test", artifact="shop:v44")
    servers.until(lambda: _recorded(shop) == ("0.02", "100"), "the value and its events to be recorded")
    answer = shop.call("check", why="as every morning")
    found = answer["check"]
    critical, blind = found["tiers"]
    assert critical == {
        "guardrail": "error-rate",
        "tier": "critical",
        "action": "rollback",
        "verdict": "within",
        "pending": False,
        "value": "0.02",
        "figure": "2 %",
        "count": "100",
        "limits": ["above 5 %"],
        "fires": False,
    }
    assert (blind["verdict"], found["rules"], found["missing"]) == ("sees", "", [])
    assert (found["stage"], found["asked"], found["artifact"]) == ("10%", 0.1, "shop:v44")
    assert "traffic: unknown; stage 10% gives the canary 10 %" in checked(found).splitlines()
    kept = records(shop, "check")[-1]
    assert kept == {
        "attempt": kept["attempt"],
        "of": [],
        "by": "operator-1",
        "text": "1 of 1 tiers within their limits",
        "snapshot": found["snapshot"],
        "why": "as every morning",
        "scheduled": "",
        "stage": "10%",
        "check": "",
        "late": False,
        "ok": True,
    }


def _recorded(shop: Guarded) -> tuple[str, str]:
    """The value and its events. Each is a rule of its own: the first scrape may come between them, and only one is there."""
    critical = shop.call("check")["check"]["tiers"][0]
    return critical["value"], critical["count"]


def test_what_an_alert_was_decided_on_is_kept_a_moment_later(running: Recorded) -> None:
    shop = running.shop
    shop.call("start", anyway=True, why="a test")
    servers.until(lambda: bool(records(shop, "snapshot")), "the snapshot of the start")
    running.application.values["bad"] = 30
    servers.until(lambda: running.application.firing() == {"ShopErrorRateCritical"}, "the alert to fire")
    shop.deliver(body(alert("error-rate", "critical")))
    servers.until(lambda: len(records(shop, "snapshot")) > 1, "the snapshot of the rollback")
    last = records(shop, "snapshot")[-1]
    decided = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    rolled_back = next(
        one for one in decided if one["kind"] == "decision" and '"action":"rollback"' in one["body"]
    )
    assert rolled_back["number"] in last["of"]
    assert last["text"].startswith("error-rate/critical is broken at 30 %, above 5 %")


def test_a_declared_check_is_made_by_the_receiver_once(tmp_path: Path) -> None:
    with recorded(tmp_path, checks=(1,)) as both:
        shop = both.shop
        shop.call("start", anyway=True, why="a test")
        servers.until(lambda: len(records(shop, "check")) == 1, "the check")
        first = records(shop, "check")[0]
        assert (first["by"], first["why"]) == ("handrail", "T+1s of stage 10%")


def test_rules_that_somebody_loosened_are_told_apart(tmp_path: Path) -> None:
    with recorded(tmp_path, limit="0.5") as both:
        found = both.shop.call("check")["check"]
    assert found["rules"] == "the loaded rules are not those generated"


def test_the_command_prints_a_table_and_exits_with_1_when_something_is_broken(
    running: Recorded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = running.shop
    servers.until(lambda: _recorded(shop) == ("0.02", "100"), "the value and its events to be recorded")
    monkeypatch.setenv("HANDRAIL_TOKEN", TOKENS["operator"])
    monkeypatch.setenv("HANDRAIL_URL", shop.server.url)
    assert cli.rollout("check", "shop") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:6] == [
        "guardrail   tier      now  of   limit      verdict",
        "error-rate  critical  2 %  100  above 5 %  within",
        "error-rate  blind     2 %  100  -          sees",
        "traffic: unknown",
        "fires: nothing",
    ]
    assert lines[6] == "rules: Prometheus has loaded those generated"
    running.application.values["bad"] = 30
    servers.until(lambda: _recorded(shop)[0] == "0.3", "the value to be worse")
    assert cli.rollout("check", "shop", as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["check"]["tiers"][0]["verdict"] == "broken"


class Health(Api):
    """The service's own health page."""

    def answer(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse({"status": "UP"})


def test_what_a_declared_check_found_is_sent_with_what_its_probes_answered(tmp_path: Path) -> None:
    with Health() as health, Inbox() as team:
        told = CheckFacts(at=1, name="T+1", tell=(Tell(Webhook(f"{team.url}/team")),))
        up = ProbeFacts(
            name="health",
            url=f"{health.url}/health",
            expect=200,
            values={"/status": "UP"},
            within=60,
            token_header="Authorization",
            token_scheme="Bearer",
        )
        with recorded(tmp_path, checks=(told,), probes=(up,)) as both:
            both.shop.call("start", anyway=True, why="a test")
            servers.until(lambda: len(team.changes()) == 1, "the team to hear of the check")
            (kept,) = records(both.shop, "check")
        message = team.changes()[0].json
        assert message["type"] == "rollout.check"
        lines = [line["text"] for line in message["data"]["lines"]]
        assert message["data"]["title"].startswith("shop: T+1 of stage 10%: ")
        assert "OK probe health: answered 200" in lines
        assert "as asked: HAProxy web/canary on unix:haproxy.sock: weight 10" in lines
        assert (kept["check"], kept["stage"], kept["late"]) == ("T+1", "10%", False)
