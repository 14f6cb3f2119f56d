"""Mute times, and whoever else can be told → alertmanager.yml and AlertmanagerConfig, judged by amtool and the schema."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from emit.alertmanager.test_configuration import BOTH, NEW, OLD, asked, config, written
from emit.guarded_shop import ENVIRONMENT, HOOK, MAIL, PAGER, SLACK, planned, read_by
from emit.kubernetes.crds import refused, schema
from emit.kubernetes.test_objects import objects
from handrail.contract import names
from handrail.declare import Environment, MuteTime, OpsGenieReceiver, TeamsReceiver
from handrail.emit import alertmanager
from handrail.output.read_yaml import read_yaml
from handrail.plan import Plan
from json_schemas import faults
from servers.newer import newer

NIGHTS = MuteTime(hours="22:00-07:00", weekdays=["friday", "sunday"], zone="Europe/Berlin")
WEEKENDS = MuteTime(weekdays=["saturday", "sunday"])
HOLIDAYS = MuteTime(days=[-1, 24], months=["december"])
OPS = OpsGenieReceiver("/etc/alertmanager/opsgenie", team="shop", url="https://api.eu.opsgenie.com/")
TEAMS = TeamsReceiver("/etc/alertmanager/teams")
TLS_MAIL = replace(
    MAIL,
    ca_file="/etc/ssl/mail-ca.pem",
    server_name="mail.example.com",
    cert_file="/etc/alertmanager/mail.pem",
    key_file="/etc/alertmanager/mail-key.pem",
)
QUIET = replace(ENVIRONMENT, mute={"P3": [NIGHTS, WEEKENDS, HOLIDAYS], "vp": [WEEKENDS], "P2": [WEEKENDS]})
IN_BERLIN = {
    "name": "shop/P3",
    "time_intervals": [
        {
            "times": [{"start_time": "22:00", "end_time": "24:00"}],
            "weekdays": ["friday", "sunday"],
            "location": "Europe/Berlin",
        },
        {
            "times": [{"start_time": "00:00", "end_time": "07:00"}],
            "weekdays": ["saturday", "monday"],
            "location": "Europe/Berlin",
        },
        {"weekdays": ["saturday", "sunday"], "location": "UTC"},
        {"days_of_month": ["-1", "24"], "months": ["december"], "location": "UTC"},
    ],
}


def told(*whom: Any, version: tuple[int, int] = NEW) -> Plan:
    """Both rollouts, where the emergency of one is told to these."""
    return planned(replace(ENVIRONMENT, routes={"P1": list(whom)}), version)


def channel(kind: str, plan: Plan) -> dict[str, Any]:
    """The only notifier of this kind that the emergency has."""
    [receiver] = [one for one in config(plan)["receivers"] if one["name"] == "shop/P1"]
    [found] = receiver[kind]
    return dict(found)


@BOTH
def test_both_generations_read_mute_times_opsgenie_and_mail_over_tls(amtool: Path, tmp_path: Path) -> None:
    everything = replace(QUIET, routes={"P1": [OPS, TLS_MAIL, replace(MAIL, require_tls=False), PAGER, HOOK]})
    code, said = asked(amtool, "check-config", written(planned(everything), tmp_path))
    assert (code, "SUCCESS" in said, "FAILED" in said) == (0, True, False), said


def test_teams_are_told_by_a_workflow_where_alertmanager_is_new_enough(tmp_path: Path) -> None:
    code, said = asked(newer("amtool"), "check-config", written(told(TEAMS), tmp_path))
    assert (code, "SUCCESS" in said, "FAILED" in said) == (0, True, False), said
    assert channel("msteamsv2_configs", told(TEAMS)) == {
        "send_resolved": True,
        "webhook_url_file": "/etc/alertmanager/teams",
        "title": '{{ template "handrail.title" . }}',
        "text": '{{ template "handrail.text" . }}',
        "http_config": {"follow_redirects": False},
    }


def test_only_people_are_muted_and_never_the_receiver() -> None:
    routes = config(planned(QUIET))["route"]["routes"]
    assert [
        (route["receiver"], route["mute_time_intervals"])
        for route in routes
        if "mute_time_intervals" in route
    ] == [("shop/P3", ["shop/P3"]), ("shop/vp", ["shop/vp"])]
    everything = replace(
        ENVIRONMENT, mute={word: [WEEKENDS] for word in ("P1", "P2", "P3", "critical", "vp", "manager")}
    )
    ours = [
        route
        for route in config(planned(everything))["route"]["routes"]
        if route["receiver"] in (names.RECEIVER, names.HEARTBEAT_RECEIVER)
    ]
    assert [sorted(key for key in route if "time_intervals" in key) for route in ours] == [[], [], []]


def test_a_night_ends_on_the_day_after_the_one_on_which_it_begins() -> None:
    assert config(planned(QUIET))["time_intervals"][0] == IN_BERLIN


def test_without_mute_times_nothing_is_said_of_them() -> None:
    assert "time_intervals" not in config(planned())


def test_in_a_shared_alertmanager_a_mute_time_is_called_after_its_environment() -> None:
    shared = planned(replace(QUIET, existing=["alertmanager"]))
    made = read_yaml(alertmanager.emit(shared.common)["alertmanager/fragment.yml"])
    assert [time["name"] for time in made["time_intervals"]] == ["production/shop/P3", "production/shop/vp"]
    assert [
        route["mute_time_intervals"] for route in made["route"]["routes"] if "mute_time_intervals" in route
    ] == [
        ["production/shop/P3"],
        ["production/shop/vp"],
    ]


@pytest.mark.parametrize(
    ("graver", "milder", "mutes"),
    [((), (), True), ((NIGHTS,), (), False), ((), (NIGHTS,), True), ((NIGHTS,), (NIGHTS, WEEKENDS), True)],
)
def test_a_graver_alert_mutes_no_milder_one_while_its_own_people_are_muted(
    graver: tuple[MuteTime, ...], milder: tuple[MuteTime, ...], mutes: bool
) -> None:
    rules = config(planned(replace(ENVIRONMENT, mute={"P1": graver, "P3": milder})))["inhibit_rules"]
    pairs = {(rule["source_matchers"][-1], rule["target_matchers"][-1]) for rule in rules}
    assert (('severity="P1"', 'severity="P3"') in pairs, ('severity="P1"', 'severity="P2"') in pairs) == (
        mutes,
        True,
    )


def test_mail_goes_over_tls_with_what_was_declared() -> None:
    assert {key: channel("email_configs", told(MAIL)).get(key) for key in ("require_tls", "tls_config")} == {
        "require_tls": True,
        "tls_config": None,
    }
    assert channel("email_configs", told(replace(MAIL, require_tls=False)))["require_tls"] is False
    assert channel("email_configs", told(TLS_MAIL))["tls_config"] == {
        "ca_file": "/etc/ssl/mail-ca.pem",
        "server_name": "mail.example.com",
        "cert_file": "/etc/alertmanager/mail.pem",
        "key_file": "/etc/alertmanager/mail-key.pem",
    }


def test_opsgenie_hears_the_team_and_the_priority() -> None:
    assert channel("opsgenie_configs", told(OPS, version=OLD)) == {
        "send_resolved": True,
        "api_key_file": "/etc/alertmanager/opsgenie",
        "api_url": "https://api.eu.opsgenie.com/",
        "message": '{{ template "handrail.title" . }}',
        "description": '{{ template "handrail.text" . }}',
        "source": "Handrail",
        "priority": '{{ template "handrail.opsgenie.priority" . }}',
        "http_config": {"follow_redirects": False},
        "responders": [{"name": "shop", "type": "team"}],
    }


def spec(plan: Plan) -> dict[str, Any]:
    return dict(objects(plan)["AlertmanagerConfig"]["spec"])


def test_an_alertmanager_config_has_the_same_people_and_the_mute_times_it_can_say() -> None:
    plan = planned(read_by(replace(QUIET, routes={"P1": [OPS, TEAMS, TLS_MAIL], "P3": [SLACK]}), NEW), NEW)
    made = spec(plan)
    assert made["muteTimeIntervals"] == [
        {
            "name": "shop/P3",  # the nights are in Berlin, and an AlertmanagerConfig knows UTC only
            "timeIntervals": [
                {"weekdays": ["saturday", "sunday"]},
                {"daysOfMonth": [{"start": -1, "end": -1}, {"start": 24, "end": 24}], "months": ["december"]},
            ],
        },
        {"name": "shop/vp", "timeIntervals": [{"weekdays": ["saturday", "sunday"]}]},
    ]
    assert [
        (route["receiver"], route["muteTimeIntervals"])
        for route in made["route"]["routes"]
        if "muteTimeIntervals" in route
    ] == [("shop/P3", ["shop/P3"]), ("shop/vp", ["shop/vp"])]
    [people] = [receiver for receiver in made["receivers"] if receiver["name"] == "shop/P1"]
    [ops], [teams], [mail] = people["opsgenieConfigs"], people["msteamsv2Configs"], people["emailConfigs"]
    assert (ops["apiKey"], ops["responders"]) == (
        {"name": "handrail", "key": "opsgenie"},
        [{"name": "shop", "type": "team"}],
    )
    assert teams["webhookURL"] == {"name": "handrail", "key": "teams"}
    assert (mail["requireTLS"], mail["tlsConfig"]) == (
        True,
        {
            "ca": {"secret": {"name": "handrail", "key": "mail-ca.pem"}},
            "cert": {"secret": {"name": "handrail", "key": "mail.pem"}},
            "keySecret": {"name": "handrail", "key": "mail-key.pem"},
            "serverName": "mail.example.com",
        },
    )


def test_the_published_schema_accepts_them() -> None:
    plan = planned(read_by(replace(QUIET, routes={"P1": [OPS, TEAMS, TLS_MAIL]}), NEW), NEW)
    route = schema("AlertmanagerConfig")["properties"]["spec"]["properties"]["route"]
    assert refused("AlertmanagerConfig", objects(plan)["AlertmanagerConfig"]) == []
    for below in spec(plan)["route"]["routes"]:
        assert faults(route, below) == []


def test_a_place_of_its_own_mutes_what_the_rollout_does_not() -> None:
    quiet = Environment("staging", mute={"critical": [WEEKENDS]})
    assert [time["name"] for time in config(planned(quiet))["time_intervals"]] == ["kiosk/critical"]
