"""When nobody knows what fires: after the start, after the store was away, and after we were not let run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import servers
from apis import Api, Request
from apis.serving import Trouble
from guarded import NOW, Guarded, alert, body, guarded
from handrail_receiver.catch_up.doubts import AWAY, Doubts
from handrail_receiver.operations.gate_result import UNHEARD
from starlette.responses import JSONResponse, Response


@dataclass
class Moved:
    """A clock that is moved by hand."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def asked(clock: Moved) -> Doubts:
    """Everybody was asked."""
    doubts = Doubts(clock)
    assert doubts.since() == NOW
    doubts.end(doubts.newest)
    assert (doubts.since(), doubts.asks.is_set()) == (None, False)
    return doubts


def test_a_machine_that_slept_is_one_that_was_away() -> None:
    """What is due by then, such as a stage or the end of a hold, waits until it is known what fired meanwhile."""
    clock = Moved()
    doubts = asked(clock)
    clock.at += AWAY
    assert (doubts.since(), doubts.asks.is_set()) == (None, False)
    clock.at += AWAY + timedelta(seconds=1)
    assert (doubts.since(), doubts.asks.is_set()) == (clock.at, True)
    doubts.end(doubts.newest)
    clock.at += timedelta(seconds=1)
    assert doubts.since() is None


def test_a_clock_that_is_set_back_is_no_absence() -> None:
    clock = Moved()
    doubts = asked(clock)
    clock.at -= timedelta(hours=1)
    assert doubts.since() is None
    clock.at += AWAY
    assert doubts.since() is None


def test_what_begins_while_others_are_asked_is_not_over_with_their_answers() -> None:
    clock = Moved()
    doubts = asked(clock)
    asking = doubts.newest
    clock.at += timedelta(seconds=5)
    doubts.begin()
    doubts.end(asking)
    assert doubts.since() == clock.at


class Nothing(Api):
    """An Alertmanager without alerts."""

    def answer(self, _: Request) -> Response:
        """None."""
        return JSONResponse([])


def unknown(shop: Guarded) -> bool:
    return UNHEARD in shop.ask("GET", "/api/rollouts/shop/gate", "viewer").text


def test_alerts_that_were_cut_off_are_in_doubt_until_alertmanager_was_asked(tmp_path: Path) -> None:
    """Until then no gate opens past what a group had more than it may send."""
    with Nothing() as sender, guarded(tmp_path, ALERTMANAGERS=sender.url, ASK_EVERY="3600") as shop:
        shop.call("start")
        servers.until(lambda: not unknown(shop), "it to be asked for the first time")
        sender.trouble = Trouble.silent
        shop.deliver(body(alert(tier="warning", status="resolved"), truncatedAlerts=1))
        servers.until(lambda: unknown(shop), "the doubt")
        sender.trouble = Trouble.none
