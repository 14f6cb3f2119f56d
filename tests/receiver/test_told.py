"""Who hears of what, and when: through a real receiver, at the other end of a webhook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import servers
from apis import Inbox
from guarded import Guarded, guarded, playbook
from guarded.playbook import weights
from guarded.scraped import scraped
from handrail.contract import Confirmation, HAProxyWeight, Proof, Tell, Webhook

NOWHERE = "http://127.0.0.1:9"


@contextmanager
def told(folder: Path, *, prometheus: str = NOWHERE, **facts: Any) -> Iterator[tuple[Guarded, Inbox]]:
    """A receiver that tells `/team` of every action, and `/everybody` besides of an emergency."""
    with Inbox() as inbox:
        team, everybody = (Tell(Webhook(f"{inbox.url}/{who}")) for who in ("team", "everybody"))
        book = playbook(**facts)
        actions = tuple(
            action.model_copy(
                update={"tell": (team, everybody) if action.name == "emergency-rollback" else (team,)}
            )
            for action in book.actions
        )
        with guarded(folder, book.model_copy(update={"actions": actions}), PROMETHEUS=prometheus) as shop:
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


def confirmed(unreachable: str = "hold") -> dict[str, Any]:
    asks = Confirmation(after=0.2, expr="bad == 1", unreachable=unreachable)  # type: ignore[arg-type]
    return {"tiers": {"error-rate/critical": {"confirmation": asks}}}


def test_of_a_rollback_that_was_confirmed_the_team_hears(tmp_path: Path) -> None:
    with (
        scraped(tmp_path, bad=1) as application,
        told(tmp_path, prometheus=application.url, **confirmed()) as (shop, inbox),
    ):
        shop.deliver()
        assert until_heard(inbox, "team", "rollback done") == ("resolved", "error")
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
        title = "Handrail refuses deliveries, what they said is lost: alertmanager-1 was refused with 400"
        assert until_heard(inbox, "team", title) == ("open", "error")
        shop.deliver()
        shop.until("rollback", "done")
        until_heard(inbox, "team", "rollback done")
        assert sum("refuses deliveries" in said for said, _, _ in heard(inbox, "team")) == 1
        assert "401" not in str(heard(inbox, "team"))
