"""What fired while the receiver was away, with real Alertmanagers: muted is left alone, the rest is acted on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import servers
from guarded import Guarded, guarded
from guarded.alertmanagers import NOBODY, VERSIONS, alertmanager, asked
from guarded.scraped import Application, watched

RULES = """
groups:
- name: shop
  interval: 250ms
  rules:
  - alert: ShopErrorRateCritical
    expr: bad == 1
    labels: {rollout: shop, service: shop, environment: production, guardrail: error-rate, tier: critical, action: rollback}
  - alert: ShopLeaksCritical
    expr: leaking == 1
    labels: {rollout: shop, service: shop, environment: production, guardrail: leaks, tier: critical, action: security-rollback}
  - alert: Maintenance
    expr: maintenance == 1
    labels: {service: shop}
"""
CONFIG = {
    **NOBODY,
    "inhibit_rules": [
        {
            "source_matchers": ['alertname="Maintenance"'],
            "target_matchers": ['guardrail="leaks"'],
            "equal": ["service", "cluster"],
        }
    ],
}


@contextmanager
def watching(folder: Path, application: Application, alerting: str, **more: str) -> Iterator[Guarded]:
    """The receiver, once it has asked everybody: what comes from then on it would hear of."""
    settings: dict[str, Any] = {
        "PROMETHEUS": application.url,
        "ALERTMANAGERS": f"http://{alerting}",
        "ASK_EVERY": "1",
        **more,
    }
    with guarded(folder, **settings) as shop:
        if not shop.runs():
            shop.call("start")
            asked(folder)
        yield shop


def passing(application: Application, *alerts: str, **values: float) -> None:
    """Values that make alerts fire, until they do; then they are gone again."""
    application.values.update(values)
    servers.until(lambda: set(alerts) <= application.firing(), f"{alerts} to fire")
    application.values.update(dict.fromkeys(values, 0))
    servers.until(lambda: not set(alerts) & application.firing(), f"{alerts} to be over")


def reasons(shop: Guarded) -> list[tuple[str, str]]:
    """Reason and text of every decision but the start, as the evidence has them."""
    records = shop.ask("GET", "/api/rollouts/shop/evidence", "viewer").json()["records"]
    bodies = [json.loads(record["body"]) for record in records if record["kind"] == "decision"]
    return [(body["reason"], body["text"]) for body in bodies if body["action"] != "start"]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_muted_is_left_alone_and_what_was_not_is_rolled_back(tmp_path: Path, version: str) -> None:
    alerting = servers.free_address()
    with (
        alertmanager(tmp_path, version, CONFIG, alerting) as server,
        watched(tmp_path, {"bad": 0, "leaking": 0, "maintenance": 1}, [alerting], RULES) as application,
    ):
        with watching(tmp_path, application, alerting):
            pass
        number = server.silence(guardrail="error-.*", cluster="eu")
        servers.until(lambda: "Maintenance" in application.firing(), "the maintenance")
        passing(application, "ShopErrorRateCritical", "ShopLeaksCritical", bad=1, leaking=1)
        with watching(tmp_path, application, alerting) as shop:
            servers.until(lambda: len(reasons(shop)) == 2, "what was found")
            found = {(reason, text.partition("; ")[2]) for reason, text in reasons(shop)}
            assert found == {
                (
                    "muted",
                    "found by asking Prometheus; silenced by alice: known, see the notes: left alone",
                ),
                ("muted", "found by asking Prometheus; inhibited by Maintenance: left alone"),
            }
            asked(tmp_path)
            assert (shop.runs(), shop.weights()) == ([("start", "done")], (10, 90))
        server.end_silence(number)
        passing(application, "ShopErrorRateCritical", bad=1)
        with watching(tmp_path, application, alerting) as shop:
            shop.until("rollback", "done")
            assert shop.weights() == (0, 100)


def test_an_alert_that_fires_on_under_a_silence_is_left_alone(tmp_path: Path) -> None:
    alerting = servers.free_address()
    with (
        alertmanager(tmp_path, "0.33", NOBODY, alerting) as server,
        watched(tmp_path, {"bad": 0}, [alerting]) as application,
    ):
        with watching(tmp_path, application, alerting):
            pass
        application.values["bad"] = 1
        servers.until(lambda: bool(application.firing()), "the alert")
        server.silence(rollout="shop")
        with watching(tmp_path, application, alerting) as shop:
            servers.until(lambda: len(reasons(shop)) == 1, "what was found")
            asked(tmp_path)
            [(reason, text)] = reasons(shop)
            assert (reason, " and still does UTC; " in text) == ("muted", True)
            assert shop.runs() == [("start", "done")]


@pytest.mark.parametrize(("muted", "reason"), [(True, "muted"), (False, "limit-broken")])
def test_while_no_alertmanager_says_what_was_silenced_people_are_asked(
    tmp_path: Path, muted: bool, reason: str
) -> None:
    alerting = servers.free_address()
    with watched(tmp_path, {"bad": 0}, [alerting]) as application:
        with alertmanager(tmp_path, "0.33", NOBODY, alerting) as server:
            if muted:
                server.silence(rollout="shop")
            with watching(tmp_path, application, alerting):
                pass
        passing(application, "ShopErrorRateCritical", bad=1)
        with watching(tmp_path, application, alerting) as shop:
            servers.until(lambda: shop.status()["attempt"]["held"] != "", "the hold")
            assert shop.call("promote")["text"].startswith(
                "held: an alert fired that Alertmanager did not deliver, and no Alertmanager says whether it was silenced"
            )
            assert [reason for reason, _ in reasons(shop)] == ["silences-unknown", "not-ready"]
            with alertmanager(tmp_path, "0.33", NOBODY, alerting):
                servers.until(lambda: reason in [reason for reason, _ in reasons(shop)], "the answer")
                if not muted:
                    shop.until("rollback", "done")
                assert shop.weights() == ((10, 90) if muted else (0, 100))


def test_where_that_is_declared_it_is_acted_on_without_knowing(tmp_path: Path) -> None:
    alerting = servers.free_address()
    with watched(tmp_path, {"bad": 0}) as application:
        with (
            alertmanager(tmp_path, "0.33", NOBODY, alerting),
            watching(tmp_path, application, alerting),
        ):
            pass
        passing(application, "ShopErrorRateCritical", bad=1)
        with watching(tmp_path, application, alerting, SILENCES_UNKNOWN="act") as shop:
            shop.until("rollback", "done")
            assert shop.weights() == (0, 100)
