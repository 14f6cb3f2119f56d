"""One fault stays one fault: a bad row, a poisoned decision, a vanished playbook, thousands of series."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import servers
from guarded import NOW, ROLLOUT, Guarded, alert, body, guarded, playbook, signal, write_playbook
from guarded.alertmanagers import NOBODY, alertmanager, asked
from guarded.playbook import ENVIRONMENT, weights
from guarded.scraped import RULES, watched
from handrail.contract import Playbook
from handrail_receiver.decide.alert_series import series_of
from handrail_receiver.decide.groups import MANY, bounded, by_tier, heard_as_well
from handrail_receiver.model import Attempt, AttemptState, Decision, Heard, History, LastSaid, Signal, Verdict
from handrail_receiver.playbooks import Playbooks

ATTEMPT = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")


def other(name: str) -> Playbook:
    """A rollout beside `shop`, of the same two servers."""
    return playbook(rollout=name, service=name)


SPOILED = {
    "pinned steps of another version": "UPDATE attempt SET pinned = replace(pinned, 'server', 'servant')"
    " WHERE rollout = 'search'",
    "a state of another version": "UPDATE attempt SET state = 'something newer' WHERE rollout = 'search'",
    "a playbook of another version": "UPDATE attempt SET playbook = '{}' WHERE rollout = 'search'",
    "a step of another version": "UPDATE effect SET step = '{}' WHERE run IN"
    " (SELECT run.id FROM run JOIN attempt ON attempt.id = run.attempt WHERE rollout = 'search')",
    "a run's state of another version": "UPDATE run SET state = 'something newer' WHERE attempt IN"
    " (SELECT id FROM attempt WHERE rollout = 'search')",
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_row_that_cannot_be_read_keeps_no_other_rollout_back(tmp_path: Path, spoil: str) -> None:
    write_playbook(tmp_path / "playbook", other("search"))
    with guarded(tmp_path) as shop:
        shop.call("start")
        shop.ask("POST", "/api/rollouts/search/start", json={})
    with closing(sqlite3.connect(tmp_path / "handrail.db")) as store, store:
        assert store.execute(spoil).rowcount > 0
    with guarded(tmp_path) as shop:
        shop.deliver(body(alert("error-rate", "critical", rollout="search")))
        shop.deliver()
        shop.until("rollback", "done")
        assert shop.weights() == (0, 100)
        for page in ("/", "/metrics", "/api/rollouts", f"/api/rollouts/{ROLLOUT}"):
            assert shop.ask("GET", page, "viewer").status_code == 200
        assert shop.ask("GET", "/readyz", "nobody").status_code == 200
        assert "it begins again" not in shop.server.log.read_text()


def test_what_was_missed_is_found_beside_an_attempt_that_cannot_be_read(tmp_path: Path) -> None:
    write_playbook(tmp_path / "playbook", other("search"))
    both = RULES + RULES.partition("rules:\n")[2].replace("shop", "search").replace("Shop", "Search")
    with watched(tmp_path, {"bad": 0}, rules=both) as application:
        with guarded(tmp_path, PROMETHEUS=application.url, ASK_EVERY="1") as shop:
            shop.call("start")
            shop.ask("POST", "/api/rollouts/search/start", json={})
            asked(tmp_path)
        application.values["bad"] = 1
        servers.until(lambda: len(application.firing()) == 2, "both alerts")
        application.values["bad"] = 0
        servers.until(lambda: not application.firing(), "their end")
        spoiled(tmp_path)
        with guarded(tmp_path, PROMETHEUS=application.url, ASK_EVERY="1") as shop:
            shop.until("rollback", "done")
            assert r"\"reason\":\"fault\"" in said(shop, "search")


def test_what_no_alertmanager_has_any_more_ends_beside_an_attempt_that_cannot_be_read(tmp_path: Path) -> None:
    write_playbook(tmp_path / "playbook", other("search"))
    with alertmanager(tmp_path, "0.25", NOBODY) as sender:
        with guarded(tmp_path) as shop:
            shop.call("start")
            shop.ask("POST", "/api/rollouts/search/start", json={})
        spoiled(tmp_path)
        with guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="0.2") as shop:
            shop.deliver(body(alert(tier="warning")))
            servers.until(lambda: r"\"reason\":\"gone\"" in said(shop, ROLLOUT), "its end")


def spoiled(folder: Path) -> None:
    """Make the attempt of `search` one that cannot be read."""
    with closing(sqlite3.connect(folder / "handrail.db")) as store, store:
        assert store.execute(SPOILED["a state of another version"]).rowcount > 0


def said(shop: Guarded, rollout: str) -> str:
    """The evidence of a rollout."""
    return shop.ask("GET", f"/api/rollouts/{rollout}/evidence", "viewer").text


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_person_rolls_back_an_attempt_that_cannot_be_read(tmp_path: Path, spoil: str) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
    with closing(sqlite3.connect(tmp_path / "handrail.db")) as store, store:
        assert store.execute(spoil.replace("search", ROLLOUT)).rowcount > 0
    with guarded(tmp_path) as shop:
        for verb in ("promote", "drill") if spoil == SPOILED["a state of another version"] else ():
            refused = shop.call(verb)
            assert (refused["verdict"], refused["reason"]) == ("refuse", "fault")
            assert refused["text"].startswith("its attempt cannot be read (ValueError: 'something newer'")
            for page in (f"/rollouts/{ROLLOUT}", f"/api/rollouts/{ROLLOUT}"):
                said = shop.ask("GET", page, "viewer")
                assert (said.status_code, "rolls back by the newest playbook" in said.text) == (500, True)
        answer = shop.call("rollback", why="customers cannot pay")
        assert (answer["verdict"], answer["outcome"], shop.weights()) == ("act", "done", (0, 100))
        assert shop.status()["attempt"]["state"] == "rolled-back"


def test_an_attempt_whose_playbook_is_gone_goes_on_by_its_own_copy_and_people_are_told(
    tmp_path: Path,
) -> None:
    write_playbook(tmp_path / "playbook", other("search"))
    with guarded(tmp_path) as shop:
        shop.call("start")
        (tmp_path / "playbook" / "shop.json").unlink()
        said = "its playbook is gone from the folder; the attempt goes on by its own copy"
        servers.until(lambda: said in shop.status()["attempt"]["held"], "it to be told")
        ready = shop.ask("GET", "/readyz", "nobody")
        assert (ready.status_code, ready.json()["problems"]) == (
            200,
            ["shop: its playbook is gone; its attempt goes on by its own copy"],
        )
        shop.deliver()
        shop.until("rollback", "done")
        assert shop.weights() == (0, 100)


def test_a_playbook_that_is_removed_counts_until_it_is_known_which_attempts_have_copies(
    tmp_path: Path,
) -> None:
    write_playbook(tmp_path, other("search"))
    file = write_playbook(tmp_path, playbook()) / "shop.json"
    books = Playbooks(tmp_path, lambda _: None)
    books.refresh()
    file.unlink()
    books.refresh()
    assert (books.get(ROLLOUT), [one.rollout for one in books.all()]) == (playbook(), ["search", ROLLOUT])
    books.keep([replace(ATTEMPT, playbook=playbook(budget_per_day=9))])
    assert (books.get(ROLLOUT), books.gone) == (playbook(budget_per_day=9), (ROLLOUT,))
    books.keep([])
    assert (books.get(ROLLOUT), [one.rollout for one in books.all()]) == (None, ["search"])


def test_the_one_attempt_of_a_rollout_without_stages_goes_by_the_newest_playbook(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(stages=())) as shop:
        servers.until(lambda: shop.status()["attempt"], "it to be guarded")
        write_playbook(tmp_path / "playbook", playbook(stages=(), steps=weights(0, 99)))
        adopted = "shop adopt: act (adopted) it continues with the newest playbook"
        servers.until(lambda: adopted in shop.server.log.read_text(), "the new playbook")
        shop.deliver()
        shop.until("rollback", "done")
        assert shop.weights() == (0, 99)


def test_thousands_of_series_are_decided_once_and_delay_nobody(tmp_path: Path) -> None:
    with guarded(tmp_path) as shop:
        shop.call("start")
        many = [alert("error-rate", "critical", table=f"t{number}") for number in range(1000)]
        began = time.monotonic()
        for first in range(5):
            delivery = body(*(one | {"labels": one["labels"] | {"part": str(first)}} for one in many))
            assert shop.deliver(delivery).status_code == 200
        shop.until("rollback", "done")
        servers.until(
            lambda: "handrail_rollout_stage" in shop.ask("GET", "/metrics", "viewer").text, "metrics"
        )
        assert time.monotonic() - began < 10
        records = shop.ask("GET", f"/api/rollouts/{ROLLOUT}/evidence", "viewer").json()["records"]
        assert len([one for one in records if one["kind"] == "decision"]) <= 6


def test_of_many_series_the_newest_is_judged_and_all_are_remembered() -> None:
    many = [signal(table=str(number)) for number in range(MANY)]
    few = [signal("leaks", "critical"), signal("error-rate", "warning")]
    chosen, others = by_tier([few[0], *many, few[1]])
    assert (chosen, others) == ([few[0], many[0], few[1]], [many[1:]])
    known = LastSaid(series_of(many[1]), "error-rate/critical", firing=True, at=NOW)
    history = History(ATTEMPT, said=(known,))
    (made,) = heard_as_well(others[0], lambda _: history)
    assert (made.verdict, made.attempt) == (Verdict.repeat, 7)
    assert made.changes == tuple(
        Heard(series_of(one), "error-rate/critical", firing=True) for one in many[2:]
    )


def test_what_does_not_count_is_not_remembered_of_thousands_either() -> None:
    book = playbook(environment=ENVIRONMENT)
    history = History(ATTEMPT)

    def remembered(*many: Signal) -> list[tuple[str, str]]:
        made = heard_as_well(many, lambda _: history, book, "alertmanager")
        return [(one.source, one.origin) for two in made for one in two.changes if isinstance(one, Heard)]

    staging = [signal(environment="staging", table=str(number)) for number in range(3)]
    nodata = [signal(alertname="DatasourceNoData", table=str(number)) for number in range(3)]
    assert remembered(*staging) == []
    assert remembered(*nodata) == [("error-rate/blind", "alertmanager")] * 3
    mixed = [signal(), *[signal(alertname="DatasourceNoData", table=str(number)) for number in range(MANY)]]
    chosen, others = by_tier(mixed)
    assert (chosen, len(others[0])) == ([mixed[0], mixed[1]], MANY - 1)


def test_what_cannot_be_decided_is_told_and_what_was_decided_before_stays() -> None:
    before = Decision(Verdict.note, "resolved", "it stopped")

    def judged() -> Iterator[Decision]:
        yield before
        raise KeyError("a row of a newer version")

    made = list(bounded(judged(), signal(), playbook()))
    assert made[0] == before
    assert (made[1].verdict, made[1].reason, made[1].rollout) == (Verdict.tell, "fault", ROLLOUT)
    assert made[1].text == (
        "its alert asks for rollback and cannot be decided (KeyError: 'a row of a newer version'); people must act"
    )
