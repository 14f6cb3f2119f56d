"""An hour without a receiver, shortened, with real Alertmanagers of both versions: nothing lost, nothing twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import servers
from guarded import Guarded
from guarded.alertmanagers import asked
from guarded.outage import KEPT, LASTS, PASSES, ROLLOUTS, World, world

OUTAGE = 60.0  # minutes
TRIES = "alertmanager_notification_requests_failed_total"


def call(shop: Guarded, rollout: str, verb: str, **given: object) -> str:
    """An operator's call; the text of its answer."""
    return str(shop.ask("POST", f"/api/rollouts/{rollout}/{verb}", json=given).json()["text"])


def runs(shop: Guarded, rollout: str) -> list[tuple[str, str]]:
    found = shop.ask("GET", f"/api/rollouts/{rollout}", "viewer").json()["runs"]
    return [(run["action"], run["state"]) for run in found]


def beat(shop: Guarded) -> float:
    return shop.metric("handrail_heartbeat_age_seconds")[""]


def passing(made: World, rollout: str) -> None:
    """A breach of a minute."""
    alert = f"{rollout.capitalize()}ErrorRateCritical"
    made.application.values[rollout] = 1
    servers.until(lambda: alert in made.application.firing(), f"{rollout} to fire")
    time.sleep(made.minute)
    made.application.values[rollout] = 0


def outage(made: World) -> float:
    """The hour: one alert lasts, one passes, one is kept up; the seconds it took."""
    began = time.monotonic()
    made.application.values[LASTS] = 1
    passing(made, PASSES)
    passing(made, KEPT)
    time.sleep(max(0.0, OUTAGE * made.minute - (time.monotonic() - began)))
    over = {f"{rollout.capitalize()}ErrorRateCritical" for rollout in (LASTS, KEPT)}
    servers.until(lambda: made.application.firing() - {"HandrailHeartbeat"} == over, "one to have passed")
    assert all(peer.count(TRIES) > 0 for peer in made.peers)
    return time.monotonic() - began


def survived(folder: Path, minute: float) -> tuple[str, set[str]]:
    """Live through an outage and hold what must be so after it; what a run has to say, and who told of what passed."""
    with world(folder, minute, OUTAGE) as made:
        with made.receiver() as shop:
            servers.until(lambda: made.heartbeats() > 0, "the heartbeat")
            for rollout in ROLLOUTS:
                call(shop, rollout, "start")
            asked(folder)
        made.spy.commands.clear()
        lasted, beats = outage(made), made.heartbeats()
        with made.receiver() as shop:
            began = time.monotonic()
            done = [("start", "done"), ("rollback", "done")]
            servers.until(lambda: all(runs(shop, one) == done for one in ROLLOUTS), "three rollbacks")
            took = time.monotonic() - began
            servers.until(lambda: made.heartbeats() > beats, "the heartbeat to be heard again")
            servers.until(lambda: len(made.deliveries(LASTS)) == 2, "Alertmanager's own delivery")
            repeats = counted(shop) + 3
            servers.until(lambda: counted(shop) >= repeats, "three repeats")
            hold(made, shop)
            assert beat(shop) < 5 * minute + 3
            assert "blind" not in call(shop, LASTS, "start")
            tries = sum(int(peer.count(TRIES)) for peer in made.peers)
            said = f"{lasted:.0f} s stood for {OUTAGE:.0f} min, {tries} tries of two Alertmanagers failed"
            line = f"{said}; three rollbacks {took:.1f} s after the return, 0 lost, 0 done twice"
            return line, set(made.deliveries(PASSES))


def counted(shop: Guarded) -> float:
    return shop.metric("handrail_notifications_total")['{result="repeat"}']


def hold(made: World, shop: Guarded) -> None:
    """Each was rolled back once, the evidence is whole, and each was heard of in the way it had to be."""
    for rollout in ROLLOUTS:
        once = [f"set weight {rollout}/canary 0", f"set weight {rollout}/stable 100"]
        assert made.effects(rollout) == once
        assert runs(shop, rollout) == [("start", "done"), ("rollback", "done")]
        evidence = shop.ask("GET", f"/api/rollouts/{rollout}/evidence", "viewer").json()
        assert evidence["whole"]
    servers.until(
        lambda: "firing" in made.deliveries(KEPT).get("alertmanager-1", set()),
        "Alertmanager's own delivery of what was kept up for longer than the outage",
    )
    servers.until(
        lambda: set().union(*made.deliveries(PASSES).values()) == {"firing", "resolved"},
        "somebody to have told of both ends of what passed",
    )
    servers.until(lambda: made.undecided() == 0, "every delivery to be decided on")


def test_an_hour_without_a_receiver_in_seconds(tmp_path: Path) -> None:
    survived(tmp_path, minute=0.08)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_hour_without_a_receiver_in_a_minute(tmp_path: Path) -> None:
    line, told = survived(tmp_path, minute=1)
    assert told == {"asked"}, "what fired and passed is never sent: it was found by asking"
    print(line)
