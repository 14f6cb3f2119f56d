"""Labels and routes → the receivers an alert reaches: the same that Alertmanager's own tool finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from emit.guarded_shop import planned
from handrail.contract import names
from handrail.emit.alertmanager import emit
from handrail.plan.routing import Matcher, routes_of
from servers import program


def test_every_alert_takes_the_routes_that_amtool_says(tmp_path: Path) -> None:
    shop = planned()
    (tmp_path / "alertmanager.yml").write_text(emit(shop.common)[names.ALERTMANAGER_FILE])
    ours, theirs = {}, {}
    for rollout in shop.rollouts:
        for alert in (*rollout.alerts, rollout.heartbeat):
            labels = {"alertname": alert.name, **dict(alert.labels)}
            routes = [route.receiver for route in routes_of(shop.common.routing, labels)]
            ours[alert.name] = routes or [shop.common.routing.receivers[0].name]
            theirs[alert.name] = asked(tmp_path / "alertmanager.yml", labels)
    assert len(ours) > 10
    assert ours == theirs


def asked(config: Path, labels: dict[str, str]) -> list[str]:
    """The receivers that `amtool config routes test` names."""
    argv = [program("amtool"), "config", "routes", "test", f"--config.file={config}"]
    pairs = [f"{label}={value}" for label, value in labels.items()]
    return (
        subprocess.run([*argv, *pairs], check=True, capture_output=True, text=True).stdout.strip().split(",")
    )


def test_a_matcher_fits_whole_values_and_takes_a_missing_label_for_an_empty_one() -> None:
    labels = {"action": "rollback"}
    fits = {
        (op, value): Matcher("action", op, value).fits(labels)
        for op, value in (
            ("=", "rollback"),
            ("=", "roll"),
            ("!=", "hold"),
            ("=~", "rollback|hold"),
            ("=~", "roll"),
            ("!~", "roll"),
        )
    }
    assert fits == {
        ("=", "rollback"): True,
        ("=", "roll"): False,
        ("!=", "hold"): True,
        ("=~", "rollback|hold"): True,
        ("=~", "roll"): False,
        ("!~", "roll"): True,
    }
    assert Matcher("level", "=", "").fits(labels)
