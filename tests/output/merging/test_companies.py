"""Three companies' alertmanager.yml with our routes merged in → amtool routes their alerts as before, and ours to us."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from handrail.compiler import AlertmanagerPart, alertmanager_part
from handrail.contract import Playbook
from handrail.loading.load import read
from handrail.output.merging.merge_alertmanager import conflicts, merged, without
from handrail.output.read_yaml import read_yaml
from handrail_receiver.catch_up.routes import routing_in
from handrail_receiver.doctor import delivery
from servers import program
from servers.newer import newer

ROOT = Path(__file__).parents[3]
COMPANIES = Path(__file__).with_name("companies")
FILES = ("bank", "kube", "startup")
BOTH = pytest.mark.parametrize("amtool", [program("amtool"), newer("amtool")], ids=["0.25", "newer"])
ROUTES = pytest.mark.parametrize(
    "amtool",
    [
        pytest.param(program("amtool"), marks=pytest.mark.long, id="0.25"),
        pytest.param(newer("amtool"), id="newer"),
    ],
)
"""Each alert that is asked about is a process; both read the same routes of a file that both take."""
EACH = pytest.mark.parametrize("company", FILES)
ROUTED = ("rollout", "severity", "action", "mode", "level")
"""The labels that our routes look at."""
Labels = Mapping[str, str]

THEIRS: list[Labels] = [
    {"alertname": "Watchdog", "severity": "none"},
    {"alertname": "InfoInhibitor", "severity": "none", "namespace": "shop"},
    {
        "alertname": "KubePodCrashLooping",
        "severity": "warning",
        "namespace": "kube-system",
        "team": "platform",
    },
    {"alertname": "EtcdDown", "severity": "critical", "namespace": "kube-system", "team": "sre"},
    {
        "alertname": "PaymentsSlow",
        "severity": "critical",
        "team": "payments",
        "tier": "0",
        "cluster": "pay-1",
    },
    {"alertname": "PaymentsSlow", "severity": "page", "team": "payments", "tier": "1", "cluster": "pay-1"},
    {"alertname": "PaymentsQueue", "severity": "info", "team": "payments"},
    {"alertname": "PaymentsOther", "team": "payments", "severity": "none"},
    {"alertname": "CoreDown", "severity": "critical", "cluster": "core-7"},
    {"alertname": "Disk", "severity": "warning"},
    {"alertname": "Disk", "service": "database", "severity": "critical"},
    {"alertname": "Slow", "service": "checkout", "severity": "critical", "env": "prod"},
    {"alertname": "Slow", "service": "checkout", "severity": "warning", "env": "production"},
    {"alertname": "Slow", "service": "cart", "severity": "info", "env": "staging"},
    {"alertname": "Nothing"},
    # What looks like ours, and is not.
    {"alertname": "CheckoutDown", "rollout": "checkout", "service": "checkout", "severity": "critical"},
    {
        "alertname": "CheckoutErrorRateCritical",
        "rollout": "checkout",
        "service": "checkout",
        "environment": "staging",
        "action": "rollback",
        "severity": "critical",
    },
    {
        "alertname": "AnyAlertFlaps",  # changes(ALERTS[1h]) > 5
        "rollout": "checkout",
        "service": "checkout",
        "environment": "production",
        "guardrail": "error-rate",
        "tier": "critical",
        "action": "rollback",
        "severity": "critical",
    },
    {
        "alertname": "HandrailHeartbeat",
        "rollout": "other",
        "environment": "production",
        "action": "investigate",
    },
    {
        "alertname": "CheckoutCanary",
        "rollout": "checkout",
        "environment": "production",
        "action": "drain",
        "severity": "warning",
    },
]


@cache
def declared_routes() -> frozenset[str]:
    [environment] = read(ROOT / "rules_src").environments
    return frozenset(environment.routes)


@cache
def ours() -> AlertmanagerPart:
    return alertmanager_part(ROOT / "rules_src", None)


def our_alerts() -> dict[tuple[str | None, ...], Labels]:
    """One alert for each way that our routes can tell apart, as it fires."""
    found: dict[tuple[str | None, ...], Labels] = {}
    for rollout in ours()[1].rollouts:
        for alert in (*rollout.alerts, rollout.heartbeat):
            unresolved = {"severity": dict(rollout.severities)["emergency"], "tier": "emergency"}
            labels = {"alertname": alert.name, "rollout": rollout.name, "service": rollout.service}
            labels |= {**(unresolved if "level" in dict(alert.labels) else {}), **dict(alert.labels)}
            found.setdefault((str(alert == rollout.heartbeat), *map(labels.get, ROUTED)), labels)
    return found


def told(amtool: Path, config: Path, alerts: list[Labels]) -> list[list[str]]:
    """The receivers of each alert, as `amtool config routes test` names them."""

    def one(labels: Labels) -> list[str]:
        pairs = [f"{label}={value}" for label, value in labels.items()]
        argv = [str(amtool), "config", "routes", "test", f"--config.file={config}", *pairs]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip().split(",")

    with ThreadPoolExecutor(2) as side_by_side:
        return list(side_by_side.map(one, alerts))


def expected(labels: Labels) -> list[str]:
    """Who hears of an alert of ours, by what the environment declares."""
    if labels["alertname"] == "HandrailHeartbeat":
        return ["production/handrail-heartbeat"]
    words = (labels.get("level") or labels["severity"], labels.get("action", ""))
    people = [f"production/{labels['rollout']}/{word}" for word in words if word in declared_routes()]
    return ["production/handrail", *(people if "mode" not in labels else [])]


def text_of(company: str) -> str:
    return (COMPANIES / f"{company}.yml").read_bytes().decode()


def merged_file(company: str, folder: Path) -> Path:
    """The company's file with ours in it."""
    file = folder / "merged.yml"
    file.write_text(merged(text_of(company), ours()[0], "production", [], company))
    return file


@ROUTES
@EACH
def test_theirs_go_where_they_went_and_ours_to_us_and_nobody_else(
    company: str, amtool: Path, tmp_path: Path
) -> None:
    with_ours = merged_file(company, tmp_path)
    before = told(amtool, COMPANIES / f"{company}.yml", THEIRS)
    assert len({*map(tuple, before)}) > 3
    assert told(amtool, with_ours, THEIRS) == before
    alerts = list(our_alerts().values())
    assert len(alerts) > 30
    read_by_us = routing_in(read_yaml(with_ours.read_text()))
    assert [[way.receiver for way in read_by_us.ways(labels)] for labels in alerts] == [
        expected(labels) for labels in alerts
    ]
    some = alerts[
        :: len(alerts) // 8
    ]  # each is a process; tests/plan/test_routing.py asks amtool about all routes
    assert told(amtool, with_ours, some) == [expected(labels) for labels in some]


@ROUTES
@EACH
def test_the_test_alert_of_handrail_doctor_reaches_us_and_nobody_else(
    company: str, amtool: Path, tmp_path: Path
) -> None:
    with_ours = merged_file(company, tmp_path)
    playbook = Playbook.model_validate_json((ROOT / "generated/playbook/ruleiq.json").read_text())
    labels = delivery.alert(playbook, datetime(2026, 3, 1, tzinfo=UTC))["labels"]
    assert isinstance(labels, dict)
    assert told(amtool, with_ours, [labels]) == [["production/handrail"]]


@BOTH
@EACH
def test_the_real_program_takes_the_file(company: str, amtool: Path, tmp_path: Path) -> None:
    argv = [str(amtool), "check-config", str(merged_file(company, tmp_path))]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, "SUCCESS" in done.stdout) == (0, True), done.stdout + done.stderr


@EACH
def test_merged_twice_it_is_the_same_and_taken_out_again_it_is_as_it_was(company: str) -> None:
    before = text_of(company)
    once = merged(before, ours()[0], "production", [], company)
    assert merged(once, ours()[0], "production", [], company) == once
    assert without(once, company) == without(once, company, "production") == before


@EACH
@pytest.mark.parametrize("end", ["\r\n", "\n"], ids=["crlf", "lf"])
def test_every_line_of_theirs_is_still_there_in_its_place_whatever_ends_it(company: str, end: str) -> None:
    before = text_of(company).replace("\n", end)
    after = merged(before, ours()[0], "production", [], company)
    left = iter(after.split(end))
    kept = before.replace("inhibit_rules: []", "inhibit_rules: # handrail: was []").split(end)
    assert [line for line in kept if line not in left] == []
    assert without(after, company) == before


@EACH
def test_two_environments_share_a_file_in_whatever_order_they_come(company: str) -> None:
    production = ours()[0]
    staging = production.replace("production", "staging")
    parts = {"production": production, "staging": staging}
    made = set()
    for order in (["production", "staging"], ["staging", "production"], ["staging", "production", "staging"]):
        text = text_of(company)
        for name in order:
            text = merged(text, parts[name], name, [], company)
        made.add(text)
    [both] = made
    assert without(both, company, "staging") == merged(
        text_of(company), production, "production", [], company
    )
    assert without(both, company) == text_of(company)


def test_what_may_mute_across_the_border_is_said_by_the_line_of_the_rule() -> None:
    said = conflicts(text_of("bank"), ours()[1], [], "bank.yml")
    assert [str(problem).split(" and ")[0] for problem in said] == [
        "bank.yml:87: warning: this rule may mute AidinHardeningHttp5xxWarning"
    ]  # kube-prometheus' own rule asks for the same alertname
    cured = text_of("bank").replace(
        "target_matchers: [ alertname != ClusterDown ]",
        'target_matchers: [ alertname != ClusterDown, rollout = "" ]',
    )
    assert conflicts(cured, ours()[1], [], "bank.yml") == []
