"""A rollout's rules name their environment and their digest; the playbook names the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from emit.each import of_each
from emit.guarded_shop import ENVIRONMENT, kiosk, planned, shop
from handrail.declare import Above, Critical, Environment, Rollout, Runbook
from handrail.emit import emit
from handrail.lower import lower
from handrail.output.read_yaml import read_yaml
from handrail.plan import Plan


def rules_of(plan: Plan, rollout: str = "shop") -> list[dict[str, Any]]:
    """Every rule of a rollout, as Prometheus reads it."""
    files = of_each(emit, plan)
    data = read_yaml(files[f"prometheus/rules/{rollout}.yml"])
    return [rule for group in data["groups"] for rule in group["rules"]]


def recorded_digest(plan: Plan, rollout: str = "shop") -> str:
    """The digest that Prometheus records while it has these rules."""
    [info] = [rule for rule in rules_of(plan, rollout) if rule.get("record") == "handrail:rules:info"]
    assert info["expr"] == "vector(1)"
    labels: dict[str, str] = info["labels"]
    assert (labels["rollout"], labels["environment"]) == (rollout, plan.environment.name)
    return labels["digest"]


def playbook_of(plan: Plan, rollout: str = "shop") -> dict[str, Any]:
    """A rollout's playbook."""
    found: dict[str, Any] = json.loads(of_each(emit, plan)[f"playbook/{rollout}.json"])
    return found


def stricter(given: Rollout) -> Rollout:
    """The rollout with another limit in its last guardrail."""
    *others, last = given.guardrails
    return replace(
        given,
        guardrails=[*others, replace(last, tiers=[Critical(Above("2.5%"), action="security-rollback")])],
    )


@pytest.mark.parametrize("name", ["production", "staging"])
def test_every_alert_and_the_playbook_name_the_environment_that_generated_them(name: str) -> None:
    plan = planned(replace(ENVIRONMENT, name=name))
    said = {rule["alert"]: rule["labels"]["environment"] for rule in rules_of(plan) if "alert" in rule}
    assert said == dict.fromkeys(said, name)
    assert {"ShopErrorsBlind", "ShopEscalationManager", "HandrailHeartbeat"} < set(said)
    assert playbook_of(plan)["environment"] == name


def test_an_environment_that_nobody_declared_is_called_default() -> None:
    assert playbook_of(lower([shop], Environment("default")))["environment"] == "default"


def test_only_alerts_of_its_own_environment_escalate() -> None:
    [level] = [rule for rule in rules_of(planned()) if rule.get("alert") == "ShopEscalationManager"]
    assert 'environment="production"' in level["expr"]


def test_the_rules_and_the_playbook_have_one_digest() -> None:
    assert recorded_digest(planned()) == playbook_of(planned())["rules_digest"]


def test_the_rules_on_kubernetes_have_the_same() -> None:
    files = of_each(emit, planned())
    [info] = [
        rule
        for thing in read_yaml(files["kubernetes/shop.yaml"])["items"]
        if thing["kind"] == "PrometheusRule"
        for group in thing["spec"]["groups"]
        for rule in group["rules"]
        if rule.get("record") == "handrail:rules:info"
    ]
    assert info["labels"]["digest"] == recorded_digest(planned())


def test_another_limit_is_another_digest_of_its_own_rollout_only() -> None:
    before, after = planned(), lower([shop, stricter(kiosk)], ENVIRONMENT)
    assert recorded_digest(before, "kiosk") != recorded_digest(after, "kiosk")
    assert recorded_digest(before, "shop") == recorded_digest(after, "shop")


def test_another_environment_is_another_digest() -> None:
    assert recorded_digest(planned()) != recorded_digest(planned(replace(ENVIRONMENT, name="staging")))


def test_words_for_people_and_the_file_they_stand_in_change_no_digest() -> None:
    book = Runbook("Nobody can pay.", look=["The other log."], fix=["Roll back."])
    told = replace(
        shop, guardrails=[replace(one, title="Other words", runbook=book) for one in shop.guardrails]
    )
    assert recorded_digest(lower([told], ENVIRONMENT)) == recorded_digest(planned())
