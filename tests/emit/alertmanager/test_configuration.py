"""The plan's routing → alertmanager.yml, judged by amtool 0.25 and the newer one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emit.guarded_shop import planned
from handrail.declare import Environment
from handrail.emit import alertmanager
from handrail.output.read_yaml import read_yaml
from handrail.plan import Alert, Plan, Rollout
from own_rollouts import own_declarations, own_plan
from servers import program
from servers.newer import newer

ROOT = Path(__file__).parents[3]
ROUTED = ("severity", "action", "mode", "level")
"""The labels that routes look at, beside the rollout."""
OLD, NEW = (0, 25), (0, 33)
BOTH = pytest.mark.parametrize("amtool", [program("amtool"), newer("amtool")], ids=["0.25", "newer"])


def written(plan: Plan, folder: Path) -> Path:
    """alertmanager.yml with its templates, in `folder`."""
    for path, text in alertmanager.emit(plan.common).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder / "alertmanager/alertmanager.yml"


def config(plan: Plan) -> dict[str, Any]:
    loaded: dict[str, Any] = read_yaml(alertmanager.emit(plan.common)["alertmanager/alertmanager.yml"])
    return loaded


def asked(*argv: str | Path) -> tuple[int, str]:
    done = subprocess.run(list(map(str, argv)), check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


@BOTH
def test_amtool_accepts_it(amtool: Path, tmp_path: Path) -> None:
    code, said = asked(amtool, "check-config", written(planned(), tmp_path))
    assert (code, "SUCCESS" in said, "FAILED" in said) == (0, True, False), said


def test_the_time_limit_of_a_webhook_is_written_only_for_versions_that_know_it(tmp_path: Path) -> None:
    new = written(planned(alertmanager=NEW), tmp_path)
    assert asked(newer("amtool"), "check-config", new)[0] == 0
    code, said = asked("amtool", "check-config", new)
    assert (code, "field timeout not found" in said) == (1, True)
    limits = [
        [
            hook.get("timeout")
            for receiver in made["receivers"]
            for hook in receiver.get("webhook_configs", [])
        ]
        for made in (config(planned(alertmanager=version)) for version in (OLD, (0, 27), (0, 28), NEW))
    ]
    assert limits == [[None] * 3, [None] * 3, ["10s"] * 3, ["10s"] * 3]


def expected(alert: Alert, rollout: Rollout) -> list[str]:
    """Who hears of an alert, by what the declaration says, in words rather than matchers."""
    labels = dict(alert.labels)
    told = ["handrail"]
    people = {
        "shop": {"P1": "shop/P1", "P3": "shop/P3", "vp": "shop/vp"},
        "kiosk": {"critical": "kiosk/critical"},
    }[rollout.name]
    word = labels.get("level", labels.get("severity", ""))
    if word in people and labels.get("mode") != "shadow":
        told.append(people[word])
    return told


def alerts(plan: Plan) -> Iterator[tuple[Rollout, Alert, dict[str, str]]]:
    """Every alert there can be, with the labels it fires with; a level fires with those of what is unresolved."""
    for rollout in plan.rollouts:
        for alert in rollout.alerts:
            taken = {"rollout": rollout.name, "service": rollout.service, "guardrail": "errors"}
            unresolved = {**taken, "tier": "emergency", "severity": dict(rollout.severities)["emergency"]}
            yield rollout, alert, {"alertname": alert.name, **unresolved, **dict(alert.labels)}


@BOTH
def test_every_alert_of_the_plan_reaches_whom_it_should(amtool: Path, tmp_path: Path) -> None:
    made = written(planned(), tmp_path)
    for rollout, alert, labels in alerts(planned()):
        said = asked(
            amtool,
            "config",
            "routes",
            "test",
            "--config.file",
            made,
            *(f"{k}={v}" for k, v in labels.items()),
        )
        assert (alert.name, said[1].strip().split(",")) == (alert.name, expected(alert, rollout))


def test_every_alert_of_this_repository_reaches_whom_its_environment_names(tmp_path: Path) -> None:
    place, plan = own_declarations().environment(None), own_plan()
    made = written(plan, tmp_path)
    alike = {
        (rollout.name, *(labels.get(key) for key in ROUTED)): (rollout, alert, labels)
        for rollout, alert, labels in alerts(plan)
    }
    for rollout, alert, labels in alike.values():
        pairs = [f"{label}={text}" for label, text in labels.items()]
        _, said = asked("amtool", "config", "routes", "test", f"--config.file={made}", *pairs)
        words = [labels["level"]] if "level" in labels else [labels["severity"], labels["action"]]
        told = [word for word in words if place.routes.get(word) and "mode" not in labels]
        people = [f"{rollout.name}/{word}" for word in told]
        assert (alert.name, said.strip().split(",")) == (alert.name, ["handrail", *people])


@BOTH
@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("alertname=HandrailHeartbeat rollout=shop severity=none action=investigate", "handrail-heartbeat"),
        ("rollout=shop severity=P1 action=rollback environment=production", "handrail,shop/P1"),
        ("rollout=shop severity=P1 action=rollback mode=shadow environment=production", "handrail"),
        ("rollout=shop severity=P2 action=rollback environment=production", "handrail"),
        ("rollout=shop severity=P1 action=investigate level=manager environment=production", "handrail"),
        ("rollout=shop severity=P1 action=investigate level=vp environment=production", "handrail,shop/vp"),
        ("rollout=kiosk severity=P1 action=rollback environment=production", "handrail"),
        ("rollout=shop severity=P1 action=rollback environment=staging", "handrail"),
        ("rollout=shop severity=P1 action=rollback", "handrail,shop/P1"),
        ("alertname=SomebodyElses severity=critical", "handrail"),
    ],
)
def test_a_case_at_the_border(amtool: Path, tmp_path: Path, labels: str, told: str) -> None:
    made = written(planned(), tmp_path)
    verified = f"--verify.receivers={told}"
    code, said = asked(amtool, "config", "routes", "test", f"--config.file={made}", verified, *labels.split())
    assert (code, said.strip()) == (0, told)


def test_what_acts_goes_out_at_once_and_again_every_few_minutes() -> None:
    [_, acting, recorded, *_] = config(planned())["route"]["routes"]
    assert acting == {
        "receiver": "handrail",
        "matchers": ['action=~"rollback|emergency-rollback|security-rollback"'],
        "group_by": ["rollout", "service", "environment", "guardrail", "action"],
        "group_wait": "0s",
        "group_interval": "15s",
        "repeat_interval": "4m",
        "continue": True,
    }
    assert recorded["matchers"] == ['action!~"rollback|emergency-rollback|security-rollback"']


def test_the_receiver_s_webhook_says_everything_and_follows_nothing() -> None:
    [handrail, heartbeat, *_] = config(planned())["receivers"]
    hook = {
        "send_resolved": True,
        "url": "http://handrail.internal:8080/webhooks/alertmanager",
        "max_alerts": 0,
        "http_config": {
            "follow_redirects": False,
            "authorization": {"type": "Bearer", "credentials_file": "/etc/alertmanager/handrail-token"},
        },
    }
    assert handrail == {"name": "handrail", "webhook_configs": [hook]}
    assert heartbeat == {"name": "handrail-heartbeat", "webhook_configs": [hook]}


def test_no_secret_stands_in_the_file_and_every_notifier_says_when_it_is_over() -> None:
    receivers = config(planned())["receivers"]
    notifiers = [
        one
        for receiver in receivers
        for many in receiver.values()
        if many != receiver["name"]
        for one in many
    ]
    assert [one["send_resolved"] for one in notifiers] == [True] * 8
    assert [
        key
        for one in notifiers
        for key in (*one, *one.get("http_config", {}).get("authorization", {}))
        if key in {"api_url", "routing_key", "service_key", "auth_password", "credentials"}
    ] == []


def test_no_name_of_a_receiver_holds_what_alertmanager_would_quote() -> None:
    names = [receiver["name"] for receiver in config(planned())["receivers"]]
    assert names == [
        "handrail",
        "handrail-heartbeat",
        "kiosk/critical",
        "shop/P3",
        "shop/P1",
        "shop/vp",
    ]


def test_an_environment_says_who_is_told_there() -> None:
    quiet = Environment("staging", routes={"P1": [], "P3": [], "critical": [], "vp": []})
    assert [receiver["name"] for receiver in config(planned(quiet))["receivers"]] == [
        "handrail",
        "handrail-heartbeat",
    ]


def test_a_graver_alert_mutes_what_its_action_makes_up_for_when_everyone_told_hears_of_it() -> None:
    rules = config(planned())["inhibit_rules"]

    def own(tier: str, action: str, severity: str, *more: str) -> list[str]:
        kind = [f'tier="{tier}"', f'action="{action}"', f'severity="{severity}"']
        return ['rollout="shop"', 'level=""', *more, *kind]

    pairs = [
        (("emergency", "emergency-rollback", "P1"), ("critical", "rollback", "P2")),
        (("emergency", "emergency-rollback", "P1"), ("warning", "investigate", "P3")),
        (("emergency", "investigate", "P1"), ("warning", "investigate", "P3")),
    ]  # P2 is routed to nobody: the critical one mutes no warning, of which Slack hears
    assert rules == [
        {
            "source_matchers": own(*graver, 'mode!="shadow"'),
            "target_matchers": own(*milder),
            "equal": ["rollout", "service", "environment", "guardrail"],
        }
        for graver, milder in pairs
    ]


def test_every_label_that_must_be_equal_is_on_every_alert_that_can_mute() -> None:
    for rollout in planned().rollouts:
        for guardrail in rollout.guardrails:
            for alert in guardrail.alerts:
                assert {"rollout", "service", "environment", "guardrail"} <= set(dict(alert.labels))
