"""What rollouts have in common → compose.yaml: Prometheus, Alertmanager, Grafana, the receiver and what it watches on
one machine.

Each reads the files generated beside this one, and listens at its address in the environment. No password and no token
has a default: they are files in one folder, and the stack does not start without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from handrail.contract import names
from handrail.emit.document import Data, yaml_document
from handrail.plan import Common, Container, Environment

PROMETHEUS: Final = "prom/prometheus:v3.5.3"
ALERTMANAGER: Final = "prom/alertmanager:v0.33.1"
GRAFANA: Final = "grafana/grafana:12.1.0"
RECEIVER: Final = (
    f"${{{names.IMAGE_VARIABLE}:?set it to the image that was built from docs/deploy/Containerfile}}"
)
SECRETS: Final = f"${{{names.SECRETS_VARIABLE}:?set it to the folder with tokens and passwords}}"

_READ: Final = "/etc/handrail"
_KEPT: Final = "45d"
"""An objective is judged over 30 days, and Prometheus keeps 15 where nobody says otherwise."""
_GRAFANA_PORT: Final = 3000
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9._-]")
"""What Compose takes in no service's name."""
_GOSSIP: Final = 1000
"""Alertmanagers talk to each other on the port that lies so far above their own."""


def emit(common: Common) -> dict[str, str]:
    """The services that do not run there already, their network, their volumes and the files with their secrets."""
    services = dict(_services(common))
    services |= dict(_watched(common.environment, services))
    data: Data = {"name": f"handrail-{common.environment.name}", "services": services}
    volumes = {one for service in services.values() for one in _volumes(service)}
    hidden = {one["source"] for service in services.values() for one in service.get("secrets", [])}
    data["volumes"] = {name: {} for name in sorted(volumes)}
    data["secrets"] = {name: {"file": f"{SECRETS}/{name}"} for name in sorted(hidden)}
    return {names.COMPOSE_FILE: yaml_document(data, common.source)}


@dataclass(frozen=True)
class _Place:
    """Where a program listens. `machine` says that it shares the machine's network, and so the machine's loopback."""

    host: str
    port: int
    machine: bool

    @property
    def listen(self) -> str:
        """The address to listen on."""
        return _joined(self.host, self.port) if self.machine else f"0.0.0.0:{self.port}"

    @property
    def asked(self) -> str:
        """The address of its health check."""
        return self.listen if self.machine else f"127.0.0.1:{self.port}"

    def network(self, *, published: bool) -> Data:
        """How others find it: at its own address, or by its name, and for people on loopback."""
        if self.machine:
            return {"network_mode": "host"}
        ports = {"ports": [f"127.0.0.1:{self.port}:{self.port}"]} if published else {}
        return {"networks": {"default": {"aliases": [self.host]}}, **ports}


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _place(address: str, environment: Environment) -> _Place:
    parts = urlsplit(address)
    return _Place(
        parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), _on_machine(environment)
    )


def _on_machine(environment: Environment) -> bool:
    """Whether any address is a loopback address: then everything runs on this machine's network."""
    scraped = (address for job in environment.scrape for address in job.addresses)
    plain = (f"http://{address}" for address in (*environment.alertmanagers, *scraped))
    return any(_loopback(address) for address in (environment.receiver, environment.prometheus, *plain))


def _loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _services(common: Common) -> Iterator[tuple[str, Data]]:
    environment = common.environment
    there = environment.existing
    if "prometheus" not in there and environment.prometheus.startswith("http:"):
        yield "prometheus", _prometheus(environment)
    if "alertmanager" not in there:
        yield from _alertmanagers(common)
    if "grafana" not in there:
        yield "grafana", _grafana(environment)
    yield "handrail", _receiver(environment)


def _watched(environment: Environment, others: Mapping[str, Data]) -> Iterator[tuple[str, Data]]:
    """The jobs that are declared with a container. Containers of one host name share one network, as if on one machine."""
    by_host: dict[str, list[tuple[str, int, Container]]] = {}
    for job in environment.scrape:
        if job.container is not None:
            place = _place(f"http://{job.addresses[0]}", environment)
            name = _UNFIT.sub("-", job.job)
            called = f"{name}-scraped" if name in others else name
            by_host.setdefault(place.host, []).append((called, place.port, job.container))
    machine = _on_machine(environment)
    published = {port for service in others.values() for port in service.get("ports", [])}
    for host, containers in by_host.items():
        first = containers[0][0]
        for name, _, container in containers:
            network: Data = {"network_mode": "host" if machine else f"service:{first}"}
            if name == first and not machine:
                ports = [f"127.0.0.1:{port}:{port}" for _, port, _ in containers]
                free = [one for one in ports if one not in published]
                published |= set(free)
                network = {"networks": {"default": {"aliases": [host]}}, **({"ports": free} if free else {})}
            yield name, _as_declared(container, network)


def _as_declared(container: Container, network: Data) -> Data:
    """The declared container. Its program's needs are not known: it only gets no new rights."""
    machine = ["/:/host:ro,rslave"] if container.sees_machine else []
    said: Data = {
        "command": list(container.command),
        "environment": dict(container.environment),
        "volumes": [*machine, *container.volumes],
    }
    return {
        "image": container.image,
        "restart": "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
        **network,
        **({"pid": "host"} if container.sees_machine else {}),
        **{word: value for word, value in said.items() if value},
    }


def _prometheus(environment: Environment) -> Data:
    place = _place(environment.prometheus, environment)
    flags = [
        f"--config.file={_READ}/{names.PROMETHEUS_FILE}",
        "--storage.tsdb.path=/prometheus",
        f"--storage.tsdb.retention.time={_KEPT}",
        f"--web.listen-address={place.listen}",
    ]
    return {
        **_program(PROMETHEUS, place, f"http://{place.asked}/-/ready"),
        "command": flags,
        "volumes": [f"./prometheus:{_READ}/prometheus:ro", "prometheus:/prometheus"],
        "secrets": _secrets({environment.viewer_token_file: "prometheus-token"}),
    }


def _alertmanagers(common: Common) -> Iterator[tuple[str, Data]]:
    """An Alertmanager for each address. Several form a cluster, in which each tells the others what it has sent."""
    places = [_place(f"http://{one}", common.environment) for one in common.environment.alertmanagers]
    hidden = _secrets(dict(_read_by_alertmanager(common)))
    published: set[int] = set()
    for number, place in enumerate(places):
        others = [_joined(one.host, one.port + _GOSSIP) for one in places if one is not place]
        gossip = _Place(place.host, place.port + _GOSSIP, place.machine).listen if others else ""
        first = place.port not in published
        published.add(place.port)
        name = f"alertmanager-{number}" if others else "alertmanager"
        yield (
            name,
            {
                **_program(ALERTMANAGER, place, f"http://{place.asked}/-/ready", published=first),
                "command": [
                    f"--config.file={_READ}/{names.ALERTMANAGER_FILE}",
                    "--storage.path=/alertmanager",
                    f"--web.listen-address={place.listen}",
                    f"--cluster.listen-address={gossip}",
                    *(f"--cluster.peer={one}" for one in others),
                ],
                "volumes": [f"./alertmanager:{_READ}/alertmanager:ro", f"{name}:/alertmanager"],
                "secrets": hidden,
            },
        )


def _read_by_alertmanager(common: Common) -> Iterator[tuple[str, str]]:
    """The path of each file that a channel reads, and what it is called in the folder of secrets."""
    for channel in (one for receiver in common.routing.receivers for one in receiver.channels):
        for path in (getattr(channel, one.name) for one in fields(channel) if one.name.endswith("_file")):
            if path == common.environment.token_file:
                yield path, "alertmanager-token"
            elif path:
                yield path, PurePosixPath(path).name


def _grafana(environment: Environment) -> Data:
    """Grafana, reachable on loopback only: put a proxy with TLS in front to open it to others."""
    machine = _on_machine(environment)
    place = _Place("127.0.0.1" if machine else "grafana", _GRAFANA_PORT, machine)
    settings = {
        "GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafana-password",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_SERVER_HTTP_PORT": str(_GRAFANA_PORT),
    }
    program = _program(GRAFANA, place, f"http://{place.asked}/api/health")
    del program["read_only"]  # it unpacks plug-ins beside its own files
    return {
        **program,
        "environment": settings | ({"GF_SERVER_HTTP_ADDR": place.host} if machine else {}),
        "volumes": [
            "./grafana/provisioning:/etc/grafana/provisioning:ro",
            "./grafana/dashboards:/etc/grafana/dashboards:ro",
            "grafana:/var/lib/grafana",
        ],
        "secrets": [{"source": "grafana-password"}],
    }


def _receiver(environment: Environment) -> Data:
    place = _place(environment.receiver, environment)
    settings = {
        "HANDRAIL_ADDRESS": place.listen,
        "HANDRAIL_PLAYBOOKS": "/playbook",
        "HANDRAIL_STORE": "sqlite:/var/lib/handrail/handrail.db",
        "HANDRAIL_TOKENS_FILE": "/run/secrets/tokens",
        "HANDRAIL_SECRETS_DIR": f"{_READ}/steps",
        "HANDRAIL_PROMETHEUS": environment.prometheus,
        "HANDRAIL_ALERTMANAGERS": ",".join(f"http://{one}" for one in environment.alertmanagers),
    }
    hidden = {"/run/secrets/tokens": "tokens"}
    asked = f"urllib.request.urlopen('http://{place.asked}/healthz', timeout=2)"
    if environment.receiver.startswith("https:"):
        settings["HANDRAIL_TLS_CERTIFICATE"] = "/run/secrets/receiver-certificate"
        settings["HANDRAIL_TLS_KEY"] = "/run/secrets/receiver-key"
        hidden |= {f"/run/secrets/{one}": one for one in ("receiver-certificate", "receiver-key")}
        asked = f"socket.create_connection({(place.host if place.machine else '127.0.0.1', place.port)}, 2)"
    service = _program(RECEIVER, place, "")
    return {
        **service,
        "healthcheck": {
            **service["healthcheck"],
            "test": ["CMD", "python", "-c", f"import socket, urllib.request; {asked}"],
        },
        "stop_grace_period": "15s",
        "tmpfs": ["/tmp"],  # noqa: S108  the container's own
        "environment": settings,
        "volumes": [
            "./playbook:/playbook:ro",
            f"{SECRETS}/steps:{_READ}/steps:ro",
            "handrail:/var/lib/handrail",
        ],
        "secrets": _secrets(hidden),
    }


def _program(image: str, place: _Place, ready: str, *, published: bool = True) -> Data:
    """What all have in common: one image, no rights, a health check, and a restart when they end."""
    return {
        "image": image,
        "restart": "unless-stopped",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        **place.network(published=published),
        "healthcheck": {
            "test": ["CMD", "wget", "-q", "--spider", ready],
            "interval": "10s",
            "timeout": "3s",
            "retries": 3,
            "start_period": "60s",
        },
    }


def _secrets(files: Mapping[str, str]) -> list[Data]:
    """Files by the path at which they are read."""
    return [
        {"source": name, "target": path.replace("$", "$$")}  # where `$` begins a variable of Compose
        for path, name in sorted(files.items())
    ]


def _volumes(service: Data) -> Iterable[str]:
    mounted = (one.partition(":")[0] for one in service.get("volumes", []))
    return [name for name in mounted if name.replace("-", "").isalnum()]
