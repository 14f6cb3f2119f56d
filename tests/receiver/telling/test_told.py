"""Who hears of what, and when: through a real receiver, at the other end of a webhook, a PagerDuty, a status page."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import servers
from apis import Inbox, Trouble
from guarded import Guarded, alert, body, guarded, playbook
from guarded.playbook import weights
from guarded.scraped import scraped
from handrail.contract import (
    Confirmation,
    HAProxyWeight,
    PagerDuty,
    Playbook,
    Proof,
    Secret,
    StatusPage,
    Tell,
    Webhook,
)
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

NOWHERE = "http://127.0.0.1:9"


def telling(book: Playbook, team: Sequence[Tell], everybody: Sequence[Tell] = ()) -> Playbook:
    """A playbook that tells `team` of every action, and `everybody` besides of an emergency."""
    actions = tuple(
        action.model_copy(
            update={"tell": (*team, *everybody) if action.name == "emergency-rollback" else tuple(team)}
        )
        for action in book.actions
    )
    return book.model_copy(update={"actions": actions})


@contextmanager
def told(folder: Path, *, prometheus: str = NOWHERE, **facts: Any) -> Iterator[tuple[Guarded, Inbox]]:
    """A receiver that tells `/team` of every action, and `/everybody` besides of an emergency."""
    with Inbox() as inbox:
        team, everybody = (Tell(Webhook(f"{inbox.url}/{who}")) for who in ("team", "everybody"))
        book = telling(playbook(**facts), [team], [everybody])
        with guarded(folder, book, PROMETHEUS=prometheus) as shop:
            shop.call("start", anyway=True, why="a step shall fail")
            yield shop, inbox


def heard(inbox: Inbox, who: str) -> list[tuple[str, str, str]]:
    """Title, status and severity of each message that somebody got."""
    said = [request.json["data"] for request in inbox.requests if request.path == f"/{who}"]
    return [(one["title"], one["status"], one["severity"]) for one in said]


def until_heard(inbox: Inbox, who: str, title: str) -> tuple[str, str]:
    """Status and severity of the first message with this in its title."""
    servers.until(lambda: any(title in said[0] for said in heard(inbox, who)), f"{who} to hear {title!r}")
    return next((status, severity) for found, status, severity in heard(inbox, who) if title in found)


class SlowResponse(Response):
    """A 202 that takes its time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(status_code=202)
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self.seconds)
        await super().__call__(scope, receive, send)


def confirmed(unreachable: str = "hold") -> dict[str, Any]:
    asks = Confirmation(after=0.2, expr="bad == 1", unreachable=unreachable)  # type: ignore[arg-type]
    return {"tiers": {"error-rate/critical": {"confirmation": asks}}}


def test_of_a_rollback_that_was_confirmed_the_team_hears(tmp_path: Path) -> None:
    with (
        scraped(tmp_path, bad=1) as application,
        told(tmp_path, prometheus=application.url, **confirmed()) as (shop, inbox),
    ):
        shop.deliver()
        until_heard(inbox, "team", "rollback done")
        assert heard(inbox, "team") == [
            ("shop: rollback under way", "open", "error"),
            ("shop: rollback done", "resolved", "error"),
        ]
        assert heard(inbox, "everybody") == []


def test_of_one_that_was_not_so_when_asked_again_nobody_hears(tmp_path: Path) -> None:
    with (
        scraped(tmp_path, bad=0) as application,
        told(tmp_path, prometheus=application.url, **confirmed()) as (shop, inbox),
    ):
        shop.deliver()
        shop.until("rollback", "withdrawn")
        shop.call("hold", why="lunch")
        until_heard(inbox, "team", "lunch")
        assert {title for title, _, _ in heard(inbox, "team")} == {"shop: operator-1: lunch"}


@pytest.mark.parametrize(("unreachable", "pages"), [("hold", False), ("page", True)])
def test_one_that_cannot_be_confirmed_is_held_or_paged(tmp_path: Path, unreachable: str, pages: bool) -> None:
    with told(tmp_path, **confirmed(unreachable)) as (shop, inbox):
        shop.deliver()
        assert until_heard(inbox, "team", "could not be confirmed") == ("open", "critical")
        if pages:
            assert until_heard(inbox, "everybody", "could not be confirmed") == ("open", "critical")
        assert bool(heard(inbox, "everybody")) == pages


def test_a_rollback_that_is_not_proved_reaches_everybody(tmp_path: Path) -> None:
    with told(tmp_path, proof=Proof(expr="traffic", at_most=0, within=1)) as (shop, inbox):
        shop.deliver()
        assert until_heard(inbox, "everybody", "rollback unproved") == ("open", "critical")


def test_a_step_that_shall_page_does_so_while_the_others_go_on(tmp_path: Path) -> None:
    proof = Proof(expr="traffic", at_most=0, within=60)
    absent = HAProxyWeight("web/gone", 0, ["unix:haproxy.sock"], tries=1, on_failure="page")
    with told(tmp_path, steps=[absent, *weights(0, 100)], proof=proof) as (shop, inbox):
        shop.deliver()
        assert until_heard(inbox, "everybody", "1 of 3 steps failed") == ("open", "critical")
        assert shop.weights() == (0, 100)


def test_a_delivery_of_ours_that_no_retry_can_mend_is_told_once_and_a_stranger_s_is_not(
    tmp_path: Path,
) -> None:
    with told(tmp_path) as (shop, inbox):
        assert shop.deliver(role="nobody").status_code == 401
        assert [shop.deliver(b"{}").status_code for _ in range(3)] == [400] * 3
        title = "Handrail refuses deliveries, and what they said is lost: alertmanager-1 was refused with 400"
        assert until_heard(inbox, "team", title) == ("open", "error")
        shop.deliver()
        shop.until("rollback", "done")
        until_heard(inbox, "team", "rollback done")
        assert sum("refuses deliveries" in said for said, _, _ in heard(inbox, "team")) == 1
        assert "401" not in str(heard(inbox, "team"))


def test_whoever_keeps_incidents_hears_of_the_opening_first_however_fast_the_rollback_was(
    tmp_path: Path,
) -> None:
    """The opening is refused twice, and nothing of the end is said before it was taken."""
    down, up = {"is": "down"}, {"is": "up"}
    with Inbox() as page, Inbox() as pager, Inbox() as tickets:
        team = [
            Tell(PagerDuty(Secret("pager"), pager.url)),
            Tell(StatusPage("PUT", page.url, down, up, Secret("page"))),
            Tell(Webhook(tickets.url)),
        ]
        for api in (page, pager, tickets):
            api.queue = [PlainTextResponse("not now", 503), PlainTextResponse("who are you?", 403)]
        keys: dict[str, Any] = {"SECRET_PAGER": "planted-routing-key", "SECRET_PAGE": "planted-page-token"}
        with guarded(tmp_path, telling(playbook(), team), **keys) as shop:
            shop.call("start")
            shop.deliver()
            shop.until("rollback", "done")
            servers.until(
                lambda: [len(api.requests) for api in (page, pager, tickets)] == [4, 4, 4],
                "all to be told",
                within=20,
            )
        assert [request.json["event_action"] for request in pager.requests] == [*["trigger"] * 3, "resolve"]
        assert [request.json for request in page.requests] == [down, down, down, up]
        assert [request.json["type"] for request in tickets.requests] == [
            *["rollout.incident.open"] * 3,
            "rollout.incident.resolved",
        ]
        assert len({request.headers["webhook-id"] for request in tickets.requests}) == 2


def test_who_cannot_be_told_is_tried_again_and_others_hear_of_it_and_why(tmp_path: Path) -> None:
    """The team's channel is gone. A status page is no substitute: the public reads it."""
    with Inbox() as gone, Inbox() as beside, Inbox() as page, Inbox() as boss:
        gone.trouble = Trouble.refused
        team = [Tell(Webhook(f"{gone.url}/hook")), Tell(Webhook(beside.url))]
        everybody = [
            Tell(StatusPage("PUT", page.url, {"is": "down"}, {"is": "up"}, Secret("page"))),
            Tell(Webhook(boss.url)),
        ]
        book = telling(playbook(proof=Proof(expr="traffic", at_most=0, within=300)), team, everybody)
        with guarded(tmp_path, book, SECRET_PAGE="planted-page-token", PROMETHEUS=NOWHERE) as shop:
            shop.call("start", anyway=True, why="Prometheus is away, so that nothing is proved")
            shop.deliver()
            servers.until(lambda: len(boss.requests) == 2, "the others to be told")
            name = f"the webhook at {gone.url.removeprefix('http://')}"
            why = f"{name} was not told: "
            for request in boss.requests:
                lines = [line["text"] for line in request.json["data"]["lines"]]
                assert [line for line in lines if line.startswith(why)] == lines[-1:]
            assert [request.json["data"]["status"] for request in boss.requests] == ["open", "acknowledged"]
            servers.until(
                lambda: why in beside.requests[-1].content.decode(), "those who were told to hear it"
            )
            assert f"Messages to {name}" in shop.ask("GET", "/", "viewer").text
            assert (len(gone.requests) >= 3, page.requests) == (True, [])
            assert shop.metric("handrail_tellings_total")['{channel="webhook",result="elsewhere"}'] == 1
            gone.trouble, before = Trouble.none, len(gone.requests)
            servers.until(lambda: len(gone.requests) == before + 2, "another try")
            servers.until(lambda: "Messages to" not in shop.ask("GET", "/", "viewer").text, "the page")
        statuses = [request.json["data"]["status"] for request in gone.requests[before:]]
        assert statuses == ["open", "acknowledged"]


def test_a_channel_that_hangs_delays_neither_the_rollback_nor_another_channel(tmp_path: Path) -> None:
    with Inbox() as hangs, Inbox() as inbox:
        hangs.trouble = Trouble.silent
        team = [Tell(Webhook(f"{hangs.url}/{n}")) for n in range(30)] + [Tell(Webhook(f"{inbox.url}/team"))]
        with guarded(tmp_path, telling(playbook(), team)) as shop:
            shop.call("start")
            shop.call("hold", why="lunch")
            servers.until(lambda: len(hangs.requests) == 30, "all of them to hang")
            began = time.monotonic()
            shop.deliver()
            shop.until("rollback", "done")
            until_heard(inbox, "team", "rollback done")
            assert (time.monotonic() - began < 13, len(hangs.requests)) == (True, 30)  # each hangs for 15 s


def test_an_alert_that_stops_and_a_hold_that_is_over_end_their_incident(tmp_path: Path) -> None:
    with told(tmp_path) as (shop, inbox):
        shop.deliver(body(alert("error-rate", "warning")))
        assert until_heard(inbox, "team", "a guardrail needs attention") == ("open", "warning")
        shop.deliver(body(alert("error-rate", "warning", status="resolved")))
        servers.until(lambda: heard(inbox, "team")[-1][1] == "resolved", "the end")
        shop.call("hold", why="lunch")
        until_heard(inbox, "team", "lunch")
        shop.call("resume")
        servers.until(lambda: heard(inbox, "team")[-1][1] == "resolved", "the end of lunch")
        assert [status for _, status, _ in heard(inbox, "team")] == ["open", "resolved", "open", "resolved"]


HEARTBEAT = json.dumps(
    {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "HandrailHeartbeat", "severity": "none"},
                "startsAt": "2026-01-01T00:00:00Z",
            }
        ],
    }
).encode()


def test_a_guard_that_sees_again_says_so_also_after_a_restart_and_never_before(tmp_path: Path) -> None:
    with Inbox() as inbox:
        book = telling(playbook(), [Tell(Webhook(f"{inbox.url}/team"))])
        with guarded(tmp_path, book, HEARTBEAT_WITHIN="1"):
            assert until_heard(inbox, "team", "Handrail is blind") == ("open", "critical")
        for _ in range(2):
            with guarded(tmp_path, book, HEARTBEAT_WITHIN="60") as shop:
                time.sleep(2.5)  # it looks for whom to tell every second
        with guarded(tmp_path, book, HEARTBEAT_WITHIN="60") as shop:
            shop.deliver(HEARTBEAT)
            until_heard(inbox, "team", "Handrail can see again")
        assert [status for _, status, _ in heard(inbox, "team")] == ["open", "resolved"]


def test_refusals_that_a_restart_forgot_are_not_said_to_be_over(tmp_path: Path) -> None:
    with told(tmp_path) as (shop, inbox):
        shop.deliver(b"{}")
        until_heard(inbox, "team", "Handrail refuses deliveries")
    with Inbox() as inbox:
        book = telling(playbook(), [Tell(Webhook(f"{inbox.url}/team"))])
        with guarded(tmp_path, book) as shop:
            time.sleep(2.5)
            shop.deliver(b"{}")
            time.sleep(2.5)
        assert heard(inbox, "team") == []


def test_what_was_being_told_when_it_was_ended_is_told_once(tmp_path: Path) -> None:
    with Inbox() as inbox:
        book = telling(playbook(), [Tell(Webhook(f"{inbox.url}/team"))])
        inbox.queue = [SlowResponse(1.5)]
        with guarded(tmp_path, book) as shop:
            shop.call("start")
            shop.call("hold", why="lunch")
            servers.until(lambda: len(inbox.requests) == 1, "the message")
        with guarded(tmp_path, book) as shop:
            time.sleep(2.5)
        assert len(inbox.requests) == 1
