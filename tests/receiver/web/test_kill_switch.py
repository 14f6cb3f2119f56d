"""The kill switch by call and by button: who may, what is said before, what the evidence keeps, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from guarded import Guarded, guarded
from handrail_receiver.cli import rollout
from handrail_receiver.client.kill_switch_command import kill_switch
from handrail_receiver.client.watched_lines import changed, lines_of
from handrail_receiver.doctor.delivery import of_kill_switch
from handrail_receiver.doctor.findings import Finding, Health, ok
from handrail_receiver.execute.kill_switch import KillSwitch

from .test_buttons import form, send, words


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Iterator[Guarded]:
    (tmp_path / "switch").mkdir()
    with guarded(tmp_path, proxy=False, KILL_SWITCH=str(tmp_path / "switch/handrail.stop")) as shop:
        yield shop


def turned(shop: Guarded, role: str = "operator", **body: object) -> httpx.Response:
    return shop.ask("POST", "/api/kill-switch", role, json=body)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def test_an_operator_stops_the_receiver_and_lets_it_act_again_and_the_evidence_says_who_and_why(
    shop: Guarded,
) -> None:
    assert shop.ask("GET", "/api/kill-switch", "viewer").json() == {"on": False, "text": "", "cannot": ""}
    set_it = turned(shop, on=True, why="HAProxy is being moved")
    assert set_it.json()["text"] == (
        "operator-1 set the kill switch: nothing is rolled back or promoted automatically from now on"
        " (HAProxy is being moved)"
    )
    now = shop.ask("GET", "/api/kill-switch", "viewer").json()
    assert (
        now["on"],
        now["text"].startswith("set by operator-1 at "),
        now["text"].endswith(": HAProxy is being moved"),
    ) == (
        True,
        True,
        True,
    )
    assert refused(turned(shop, on=True, why="again")) == (409, "already-so")
    assert "set: nothing is rolled back automatically" in words(shop.ask("GET", "/", "viewer").text)
    ready = shop.ask("GET", "/readyz", "nobody")
    off = "the kill switch is set: nothing would be rolled back automatically"
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "problems": [off]})
    assert turned(shop, on=False, why="it is moved").status_code == 200
    assert not (shop.folder / "switch/handrail.stop").exists()
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()
    assert [one["body"].count('"action":"kill-switch"') for one in records["records"]] == [1, 1, 1]
    assert records["whole"]


def test_what_nobody_may_or_can_is_refused_with_the_reason(shop: Guarded) -> None:
    assert refused(turned(shop, on=True)) == (409, "no-reason")
    assert refused(turned(shop, on=False, why="off")) == (409, "already-so")
    assert turned(shop, on="yes", why="x").json()["error"] == (
        "on: Input should be a valid boolean; send an object with on (true or false) and why"
    )
    assert turned(shop, "viewer", on=True, why="x").status_code == 403
    cross = {"origin": "https://evil.example", "content-type": "text/plain"}
    assert shop.ask("POST", "/api/kill-switch", content=b'{"on":true}', headers=cross).status_code == 400
    assert not (shop.folder / "switch/handrail.stop").exists()


def test_a_file_that_the_receiver_may_not_write_is_for_people_and_it_says_so(tmp_path: Path) -> None:
    there = tmp_path / "gone/handrail.stop"
    assert KillSwitch(there).cannot(on=True) == (
        f"HANDRAIL_KILL_SWITCH: the receiver may not write to {tmp_path / 'gone'}; make the file {there} yourself,"
        " or let the receiver's user write to its folder"
    )
    assert (
        KillSwitch(tmp_path).cannot(on=False)
        == f"HANDRAIL_KILL_SWITCH: {tmp_path} is a folder; remove it yourself"
    )
    assert KillSwitch(tmp_path / "handrail.stop").cannot(on=True) == ""


def test_its_button_asks_once_with_what_will_happen(shop: Guarded) -> None:
    assert 'id="ask-kill-switch"' in shop.ask("GET", "/", "operator").text
    assert 'id="ask-kill-switch"' not in shop.ask("GET", "/", "viewer").text
    asked = shop.ask("GET", "/kill-switch/ask", "operator")
    assert "Set the kill switch? From now on nothing is rolled back or promoted automatically" in words(
        asked.text
    )
    fields = form(asked.text)
    for wrong in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert send(shop, "/kill-switch/ask", {**fields, "why": "x"}, **wrong).status_code == 403
    assert send(shop, "/kill-switch/ask", {**fields, "on": "no", "why": "x"}).status_code == 403, (
        "another was shown"
    )
    assert not (shop.folder / "switch/handrail.stop").exists()
    done = send(shop, "/kill-switch/ask", {**fields, "why": "it acts up"})
    assert (done.status_code, "operator-1 set the kill switch" in words(done.text)) == (200, True)
    again = shop.ask("GET", "/kill-switch/ask", "operator")
    assert "Remove the kill switch? Handrail acts again" in words(again.text)
    assert "It is set: set by operator-1 at" in words(again.text)


@pytest.mark.parametrize("path", ["/kill-switch/ask", "/rollouts/shop/ask/rollback"])
def test_a_viewer_who_asks_for_what_only_others_may_gets_a_page(shop: Guarded, path: str) -> None:
    for method in ("GET", "POST"):
        page = shop.ask(method, path, "viewer")
        assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert "Nothing was done viewer-1 may not do that; it needs the role operator." in words(page.text)
        answer = shop.ask(method, path, "alertmanager")
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/json")


def test_the_same_from_a_terminal(
    shop: Guarded, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_URL", shop.server.url)
    monkeypatch.setenv("HANDRAIL_TOKEN", "an-operators-own-token")
    assert kill_switch("on", why="") == 1
    assert (
        capsys.readouterr().err == "refuse (no-reason): say why: everybody who looks at a rollout will ask\n"
    )
    assert kill_switch("status") == 0
    assert capsys.readouterr().out == "the kill switch is not set\n"
    assert kill_switch("on", why="a move") == 0
    assert kill_switch("status") == 1
    said = capsys.readouterr().out
    assert "the kill switch is set: set by operator-1 at " in said
    assert os.path.lexists(shop.folder / "switch/handrail.stop")
    assert kill_switch("off", why="moved") == 0
    capsys.readouterr()
    assert rollout("incident", "shop") == 0
    assert capsys.readouterr().out == "no incident yet\n"
    assert rollout("postmortem", "shop") == 1
    assert (
        capsys.readouterr().err
        == "shop has no incident yet; only a rollback, an emergency or an alert that escalates opens one\n"
    )
    assert rollout("ack", "shop") == 1
    assert capsys.readouterr().err.startswith("refuse (no-incident): no incident of shop is open; ")


def test_list_status_watch_and_doctor_say_that_it_is_set(
    shop: Guarded, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_URL", shop.server.url)
    monkeypatch.setenv("HANDRAIL_TOKEN", "an-operators-own-token")

    def said() -> tuple[str, list[str], list[str], Finding]:
        assert rollout("list") == 0
        err = capsys.readouterr().err
        assert rollout("status", "shop") == 0
        now = shop.ask("GET", "/api/rollouts/shop/now", "viewer").json()
        known = of_kill_switch(shop.ask("GET", "/api/kill-switch", "viewer").json())
        return err, capsys.readouterr().out.splitlines()[1:2], changed({}, lines_of(now))[1:2], known

    assert said()[0] == ""
    assert said()[3] == ok("kill switch", "it is not set")
    assert kill_switch("on", why="a move") == 0
    capsys.readouterr()
    problem = "the kill switch is set: nothing would be rolled back automatically"
    listed, status, watched, known = said()
    assert listed == f"{problem}; `handrail doctor` says what to do\n"
    assert status == [f"  {listed.strip()}"]
    assert [line[19:] for line in watched] == [f"   {problem}"]
    assert known.health is Health.failed
    assert known.text.startswith("it is set, and nothing is rolled back automatically: set by operator-1 at ")
    assert known.cure == '`handrail kill-switch off --why "…"` lets the receiver act again'


def test_whether_it_is_set_is_unknown_where_nobody_says() -> None:
    found = of_kill_switch({"error": "500: it is no receiver"})
    assert (found.health, found.text) == (Health.unknown, "500: it is no receiver")


def test_how_long_no_heartbeat_came_is_no_news_to_a_watch() -> None:
    blind = "the guard is blind: no heartbeat from Alertmanager for {} s"
    now: dict[str, Any] = {
        "rollout": "shop",
        "at": "2026-03-01T03:00:00Z",
        "attempt": None,
        "phase": "none",
        "stage": "",
        "held": "",
        "waits_for": "It waits for a start.",
        "guardrails": [],
        "asked": None,
        "traffic": "unknown",
        "fires": [],
        "unknown": "",
        "other_rules": "",
        "gate": None,
    }
    before = {line.about: line.known_by for line in lines_of({**now, "guard_problems": [blind.format(301)]})}
    assert changed(before, lines_of({**now, "guard_problems": [blind.format(306)]})) == []
    del before["the guard is blind"]
    again = changed(before, lines_of({**now, "guard_problems": [blind.format(306)]}))
    assert again == [f"2026-03-01 03:00:00   {blind.format(306)}"]
