"""A folder → a Prometheus and an Alertmanager that want TLS, a client certificate and a password, each its own."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import servers
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.http_config import read_http_config
from handrail_receiver.outside.logins import Login, Logins, Service
from handrail_receiver.secrets import Secrets

from .alertmanagers import NOBODY, alert

PASSWORDS = {  # the password and its hash, made once by bcrypt
    "prometheus": (
        "planted-password-of-prometheus",
        "$2b$04$nLYBXzBMPrm6FRPeoMu2q./HBoObhRcFAxOl8cXe7aqEsV2aWCe0u",
    ),
    "alertmanager": (
        "planted-password-of-alertmanager",
        "$2b$04$hPb1l1C5ZYyt9fKmy5lamuoa6sfG/uRKOfwLtWIRZ8T1vPwQ2r6xq",
    ),
}


def authority(folder: Path) -> None:
    """`ca.crt` and `ca.key` in the folder."""
    _openssl(folder, "req", "-x509", *_key("ca"), "-out", "ca.crt", "-days", "2", "-subj", "/CN=test")


def signed(folder: Path, name: str, days: int = 2) -> None:
    """A key and a certificate for 127.0.0.1, signed by the folder's authority; expired when `days` is below 0."""
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
    _openssl(folder, "req", *_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
    by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext"]
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", "-days", str(days), *by)


def http_config(folder: Path, name: str, **more: Any) -> Path:
    """A file by which the receiver logs in at `prometheus` or `alertmanager`; paths in it are of its folder."""
    (folder / f"{name}.password").write_text(f"{PASSWORDS[name][0]}\n")
    written = {
        "basic_auth": {"username": "handrail", "password_file": f"{name}.password"},
        "tls_config": {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"},
        **more,
    }
    path = folder / f"{name}-http.yml"
    path.write_text(json.dumps(written))
    return path


@contextmanager
def walled(folder: Path) -> Iterator[tuple[str, str]]:
    """The addresses of both, once they are ready."""
    authority(folder)
    for name in ("server", "client"):
        signed(folder, name)
    (folder / "prometheus.yml").write_text("{}")
    (folder / "alertmanager.yml").write_text(json.dumps(NOBODY))
    with (
        servers.prometheus(
            folder,
            folder / "prometheus.yml",
            flags=[_web(folder, "prometheus")],
            ready=lambda address: _answers(folder, "prometheus", address),
        ) as prometheus,
        servers.alertmanager(
            folder,
            folder / "alertmanager.yml",
            flags=["--cluster.listen-address=", _web(folder, "alertmanager")],
            ready=lambda address: _answers(folder, "alertmanager", address),
        ) as alertmanager,
    ):
        yield f"https://{prometheus.address}", f"https://{alertmanager.address}"


def person(folder: Path, name: str) -> httpx.Client:
    """Somebody who may ask `prometheus` or `alertmanager`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / "ca.crt")
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return httpx.Client(verify=context, auth=("handrail", PASSWORDS[name][0]), trust_env=False)


def fires(folder: Path, url: str, **labels: str) -> None:
    """Tell the Alertmanager that an alert of `shop` fires."""
    with person(folder, "alertmanager") as client:
        client.post(f"{url}/api/v2/alerts", json=[alert(firing=True, **labels)]).raise_for_status()


def written(folder: Path, config: Any, name: str = "http.yml") -> Path:
    path = folder / name
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return path


async def ask(url: str, *places: tuple[str, Path]) -> None:
    """One request, as the receiver makes it, with the login that a file holds for each address."""
    secrets, found = Secrets(None, {}), []
    for address, file in places:
        config, wrong = read_http_config(file)
        assert wrong == []
        found.append(Service(address, "HANDRAIL_PROMETHEUS_HTTP_CONFIG", Login(config, secrets, None)))
    logins = Logins(found)
    async with new_client(None) as client:
        try:
            await Outside(client, secrets, logins).ask("Prometheus", "GET", url, timeout=5)
        finally:
            await logins.aclose()


def _web(folder: Path, name: str) -> str:
    config: Mapping[str, Any] = {
        "tls_server_config": {
            "cert_file": str(folder / "server.crt"),
            "key_file": str(folder / "server.key"),
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": str(folder / "ca.crt"),
        },
        "basic_auth_users": {"handrail": PASSWORDS[name][1]},
    }
    path = folder / f"{name}-web.yml"
    path.write_text(json.dumps(config))
    return f"--web.config.file={path}"


def _answers(folder: Path, name: str, address: str) -> bool:
    try:
        with person(folder, name) as client:
            return client.get(f"https://{address}/-/ready").is_success
    except httpx.TransportError:
        return False


def _key(name: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]


def _openssl(folder: Path, *argv: str) -> None:
    subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)
