"""The plan → compose.yaml: a stack for one machine, whose commands the real programs take, and which has no default password."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import json_schemas
import pytest
import servers
from emit.guarded_shop import ENVIRONMENT, HOOK, shop
from handrail.declare import Container, Environment, Targets
from handrail.emit import compose, emit_common
from handrail.lower import lower
from handrail.output.read_yaml import read_yaml
from handrail_receiver.settings import Settings
from servers.newer import newer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/compose.md"
APART = replace(
    ENVIRONMENT,
    name="apart",
    receiver="http://handrail.shop:8080",
    prometheus="http://prometheus.shop:9090",
    alertmanagers=("a.shop:9093", "b.shop:9093"),
    scrape=[Targets("shop", ["shop.shop:8000"])],
)
MACHINE = Environment("machine", routes={"P1": [HOOK]})
TAKEN = Environment("taken", existing=["prometheus", "alertmanager", "grafana"])
SECRETS = "${HANDRAIL_SECRETS:?set it to the folder with tokens and passwords}/"


def made(environment: Environment) -> dict[str, Any]:
    """What every file of an environment says that is YAML and none of one rollout."""
    texts = emit_common(lower([shop], environment).common)
    return {path: read_yaml(text) for path, text in texts.items() if path.endswith((".yml", ".yaml"))}


def services(environment: Environment) -> dict[str, Any]:
    """The services by name."""
    found: dict[str, Any] = made(environment)["compose.yaml"]["services"]
    return found


def read_files(data: object) -> Iterator[str]:
    """Each file that a configuration names: what its keys that end in `_file` say."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key.endswith("_file") and isinstance(value, str):
                yield value
            yield from read_files(value)
    elif isinstance(data, list):
        for one in data:
            yield from read_files(one)


@pytest.mark.parametrize("environment", [APART, MACHINE, TAKEN], ids=lambda one: one.name)
def test_compose_yaml_is_what_the_compose_specification_allows(environment: Environment) -> None:
    schema = json.loads(
        (files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    )
    assert json_schemas.faults(schema, made(environment)["compose.yaml"]) == []
    assert json_schemas.faults(schema, {"services": {"a": {"port": 1}}}) != []


def test_it_has_a_service_for_each_program_that_does_not_run_there_already() -> None:
    everything = ["prometheus", "alertmanager", "grafana", "handrail"]
    assert list(services(MACHINE)) == everything
    assert list(services(APART)) == ["prometheus", "alertmanager-0", "alertmanager-1", "grafana", "handrail"]
    assert list(services(TAKEN)) == ["handrail"]
    far = replace(MACHINE, prometheus="https://prometheus.example.com")
    assert list(services(far)) == everything[1:]


WATCHED = [
    Targets(
        "shop app", ["shop.shop:8000"], container=Container("shop:1", environment={"ADDRESS": "0.0.0.0:8000"})
    ),
    Targets("grafana", ["shop.shop:3000"], container=Container("exporter:2", volumes=["./x:/x:ro"])),
    Targets("node", ["shop.shop:9100"], container=Container("node:3", command=["--a"], sees_machine=True)),
    Targets("elsewhere", ["old.shop:8000"]),
]
OWN = {"restart": "unless-stopped", "security_opt": ["no-new-privileges:true"]}


def test_what_is_watched_is_started_too_where_it_is_declared_with_a_container() -> None:
    """What has one host name shares one network, and each port is published once on loopback."""
    environment = replace(APART, scrape=WATCHED)
    found = services(environment)
    more = {name: one for name, one in found.items() if name not in services(APART)}
    assert more == {
        "shop-app": {
            "image": "shop:1",
            **OWN,
            "networks": {"default": {"aliases": ["shop.shop"]}},
            "ports": ["127.0.0.1:8000:8000", "127.0.0.1:9100:9100"],
            "environment": {"ADDRESS": "0.0.0.0:8000"},
        },
        "grafana-scraped": {
            "image": "exporter:2",
            **OWN,
            "network_mode": "service:shop-app",
            "volumes": ["./x:/x:ro"],
        },
        "node": {
            "image": "node:3",
            **OWN,
            "network_mode": "service:shop-app",
            "pid": "host",
            "command": ["--a"],
            "volumes": ["/:/host:ro,rslave"],
        },
    }
    schema = json.loads(
        (files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    )
    assert json_schemas.faults(schema, made(environment)["compose.yaml"]) == []


def test_on_the_machine_s_network_what_is_watched_is_there_as_well() -> None:
    here = [replace(one, addresses=[f"127.0.0.1:{port}"]) for port, one in enumerate(WATCHED, 8000)]
    found = services(replace(MACHINE, scrape=here))
    assert {name: found[name]["network_mode"] for name in ("shop-app", "grafana-scraped", "node")} == (
        dict.fromkeys(("shop-app", "grafana-scraped", "node"), "host")
    )


def test_ruleiq_s_application_and_the_machine_s_exporter_are_started() -> None:
    found = read_yaml((ROOT / "generated/compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {name: (one["image"].partition(":")[0], one.get("pid")) for name, one in found.items()} == {
        "prometheus": ("prom/prometheus", None),
        "alertmanager-0": ("prom/alertmanager", None),
        "alertmanager-1": ("prom/alertmanager", None),
        "grafana": ("grafana/grafana", None),
        "handrail": ("${HANDRAIL_IMAGE", None),
        "ruleiq": ("registry.example.com/ruleiq", None),
        "ruleiq-node": ("prom/node-exporter", "host"),
    }


def test_with_names_each_container_is_called_as_the_environment_calls_it_and_is_published_on_loopback() -> (
    None
):
    found = {
        name: (one["networks"]["default"]["aliases"], one.get("ports"))
        for name, one in services(APART).items()
    }
    assert found == {
        "prometheus": (["prometheus.shop"], ["127.0.0.1:9090:9090"]),
        "alertmanager-0": (["a.shop"], ["127.0.0.1:9093:9093"]),
        "alertmanager-1": (["b.shop"], None),
        "grafana": (["grafana"], ["127.0.0.1:3000:3000"]),
        "handrail": (["handrail.shop"], ["127.0.0.1:8080:8080"]),
    }
    commands = [services(APART)[f"alertmanager-{number}"]["command"][2:] for number in (0, 1)]
    assert commands == [
        [
            "--web.listen-address=0.0.0.0:9093",
            "--cluster.listen-address=0.0.0.0:10093",
            f"--cluster.peer={other}:10093",
        ]
        for other in ("b.shop", "a.shop")
    ]


@pytest.mark.parametrize(
    "called",
    [
        {"receiver": "http://127.0.0.1:8080"},
        {"prometheus": "http://localhost:9090"},
        {"alertmanagers": ["[::1]:9093"]},
        {"scrape": [Targets("shop", ["127.0.0.1:8000"])]},
    ],
    ids=lambda called: next(iter(called)),
)
def test_with_a_loopback_address_all_of_it_is_on_the_machine_s_own_network(called: dict[str, Any]) -> None:
    found = services(replace(APART, **called))
    assert {one.get("network_mode") for one in found.values()} == {"host"}
    assert all("ports" not in one and "networks" not in one for one in found.values())


def test_on_the_machine_s_network_nobody_listens_but_where_the_environment_says() -> None:
    found = services(MACHINE)
    flags = [*found["prometheus"]["command"], *found["alertmanager"]["command"]]
    listening = [one for one in flags if "listen-address" in one]
    assert listening == [
        "--web.listen-address=127.0.0.1:9090",
        "--web.listen-address=127.0.0.1:9093",
        "--cluster.listen-address=",
    ]
    assert found["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert found["handrail"]["environment"]["HANDRAIL_ADDRESS"] == "127.0.0.1:8080"


def test_every_file_that_a_program_reads_is_a_secret_at_that_path_and_none_has_a_default() -> None:
    files = made(APART)
    found = files["compose.yaml"]["services"]
    targets = {
        name: {secret["target"]: secret["source"] for secret in one["secrets"] if "target" in secret}
        for name, one in found.items()
    }
    assert targets == {
        "prometheus": {"/etc/prometheus/handrail-token": "prometheus-token"},
        "alertmanager-0": {
            "/etc/alertmanager/handrail-token": "alertmanager-token",
            "/etc/alertmanager/mail-password": "mail-password",
            "/etc/alertmanager/pagerduty-shop": "pagerduty-shop",
            "/etc/alertmanager/slack-shop": "slack-shop",
            "/etc/alertmanager/tickets-token": "tickets-token",
        },
        "alertmanager-1": targets["alertmanager-0"],
        "grafana": {},
        "handrail": {"/run/secrets/tokens": "tokens"},
    }
    assert set(read_files(files["alertmanager/alertmanager.yml"])) == set(targets["alertmanager-0"])
    assert set(read_files(files["prometheus/prometheus.yml"])) == set(targets["prometheus"])
    assert (
        found["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana-password"
    )
    assert files["compose.yaml"]["secrets"] == {
        name: {"file": f"{SECRETS}{name}"}
        for name in (
            *sorted({*targets["alertmanager-0"].values(), "grafana-password", "prometheus-token"}),
            "tokens",
        )
    }


def test_what_is_mounted_is_generated_and_what_is_kept_has_a_volume() -> None:
    generated = {path.relative_to(ROOT / "generated").parts[:2] for path in (ROOT / "generated").rglob("*.*")}
    found = made(APART)["compose.yaml"]
    mounts = [mount.split(":") for one in found["services"].values() for mount in one["volumes"]]
    here = {tuple(source.split("/")[1:]) for source, *_ in mounts if source.startswith("./")}
    assert here == {
        ("prometheus",),
        ("alertmanager",),
        ("grafana", "provisioning"),
        ("grafana", "dashboards"),
        ("playbook",),
    }
    assert all(any(path[: len(one)] == one for path in generated) for one in here)
    assert {mode for source, _, *mode in mounts if source.startswith("./") for mode in mode} == {"ro"}
    assert set(found["volumes"]) == {"prometheus", "alertmanager-0", "alertmanager-1", "grafana", "handrail"}


def test_images_are_the_versions_by_which_all_tests_judge() -> None:
    for image, program in (
        (compose.PROMETHEUS, "prometheus"),
        (compose.ALERTMANAGER, "prometheus-alertmanager"),
    ):
        said = subprocess.run([newer(program), "--version"], capture_output=True, text=True, check=True)
        version = re.search(r"version (\d+\.\d+\.\d+)", said.stdout + said.stderr)
        assert version is not None
        assert image.endswith(f":v{version[1]}")
    assert re.search(r":\d+\.\d+\.\d+$", compose.GRAFANA)
    assert "HANDRAIL_IMAGE:?" in compose.RECEIVER


@pytest.mark.parametrize("program", ["prometheus", "alertmanager"])
def test_the_real_programs_start_by_their_commands_and_their_health_checks_answer(
    tmp_path: Path, program: str
) -> None:
    at = {name: servers.free_address() for name in ("prometheus", "alertmanager")}
    here = Environment("here", prometheus=f"http://{at['prometheus']}", alertmanagers=[at["alertmanager"]])
    for path, text in emit_common(lower([shop], here).common).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    service = services(here)[program]
    paths = {
        "/etc/handrail/": f"{tmp_path}/",
        "=/prometheus": f"={tmp_path}/data",
        "=/alertmanager": f"={tmp_path}/kept",
    }
    flags = service["command"]
    for inside, outside in paths.items():
        flags = [flag.replace(inside, outside) for flag in flags]
    argv = [newer({"alertmanager": "prometheus-alertmanager"}.get(program, program)), *flags]
    checked = service["healthcheck"]["test"][-1]

    def healthy() -> bool:
        try:
            return httpx.get(checked, trust_env=False, verify=servers.PLAIN).status_code == 200
        except httpx.TransportError:
            return False

    with servers.running(program, argv, folder=tmp_path, address=at[program], ready=healthy, within=60):
        assert urlsplit(checked).netloc == at[program]


@pytest.mark.parametrize(
    "environment", [APART, MACHINE, replace(APART, receiver="https://handrail.shop:8443")]
)
def test_the_receiver_s_variables_are_settings_and_all_it_needs(environment: Environment) -> None:
    said = services(environment)["handrail"]["environment"]
    fields = {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields}
    assert set(said) <= fields
    secure = environment.receiver.startswith("https:")
    assert ("HANDRAIL_TLS_KEY" in said) is secure
    assert ("http://" in services(environment)["handrail"]["healthcheck"]["test"][-1]) is not secure


def test_the_page_s_own_services_go_beside_those_that_are_generated() -> None:
    (block,) = re.findall(r"```yaml\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    schema = json.loads(
        (files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    )
    mine = read_yaml(block)
    assert json_schemas.faults(schema, mine) == []
    assert not set(mine["services"]) & set(services(MACHINE))
