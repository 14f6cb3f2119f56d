"""TLS and client certificates by settings."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import servers
from guarded import TOKENS, body, playbook, warm, write_playbook
from guarded.service import environment
from handrail_receiver import cli
from handrail_receiver.certificates import as_prometheus_verifies

NEW = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def signed(folder: Path, name: str) -> None:
    """A key and a certificate for 127.0.0.1, signed by the folder's authority."""
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
    ask = ["req", *NEW, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr"]
    sign = ["x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", "-days", "2", "-extfile", "ext"]
    authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
    for argv in ([*ask, "-subj", f"/CN={name}"], [*sign, *authority]):
        subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)


def client(folder: Path, *, certificate: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / "ca.crt")
    if certificate:
        context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


@pytest.fixture(name="url")
def _url(tmp_path: Path) -> Iterator[str]:
    make = ["openssl", "req", "-x509", *NEW, "-nodes", "-keyout", "ca.key", "-out", "ca.crt"]
    subprocess.run([*make, "-days", "2", "-subj", "/CN=test"], cwd=tmp_path, check=True, capture_output=True)
    signed(tmp_path, "server")
    signed(tmp_path, "client")
    write_playbook(tmp_path / "playbook", playbook())
    files = {"TLS_CERTIFICATE": "server.crt", "TLS_KEY": "server.key", "TLS_CLIENT_CA": "ca.crt"}
    env = environment(
        tmp_path, servers.free_address(), **{name: str(tmp_path / file) for name, file in files.items()}
    )
    url = f"https://{env['HANDRAIL_ADDRESS']}"

    def ready() -> bool:
        try:
            return httpx.get(
                f"{url}/readyz", verify=client(tmp_path, certificate=True), trust_env=False
            ).is_success
        except httpx.TransportError:
            return False

    process = warm.parent().fork(tmp_path, env)
    server = servers.Server("receiver", env["HANDRAIL_ADDRESS"], process, tmp_path / "receiver.log")
    with servers.lasting(server, ready):
        yield url


def test_a_certificate_that_lacks_extensions_is_taken_whatever_python_asks_for(
    url: str, tmp_path: Path
) -> None:
    asking = client(tmp_path, certificate=True)
    asking.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 and later do
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{url}/healthz", verify=asking, trust_env=False)
    lenient = as_prometheus_verifies(asking)
    assert httpx.get(f"{url}/healthz", verify=lenient, trust_env=False).is_success


def test_only_who_has_a_certificate_of_the_authority_gets_in(url: str, tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {TOKENS['alertmanager']}"}

    def post(*, certificate: bool) -> int:
        verify = client(tmp_path, certificate=certificate)
        path = f"{url}/webhooks/alertmanager"
        return httpx.post(path, content=body(), headers=headers, verify=verify, trust_env=False).status_code

    assert post(certificate=True) == 200
    with pytest.raises(httpx.TransportError):
        post(certificate=False)


def test_the_command_line_shows_its_certificate(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"cert": "client.crt", "key": "client.key", "ca": "ca.crt"}
    given = {word: str(tmp_path / file) for word, file in files.items()}

    def asks(cert: str = "", key: str = "", ca: str = "") -> tuple[int, str]:
        code = cli.rollout("status", "shop", url=url, token=TOKENS["viewer"], cert=cert, key=key, ca=ca)
        said = capsys.readouterr()
        return code, (said.out + said.err).strip()

    assert asks(**given) == (0, "shop: no attempt yet")
    assert asks(ca=given["ca"])[0] == 1
    assert asks(ca=given["ca"], cert=given["cert"]) == (
        2,
        "--cert and --key belong together; give both or neither",
    )
    code, said = asks(**{**given, "key": given["ca"]})
    assert (code, said.endswith("; give files in PEM that fit and can be read")) == (2, True)
    for word, file in given.items():
        monkeypatch.setenv(f"HANDRAIL_{word.upper()}", file)
    assert asks() == (0, "shop: no attempt yet")
