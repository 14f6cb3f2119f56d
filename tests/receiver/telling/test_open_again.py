"""An alert that wakes people, fires again and asks again: whoever was told of its incident hears that it is open again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import servers
from apis import Inbox, Slack
from guarded import Guarded, alert, body, guarded, playbook
from handrail.contract import PagerDuty, Secret, Tell, Webhook
from handrail.contract import Slack as SlackChannel

from .test_incident_told import statuses
from .test_told import heard, telling

WAKES = {"error-rate/warning": {"opens_incident": True}}
HOLDS = {"error-rate/warning": {"opens_incident": True, "action": "hold"}}


@dataclass(frozen=True)
class Heard:
    """The receiver, and what PagerDuty, Slack and a ticket system were told."""

    shop: Guarded
    pager: Inbox
    slack: Slack
    tickets: Inbox

    def until(self, *said: str) -> None:
        """The ticket system's statuses, each change once, are these."""
        servers.until(lambda: statuses(self.tickets, "team") == list(said), f"{said}", within=20)

    def paged(self, *said: tuple[str, str]) -> None:
        """PagerDuty's events, each change once, are these: action, and dedup key."""

        def events() -> list[tuple[str, str]]:
            sent = [(one.json["event_action"], one.json["dedup_key"]) for one in self.pager.requests]
            return [one for place, one in enumerate(sent) if place == 0 or sent[place - 1] != one]

        servers.until(lambda: events() == list(said), f"{said}, and not {events()}", within=20)

    def fires(self, *, stops: bool = False, since: datetime | None = None) -> None:
        status = "resolved" if stops else "firing"
        self.shop.deliver(body(alert("error-rate", "warning", status=status, starts_at=since)))


@contextmanager
def hearing(folder: Path, tiers: dict[str, Any]) -> Iterator[Heard]:
    with Inbox() as pager, Slack() as slack, Inbox() as tickets:
        team = [
            Tell(PagerDuty(Secret("pager"), pager.url)),
            Tell(SlackChannel("#incidents", token=Secret("slack"), url=f"{slack.url}/api")),
            Tell(Webhook(f"{tickets.url}/team")),
        ]
        keys: dict[str, Any] = {"SECRET_PAGER": "planted-routing-key", "SECRET_SLACK": slack.token}
        with guarded(folder, telling(playbook(tiers=tiers), team), **keys) as shop:
            shop.call("start", anyway=True, why="nothing to ask")
            yield Heard(shop, pager, slack, tickets)


def test_one_that_somebody_had_is_open_again_though_the_rollout_is_held_already(tmp_path: Path) -> None:
    with hearing(tmp_path, HOLDS) as said:
        said.fires()
        said.until("open")
        said.shop.call("ack")
        said.until("open", "acknowledged")
        said.fires(stops=True)
        said.fires()
        said.until("open", "acknowledged", "open")
        said.paged(("trigger", "shop-1"), ("acknowledge", "shop-1"), ("trigger", "shop-1-2"))
        servers.until(lambda: len(said.slack.messages) == 2, "an answer that Slack shows in the channel")
        said.shop.call("ack")
        said.until("open", "acknowledged", "open", "acknowledged")


def test_one_that_fires_after_the_rollback_got_through_opens_what_was_told_to_be_over(tmp_path: Path) -> None:
    with hearing(tmp_path, WAKES) as said:
        said.shop.deliver()
        said.shop.until("rollback", "done")
        said.until("open", "resolved")
        said.fires()
        said.until("open", "resolved", "open")
        assert heard(said.tickets, "team")[-1][0] == (
            "shop: error-rate breaks its warning limit; rollback done"
        )
        said.fires(stops=True)
        said.until("open", "resolved", "open", "resolved")
        said.fires()
        said.until("open", "resolved", "open", "resolved", "open")
        said.paged(*[("trigger", "shop-1"), ("resolve", "shop-1")] * 2, ("trigger", "shop-1"))
        said.shop.call("ack")
        said.until("open", "resolved", "open", "resolved", "open", "acknowledged")
        said.fires(stops=True)
        said.until("open", "resolved", "open", "resolved", "open", "acknowledged", "resolved")


def test_one_that_goes_on_tells_nobody_twice(tmp_path: Path) -> None:
    since = datetime.now(UTC)
    with hearing(tmp_path, HOLDS) as said:
        said.fires(since=since)
        said.until("open")
        said.shop.call("ack")
        said.until("open", "acknowledged")
        before = len(said.tickets.requests)
        for _ in range(3):
            said.fires(since=since)
        said.fires(stops=True)
        servers.until(lambda: len(said.tickets.requests) > before, "the end to be told")
        assert statuses(said.tickets, "team") == ["open", "acknowledged"]
        said.paged(("trigger", "shop-1"), ("acknowledge", "shop-1"))
