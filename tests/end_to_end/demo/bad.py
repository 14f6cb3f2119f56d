"""The story's second part: the next version goes out, goes bad, and is rolled back automatically."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import httpx
from handrail.contract import names

from .screen import ratio, split_of
from .story import Demo, Failed, Step

IN_FLIGHT = 1.0  # an order that HAProxy had already given to the canary ends within this time
HEALTHY = 5.0  # how long both arms are well before the canary goes bad
WATCH = 6.0  # how long the canary must stay without an order after the rollback
FAULT = {"errors": 0.12, "delay": 0.05}


def start(demo: Demo) -> str:
    """Whatever was before, the first stage gives the canary a tenth of the orders, and stable all others."""
    said = demo.start("checkout:2.1")
    demo.wait(lambda now: split_of(now) == "90/10", "90/10 in HAProxy", within=10)
    return said


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
    """From now on one order in eight fail on the canary, and all of them take longer."""
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
    demo.wait(lambda _: _rollback(demo)["finished_at"], "the end of the rollback", within=40)
    run = _rollback(demo)
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


def _rollback(demo: Demo) -> Any:
    """The rollback as the receiver tells of it."""
    runs = [run for run in demo.told()["runs"] if run["action"] in names.ACTING]
    if len(runs) != 1:
        raise Failed(f"there must be exactly one rollback; the receiver tells of {runs}")
    return runs[0]


STEPS: tuple[Step, ...] = (
    ("olga starts the rollout of version 2.1 with 10 %", start),
    ("both arms are well", both_are_well),
    ("the canary goes bad", canary_goes_bad),
    ("the alert is pending", alert_is_pending),
    ("the alert fires", alert_fires),
    ("the receiver takes the canary's orders away", split_goes_back),
    ("the receiver proves it in Prometheus", rollback_is_proved),
    ("the canary gets no order any more", canary_gets_nothing),
)
