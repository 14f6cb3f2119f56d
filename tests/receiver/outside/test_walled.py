"""Prometheus and Alertmanager behind TLS, certificates and passwords: the real ones, and a receiver that asks them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import servers
from apis import Api, Inbox, Request
from guarded import Guarded, guarded, playbook
from guarded.walled import PASSWORDS, ask, authority, fires, http_config, signed, walled, written
from handrail.contract import Confirmation
from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.http_config import read_http_config
from handrail_receiver.outside.logins import Login, Logins, Service, wrong_in
from handrail_receiver.secrets import Secrets
from starlette.responses import PlainTextResponse, Response

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def shown(shop: Guarded) -> str:
    """All that can be read of the receiver."""
    paths = [
        "",
        "rollouts/shop",
        "api/rollouts",
        "api/rollouts/shop",
        "api/rollouts/shop/evidence",
        "metrics",
    ]
    return "".join(shop.ask("GET", f"/{path}", "viewer").text for path in paths) + shop.server.log.read_text()


def test_a_rollback_is_found_confirmed_and_done_behind_tls_certificates_and_passwords(tmp_path: Path) -> None:
    """A Prometheus and an Alertmanager, each with its own password, asked by a receiver that has both."""
    asks = Confirmation(after=0.1, expr="vector(1)", unreachable="hold")
    book = playbook(tiers={"error-rate/critical": {"confirmation": asks}})
    with walled(tmp_path) as (prometheus, alertmanager):
        logins = {name.upper(): str(http_config(tmp_path, name)) for name in PASSWORDS}
        settings: dict[str, Any] = {
            "PROMETHEUS": prometheus,
            "PROMETHEUS_HTTP_CONFIG": logins["PROMETHEUS"],
            "ALERTMANAGERS": alertmanager,
            "ALERTMANAGERS_HTTP_CONFIG": logins["ALERTMANAGER"],
            "ASK_EVERY": "0.5",
            "LOG_LEVEL": "debug",
        }
        with guarded(tmp_path, book, **settings) as shop:
            shop.call("start")
            fires(tmp_path, alertmanager)
            shop.until("rollback", "done")
            text = shown(shop)
            assert shop.weights() == (0, 100)
            assert [password for password, _ in PASSWORDS.values() if password in text] == []


def test_without_the_login_the_page_says_which_setting_is_missing(tmp_path: Path) -> None:
    class Wall(Api):
        def answer(self, request: Request) -> Response:  # noqa: ARG002  whoever asks
            return PlainTextResponse("Unauthorized", 401)

    with (
        Wall() as wall,
        guarded(tmp_path, PROMETHEUS=wall.url, ALERTMANAGERS=f"{wall.url}/am", ASK_EVERY="0.5") as shop,
    ):
        said = "answered 401 Unauthorized: Unauthorized; set the login in HANDRAIL_"
        servers.until(lambda: f"{said}ALERTMANAGERS_HTTP_CONFIG" in shown(shop), "the page to say it")
        assert f"Prometheus at {wall.url} {said}PROMETHEUS_HTTP_CONFIG" in shown(shop)


async def test_a_certificate_that_was_renewed_counts_without_a_restart(tmp_path: Path) -> None:
    with walled(tmp_path) as (prometheus, _):
        good = {name: (tmp_path / f"client.{name}").read_bytes() for name in ("crt", "key")}
        signed(tmp_path, "client", days=-1)
        config, _ = read_http_config(http_config(tmp_path, "prometheus"))
        logins = Logins([Service(prometheus, "X", Login(config, secrets := Secrets(None, {}), None))])
        url = f"{prometheus}/api/v1/query?query=vector(1)"
        async with new_client(None) as client:
            outside = Outside(client, secrets, logins)
            with pytest.raises(Retryable) as expired:
                await outside.ask("Prometheus", "GET", url, timeout=5)
            (tmp_path / "client.crt").write_bytes(good["crt"])
            with pytest.raises(Permanent) as half:
                await outside.ask("Prometheus", "GET", url, timeout=5)
            (tmp_path / "client.key").write_bytes(good["key"])
            answer = await outside.ask("Prometheus", "GET", url, timeout=5)
            await logins.aclose()
    assert (expired.value.cause, answer.status) == (Cause.unreachable, 200)
    assert str(half.value) == (
        f"{tmp_path}/client.crt cannot be used (KEY_VALUES_MISMATCH); give the key {tmp_path}/client.key that fits, "
        "without a password"
    )


@pytest.mark.parametrize("days", [-1, 2])
async def test_an_expired_or_foreign_certificate_of_the_other_side_is_not_taken(
    tmp_path: Path, days: int
) -> None:
    authority(tmp_path)
    signed(tmp_path, "server", days=days)
    if days > 0:
        authority(tmp_path)  # another one, of the same name
    file = written(tmp_path, {"tls_config": {"ca_file": "ca.crt"}})
    with Inbox(certificate=tmp_path / "server.crt", key=tmp_path / "server.key") as api:
        with pytest.raises(Retryable) as raised:
            await ask(api.url, (api.url, file))
        assert (raised.value.cause, api.requests) == (Cause.unreachable, [])
    assert "certificate verify failed: " in str(raised.value)


async def test_a_certificate_of_another_name_is_taken_when_that_name_is_declared(tmp_path: Path) -> None:
    """The certificate is for 127.0.0.1, and it is reached as localhost: through a tunnel, say."""
    authority(tmp_path)
    signed(tmp_path, "server")
    with Inbox(certificate=tmp_path / "server.crt", key=tmp_path / "server.key") as api:
        url = api.url.replace("127.0.0.1", "localhost")
        file = written(tmp_path, {"tls_config": {"ca_file": "ca.crt"}})
        with pytest.raises(Retryable, match="Hostname mismatch"):
            await ask(url, (url, file))
        await ask(
            url, (url, written(tmp_path, {"tls_config": {"ca_file": "ca.crt", "server_name": "127.0.0.1"}}))
        )
        assert len(api.requests) == 1


def test_an_encrypted_key_is_refused_and_no_password_is_asked_for(tmp_path: Path) -> None:
    authority(tmp_path)
    signed(tmp_path, "client")
    subprocess.run(
        ["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", "client.key", "-out", "locked.key"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    config, _ = read_http_config(
        written(tmp_path, {"tls_config": {"cert_file": "client.crt", "key_file": "locked.key"}})
    )
    [said] = wrong_in(config)
    assert said.endswith(f"give the key {tmp_path}/locked.key that fits, without a password")
