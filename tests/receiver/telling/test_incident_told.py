"""What tools downstream hear of an incident: it stays open there until a person closes it, and somebody has it once they say so."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import servers
from apis import Inbox
from guarded import guarded, playbook
from handrail.contract import Acknowledge, Tell, Webhook

from .test_told import heard, telling


def statuses(inbox: Inbox, who: str) -> list[str]:
    """The statuses that somebody heard of, each change once."""
    said = [status for _, status, _ in heard(inbox, who)]
    return [status for place, status in enumerate(said) if place == 0 or said[place - 1] != status]


def is_over(inbox: Inbox, who: str) -> bool:
    """Whether somebody has heard that it is over."""
    return statuses(inbox, who)[-1:] == ["resolved"]


def test_a_grave_incident_is_open_downstream_until_a_person_closes_it_and_late_ones_are_told_to_the_next(
    tmp_path: Path,
) -> None:
    with Inbox() as inbox:
        team, everybody, lead = (Tell(Webhook(f"{inbox.url}/{who}")) for who in ("team", "everybody", "lead"))
        deadlines = (Acknowledge(within=1, who="the on-call engineer", tell=(lead,)),)
        book = telling(playbook(acknowledge=deadlines), [team], [everybody])
        with guarded(tmp_path, book) as shop:
            shop.call("start", anyway=True, why="nothing to ask")
            refused = shop.call("emergency-rollback")
            assert (refused["verdict"], refused["reason"]) == ("refuse", "no-reason")
            done = shop.call("emergency-rollback", why="customers call")
            assert done["text"] == "operator-1 asked for an emergency-rollback: customers call"
            shop.until("emergency-rollback", "done")
            servers.until(lambda: bool(heard(inbox, "lead")), "the lead to hear that nobody has it")
            title = heard(inbox, "everybody")[-1][0]
            assert title.startswith("shop: emergency-rollback done; shop-1 is open until a person closes it")
            assert {statuses(inbox, who)[-1] for who in ("team", "everybody", "lead")} == {"open"}

            assert shop.call("ack", why="on it")["reason"] == "acknowledged"
            servers.until(
                lambda: statuses(inbox, "team")[-1] == "acknowledged", "the team to hear who has it"
            )
            assert shop.call("close", why="over")["reason"] == "no-cause"
            assert shop.call("close", why="over", cause="a wrong flag")["reason"] == "closed"
            for who in ("team", "everybody", "lead"):
                servers.until(partial(is_over, inbox, who), f"{who} to hear of the end")
            assert statuses(inbox, "everybody")[0] == "open"
        said = [request.json["data"] for request in inbox.requests if request.path == "/lead"]
        lines = [line["text"] for line in said[-1]["lines"]]
        assert any(
            "should have been acknowledged by the on-call engineer within 1 s, and nobody has" in one
            for one in lines
        )


def test_an_ordinary_rollback_is_over_downstream_once_it_got_through_and_open_for_people_all_the_same(
    tmp_path: Path,
) -> None:
    with Inbox() as inbox:
        book = telling(playbook(), [Tell(Webhook(f"{inbox.url}/team"))])
        with guarded(tmp_path, book) as shop:
            shop.call("start", anyway=True, why="nothing to ask")
            shop.call("rollback", why="slow")
            shop.until("rollback", "done")
            servers.until(lambda: statuses(inbox, "team")[-1:] == ["resolved"], "the team to hear of the end")
            assert statuses(inbox, "team")[0] == "open", "a fast one is opened before it is resolved"
            assert shop.metric("handrail_incidents_open") == {'{rollout="shop"}': 1}
            assert shop.metric("handrail_incident_acknowledged_timestamp_seconds") == {}
            shop.call("ack")
            assert list(shop.metric("handrail_incident_acknowledged_timestamp_seconds")) == [
                '{rollout="shop"}'
            ]
            assert shop.metric("handrail_incidents_ack_overdue") == {'{rollout="shop"}': 0}
            shop.call("close", why="found")
            assert shop.metric("handrail_incidents_open") == {'{rollout="shop"}': 0}
