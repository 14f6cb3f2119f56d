"""Where routes lead: generated ones as Alertmanager reads them, and loaded ones compared with the generated."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from handrail.contract import Playbook
from handrail.output.read_stack_needs import needed
from handrail_receiver.doctor.alert_routes import StatusAnswer, of_routes
from handrail_receiver.doctor.delivery import alert
from handrail_receiver.doctor.findings import Health
from servers import program

GENERATED = Path(__file__).parents[3] / "generated"
PLAYBOOKS = sorted((GENERATED / "playbook").glob("*.json"))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def leads_to(*labels: str) -> str:
    """The receivers of an alert with these labels."""
    config = f"--config.file={GENERATED / 'alertmanager/alertmanager.yml'}"
    argv = [program("amtool"), "config", "routes", "test", config, *labels]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("file", PLAYBOOKS, ids=[file.stem for file in PLAYBOOKS])
def test_the_test_alert_of_each_rollout_goes_to_the_receiver_and_to_nobody_else(file: Path) -> None:
    labels = alert(Playbook.model_validate_json(file.read_text()), NOW)["labels"]
    assert isinstance(labels, dict)
    assert leads_to(*(f"{name}={value}" for name, value in labels.items())) == "handrail"


def test_an_alert_that_asks_for_a_rollback_goes_to_the_receiver_and_to_people() -> None:
    assert leads_to("rollout=ruleiq", "action=rollback", "severity=critical") == "handrail,ruleiq/critical"


FILES = {
    path: (GENERATED / path).read_text(encoding="utf-8")
    for path in ("alertmanager/alertmanager.yml", "prometheus/rules/ruleiq.yml", "playbook/ruleiq.json")
}


def unchanged(_configuration: dict[str, Any]) -> None:
    """As it was generated."""


def loaded(change: Callable[[dict[str, Any]], None]) -> tuple[Health, str]:
    """What is said of ruleiq's routes where Alertmanager has loaded the generated configuration, changed."""
    configuration = yaml.safe_load(FILES["alertmanager/alertmanager.yml"])
    change(configuration)
    status = StatusAnswer.model_validate({"config": {"original": yaml.safe_dump(configuration)}})
    found = of_routes("http://am", needed(FILES, ["ruleiq"]).routing, status)
    assert bool(found.cure) is (found.health is not Health.ok)
    return found.health, found.text


def test_what_was_generated_takes_every_alert_to_the_receiver_and_to_people() -> None:
    assert loaded(unchanged) == (Health.ok, "all 6 receivers are there, and 21 alerts get to theirs")


def without_routes(configuration: dict[str, Any]) -> None:
    configuration["receivers"].append({"name": "nobody"})
    configuration["route"] = {"receiver": "nobody"}


def swallowed(configuration: dict[str, Any]) -> None:
    """A route of somebody else stands before ours, and does not let on."""
    configuration["receivers"].append({"name": "theirs"})
    theirs = {"receiver": "theirs", "matchers": ['action=~".*rollback"', 'guardrail="db-pool"']}
    configuration["route"]["routes"].insert(0, theirs)


def elsewhere(configuration: dict[str, Any]) -> None:
    for receiver in configuration["receivers"]:
        for hook in receiver.get("webhook_configs", []):
            hook["url"] = hook["url"].replace("handrail.internal", "old.internal")


def gone(configuration: dict[str, Any]) -> None:
    configuration["receivers"] = [
        one for one in configuration["receivers"] if one["name"] != "ruleiq/critical"
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            without_routes,
            "no route takes RuleiqErrorRateCritical to handrail, ruleiq/critical; no route takes ",
        ),
        (swallowed, "no route takes RuleiqDbPoolCritical to handrail, ruleiq/critical"),
        (
            elsewhere,
            "receiver handrail posts to http://old.internal:8080/webhooks/alertmanager, and the receiver is at http://handrail",
        ),
        (gone, "there is no receiver ruleiq/critical"),
    ],
)
def test_a_route_or_a_receiver_that_does_not_lead_there_any_more_fails(change: Any, text: str) -> None:
    health, said = loaded(change)
    assert (health, said[: len(text)]) == (Health.failed, text)


def test_an_operator_s_prefix_is_no_other_name_and_a_hidden_address_may_be_any() -> None:
    def by_operator(configuration: dict[str, Any]) -> None:
        for receiver in configuration["receivers"]:
            receiver["name"] = f"monitoring/guard/{receiver['name']}"
            for hook in receiver.get("webhook_configs", []):
                hook["url"] = "<secret>"
        for route in (configuration["route"], *configuration["route"]["routes"]):
            route["receiver"] = f"monitoring/guard/{route['receiver']}"

    assert loaded(by_operator)[0] is Health.ok


def test_what_is_no_configuration_is_not_known() -> None:
    status = StatusAnswer.model_validate({"config": {"original": "route: [1"}})
    found = of_routes("http://am", needed(FILES, ["ruleiq"]).routing, status)
    assert (found.health, found.text[:30]) == (Health.unknown, "its configuration cannot be re")
