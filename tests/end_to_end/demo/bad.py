"""A running stack → the story, step by step: a canary goes out, goes bad, and is taken back.

Each step is a function of the demo that returns what it saw, or raises `Failed` with what it did not see.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from handrail.contract import names

from .api import Receiver
from .load import Load
from .screen import Drawn, Plain, ratio, split_of
from .times import Moment
from .view import ROLLOUT, Alert, Snapshot, View

LOOK_EVERY = 0.2
GUARDED_WITHIN = 40.0
IN_FLIGHT = 1.0  # an order that HAProxy had already given to the canary ends within this time
HEALTHY = 5.0  # how long both arms are well before the canary goes bad
WATCH = 10.0  # how long the canary must stay without an order after the rollback
FAULT = {"errors": 0.15, "delay": 0.05}


class Failed(Exception):
    """A step did not see what it waited for; the message says what, and what there was instead."""


@dataclass
class Demo:
    """What the steps work with, and what they note for one another."""

    view: View
    receiver: Receiver
    load: Load
    screen: Plain | Drawn
    moments: list[Moment] = field(default_factory=list)
    alert: Alert | None = None
    rolled_back: Snapshot | None = None

    def look(self) -> Snapshot:
        """One look at the stack, shown."""
        try:
            snapshot = self.view.look()
        except (httpx.HTTPError, OSError) as error:
            raise Failed(f"cannot look at the stack: {error!r}") from error
        self.screen.show(snapshot, self.load)
        return snapshot

    def note(self, what: str, witness: str, at: datetime) -> None:
        """Remember a moment for the table."""
        self.moments.append(Moment(what, witness, at))

    def rollback(self) -> Any:
        """The rollback as the receiver tells of it."""
        runs = [run for run in self.receiver.rollout(ROLLOUT)["runs"] if run["action"] in names.ACTING]
        if len(runs) != 1:
            raise Failed(f"there must be exactly one rollback; the receiver tells of {runs}")
        return runs[0]

    def wait(self, condition: Callable[[Snapshot], object], what: str, *, within: float) -> Snapshot:
        """Look until `condition` holds."""
        deadline = time.monotonic() + within
        while not condition(snapshot := self.look()):
            if time.monotonic() > deadline:
                raise Failed(f"waited {within:g} s for {what}; last seen: {snapshot}")
            time.sleep(LOOK_EVERY)
        return snapshot

    def watch(self, seconds: float, condition: Callable[[Snapshot], object], what: str) -> Snapshot:
        """Look for some time; `condition` must hold at every look."""
        deadline = time.monotonic() + seconds
        while condition(snapshot := self.look()):
            if time.monotonic() > deadline:
                return snapshot
            time.sleep(LOOK_EVERY)
        raise Failed(f"{what}; seen: {snapshot}")


def start(demo: Demo) -> str:
    """Start an attempt, as soon as Prometheus sees what it must: its first stage gives the canary a tenth."""
    deadline = time.monotonic() + GUARDED_WITHIN
    while True:
        try:
            demo.receiver.start(ROLLOUT)
            break
        except httpx.HTTPStatusError as error:
            answer = error.response
            if time.monotonic() > deadline:
                raise Failed(f"the receiver answered {answer.status_code}: {answer.text}") from error
        time.sleep(1)
    seen = demo.wait(lambda now: split_of(now) == "90/10", "90/10 in HAProxy", within=10)
    return f"HAProxy splits {split_of(seen)}"


def both_are_well(demo: Demo) -> str:
    """Both arms are measured and well, and nobody asks for a rollback."""
    demo.wait(
        lambda now: now.canary.errors is not None and now.stable.errors is not None and now.stage,
        "an error ratio for both arms",
        within=30,
    )
    seen = demo.watch(
        HEALTHY,
        lambda now: not now.acting("firing") and split_of(now) == "90/10",
        "a healthy canary must be left alone",
    )
    return f"error ratio {ratio(seen.stable.errors)} stable, {ratio(seen.canary.errors)} canary"


def canary_goes_bad(demo: Demo) -> str:
    """From now on three orders in twenty fail on the canary, and all of them take longer."""
    httpx.put(f"{demo.view.canary}/fault", json=FAULT, timeout=5, trust_env=False).raise_for_status()
    demo.note("the canary goes bad", "demo", datetime.now(UTC))
    seen = demo.wait(
        lambda now: (now.canary.errors or 0) > 0.01, "errors of the canary in Prometheus", within=20
    )
    return f"error ratio {ratio(seen.canary.errors)} on the canary, {ratio(seen.stable.errors)} on stable"


def alert_is_pending(demo: Demo) -> str:
    """Prometheus sees a limit breached that asks for a rollback."""
    seen = demo.wait(lambda now: now.acting("pending"), "an alert that asks for a rollback", within=30)
    alert = seen.acting("pending")
    assert alert is not None
    return f"{alert.name} asks for {alert.action}"


def alert_fires(demo: Demo) -> str:
    """The breach has lasted as long as the tier says (`sustained`)."""
    seen = demo.wait(lambda now: now.acting("firing"), "the alert to fire", within=40)
    demo.alert = alert = seen.acting("firing")
    assert alert is not None
    demo.note("limit breached: alert pending", "Prometheus", alert.since)
    return alert.name


def split_goes_back(demo: Demo) -> str:
    """HAProxy holds weight 0 for the canary: webhook, decision and act have happened."""
    seen = demo.wait(lambda now: now.canary.weight == 0, "weight 0 for the canary in HAProxy", within=10)
    demo.note("weight 0 is seen from outside", "HAProxy", seen.at)
    time.sleep(IN_FLIGHT)
    demo.rolled_back = demo.look()
    return f"HAProxy splits {split_of(seen)}"


def rollback_is_proved(demo: Demo) -> str:
    """The receiver asks Prometheus until the canary's traffic is gone."""
    demo.wait(lambda _: demo.rollback()["finished_at"], "the end of the rollback", within=40)
    run = demo.rollback()
    if run["state"] != "proved":
        raise Failed(f"the receiver says {run['state']}: {run['text']}")
    for what, key in (
        ("webhook received", "detected_at"),
        ("decided", "decided_at"),
        ("acted and read back", "acted_at"),
        ("proved: no traffic left", "proved_at"),
    ):
        demo.note(what, "receiver", datetime.fromisoformat(run[key]))
    fired_at = demo.view.fired_at(demo.alert) if demo.alert else None
    if fired_at is None:
        raise Failed("Alertmanager does not know of the alert any more, so nobody can say when it fired")
    demo.note("sustained: the alert fires", "Alertmanager", fired_at)
    return str(run["text"] or run["state"])


def canary_gets_nothing(demo: Demo) -> str:
    """The load goes on, and neither HAProxy nor the canary itself counts one more order for it."""
    before = demo.rolled_back
    assert before is not None
    seen = demo.watch(
        WATCH,
        lambda now: (
            (now.canary.requests, now.canary.given, now.canary.weight)
            == (before.canary.requests, before.canary.given, 0)
        ),
        f"after the rollback the canary must stay at {before.canary.requests} orders",
    )
    orders = seen.stable.requests - before.stable.requests
    if orders < WATCH:
        raise Failed(f"stable got only {orders} orders in that time: without a load this proves nothing")
    return f"0 orders for the canary while stable took {orders}"


STEPS: tuple[tuple[str, Callable[[Demo], str]], ...] = (
    ("the receiver starts the rollout with 10 %", start),
    ("both arms are well", both_are_well),
    ("the canary goes bad", canary_goes_bad),
    ("the alert is pending", alert_is_pending),
    ("the alert fires", alert_fires),
    ("the receiver takes the canary's orders away", split_goes_back),
    ("the receiver proves it in Prometheus", rollback_is_proved),
    ("the canary gets no order any more", canary_gets_nothing),
)
