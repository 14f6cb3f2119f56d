"""Prometheus and Alertmanager behind a login: what a request carries, what is refused at the start, what is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apis import Inbox, Trouble
from guarded.walled import ask, authority, signed, written
from handrail_receiver.errors import Cause, Permanent, WrongSettings
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.http_config import read_http_config
from handrail_receiver.outside.logins import Login, Logins, Service
from handrail_receiver.read_settings import read_settings
from handrail_receiver.secrets import Secrets
from starlette.responses import RedirectResponse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api() -> Iterator[Inbox]:
    with Inbox() as api:
        yield api


BEARER = {"authorization": {"credentials_file": "token"}}
"""OpenShift, Thanos and whoever else takes a service account's token."""


@pytest.mark.parametrize(
    ("config", "carried"),
    [
        (BEARER, {"authorization": "Bearer planted-bearer-token"}),
        (
            {"authorization": {"type": "GenieKey", "credentials": "planted-in-the-file"}},
            {"authorization": "GenieKey planted-in-the-file"},
        ),
        (
            {"basic_auth": {"username": "123456", "password_file": "token"}},
            {"authorization": "Basic MTIzNDU2OnBsYW50ZWQtYmVhcmVyLXRva2Vu"},
        ),
        (
            {
                "http_headers": {
                    "X-Scope-OrgID": {"values": ["shop|payments"]},
                    "X-Api-Key": {"files": ["token"]},
                }
            },
            {"x-scope-orgid": "shop|payments", "x-api-key": "planted-bearer-token"},
        ),
    ],
)
async def test_each_way_to_log_in_is_in_the_headers(
    api: Inbox, tmp_path: Path, config: Any, carried: dict[str, str]
) -> None:
    (tmp_path / "token").write_text("planted-bearer-token\n")
    await ask(api.url, (api.url, written(tmp_path, config)))
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert {name: value for name, value in api.requests[0].headers.items() if name not in usual} == carried


async def test_a_token_counts_as_soon_as_its_file_has_changed(api: Inbox, tmp_path: Path) -> None:
    config, _ = read_http_config(written(tmp_path, BEARER))
    logins = Logins([Service(api.url, "X", Login(config, secrets := Secrets(None, {}), None))])
    async with new_client(None) as client:
        outside = Outside(client, secrets, logins)
        for token in ("planted-old-token", "planted-new-token"):
            (tmp_path / "token").write_text(token)
            await outside.ask("Prometheus", "GET", api.url, timeout=5)
        await logins.aclose()
    sent = [request.headers["authorization"] for request in api.requests]
    assert sent == ["Bearer planted-old-token", "Bearer planted-new-token"]
    assert secrets.redact("planted-old-token planted-new-token") == "[secret token] [secret token]"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty; write the secret into it"),
        (None, "cannot be read (No such file or directory); correct the path, or make it readable"),
        ("short", "has fewer than 8 characters and could not be kept out of texts; make it longer"),
    ],
)
async def test_a_token_file_that_was_emptied_or_removed_is_said_and_the_old_token_is_not_used(
    api: Inbox, tmp_path: Path, content: str | None, says: str
) -> None:
    token = tmp_path / "token"
    token.write_text("planted-old-token")
    config, _ = read_http_config(written(tmp_path, BEARER))
    logins = Logins([Service(api.url, "X", Login(config, secrets := Secrets(None, {}), None))])
    async with new_client(None) as client:
        outside = Outside(client, secrets, logins)
        await outside.ask("Prometheus", "GET", api.url, timeout=5)
        token.write_text(content) if content is not None else token.unlink()
        with pytest.raises(Permanent) as raised:
            await outside.ask("Prometheus", "GET", api.url, timeout=5)
        await logins.aclose()
    assert (str(raised.value), len(api.requests)) == (f"{token} {says}", 1)


async def test_each_address_has_its_own_login_and_nobody_else_gets_any(api: Inbox, tmp_path: Path) -> None:
    for name in ("outer", "inner"):
        (tmp_path / f"{name}.token").write_text(f"planted-token-of-{name}")
    files = {
        name: written(tmp_path, {"authorization": {"credentials_file": f"{name}.token"}}, name)
        for name in ("outer", "inner")
    }
    places = ((f"{api.url}/mimir", files["outer"]), (f"{api.url}/mimir/alertmanager/", files["inner"]))
    paths = ["/mimir", "/mimir/api/v1/query?query=1", "/mimir/alertmanager/api/v2/alerts", "/mimir2/x", "/"]
    for path in paths:
        await ask(f"{api.url}{path}", *places)
    assert [request.headers.get("authorization", "") for request in api.requests] == [
        "Bearer planted-token-of-outer",
        "Bearer planted-token-of-outer",
        "Bearer planted-token-of-inner",
        "",
        "",
    ]


async def test_a_redirect_takes_the_token_nowhere(api: Inbox, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("planted-bearer-token")
    with Inbox() as other:
        api.queue = [RedirectResponse(f"{other.url}/login", 307)]
        with pytest.raises(Permanent) as raised:
            await ask(api.url, (api.url, written(tmp_path, BEARER)))
        assert (raised.value.cause, other.requests) == (Cause.invalid, [])


async def test_a_login_that_is_refused_names_the_setting_and_not_the_token(
    api: Inbox, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("planted-bearer-token")
    api.trouble = Trouble.refused
    with pytest.raises(Permanent) as raised:
        await ask(api.url, (api.url, written(tmp_path, BEARER)))
    assert str(raised.value) == (
        f'Prometheus at {api.url} answered 403 Forbidden: {{"message":"no: your Bearer [secret token] asked for /"}}; '
        "set the login in HANDRAIL_PROMETHEUS_HTTP_CONFIG"
    )


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        ("a: [", ["http.yml is no YAML; write it as Prometheus' http_config"]),
        ("just words", ["http.yml: Input should be a valid dictionary or instance of HttpConfig"]),
        (
            {"basic_auth": {"username": "a"}, "authorization": {"credentials": "x", "credentials_file": "y"}},
            [
                "http.yml: basic_auth: give password or password_file, one of the two",
                "http.yml: authorization: give credentials or credentials_file, one of the two",
            ],
        ),
        (
            {
                "basic_auth": {"username": "a", "password": "12345678"},
                "authorization": {"credentials": "12345678"},
            },
            ["http.yml: basic_auth and authorization want the same header; give one of the two"],
        ),
        (
            {"authorization": {"type": "Basic", "credentials": "12345678"}},
            [
                "http.yml: authorization: type is a word such as Bearer; for a user and a password write basic_auth"
            ],
        ),
        (
            {"bearer_token_file": "x", "oauth2": {}, "proxy_url": "http://x", "sigv4": {}, "sigv5": {}},
            [
                "http.yml: bearer_token_file: write `authorization:` with `credentials_file:` below it",
                "http.yml: oauth2: it cannot be done here; have the token written into a file and name that in authorization.credentials_file",
                "http.yml: proxy_url: nothing is sent through a proxy; let the receiver reach the address itself",
                "http.yml: sigv4: requests cannot be signed here; put a proxy that signs them before the address",
                "http.yml: sigv5: there is no such key; `handrail docs receiver` has all of them",
            ],
        ),
        (
            {"tls_config": {"insecure_skip_verify": True}},
            ["http.yml: tls_config: certificates are always checked; name the authority in ca_file"],
        ),
        (
            {"tls_config": {"cert_file": "client.crt"}},
            ["http.yml: tls_config: cert_file and key_file belong together; give both or neither"],
        ),
        (
            {"http_headers": {"Authorization": {"values": ["x"]}, "bad name": {"values": ["x"]}}},
            [
                "http.yml: http_headers: Authorization, bad name cannot be set here; write authorization for a token, basic_auth for a password"
            ],
        ),
        (
            {"http_headers": {"X-Scope-OrgID": {}, "X-Other": {"values": ["a\nb"]}}},
            [
                "http.yml: http_headers.X-Scope-OrgID: give values, secrets or files",
                "http.yml: http_headers.X-Other: a value is printable ASCII; correct it",
            ],
        ),
    ],
)
def test_a_login_that_cannot_be_meant_is_refused_in_words(
    tmp_path: Path, config: Any, wrong: list[str]
) -> None:
    file = written(tmp_path, config)
    assert [one.replace(f"{tmp_path}/", "") for one in read_http_config(file)[1]] == wrong


def test_all_that_is_wrong_with_the_logins_is_said_at_once_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokens").write_text("alertmanager am-1 0123456789abcdef\n")
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "lines").write_text("planted-one\nplanted-two\n")
    authority(tmp_path)
    for name in ("client", "other"):
        signed(tmp_path, name)
    written(
        tmp_path,
        {
            "authorization": {"credentials_file": "empty"},
            "tls_config": {"ca_file": "no.crt", "cert_file": "client.crt", "key_file": "other.key"},
        },
        "a.yml",
    )
    written(tmp_path, {"tls_config": {"cert_file": "client.crt", "key_file": "other.key"}}, "b.yml")
    written(tmp_path, {"http_headers": {"X-Key": {"files": ["lines"], "secrets": ["pw"]}}}, "c.yml")
    written(tmp_path, {"authorization": {"credentials_file": "lines"}}, "d.yml")
    for name, value in {
        "TOKENS_FILE": "tokens",
        "PROMETHEUS": "http://p:9090",
        "PROMETHEUS_HTTP_CONFIG": "a.yml",
        "ALERTMANAGERS": "http://a:1,http://b:2,http://c:3,http://d:4",
        "ALERTMANAGERS_HTTP_CONFIG": "b.yml,c.yml,d.yml,gone.yml",
    }.items():
        monkeypatch.setenv(f"HANDRAIL_{name}", value)
    with pytest.raises(WrongSettings) as refused:
        read_settings()
    am, cure = "HANDRAIL_ALERTMANAGERS_HTTP_CONFIG", "correct the path, or make it readable"
    assert str(refused.value).splitlines() == [
        "HANDRAIL_PROMETHEUS_HTTP_CONFIG: empty is empty; write the secret into it",
        f"HANDRAIL_PROMETHEUS_HTTP_CONFIG: no.crt cannot be read (No such file or directory); {cure}",
        f"{am}: client.crt cannot be used (KEY_VALUES_MISMATCH); give the key other.key that fits, without a password",
        f"{am}: a secret that is in it has fewer than 8 characters and could not be kept out of texts; make it longer",
        f"{am}: the value of Authorization is not one line of ASCII; correct its file",
        f"{am}: gone.yml cannot be read (No such file or directory); {cure}",
    ]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"PROMETHEUS_HTTP_CONFIG": "a.yml"},
            "HANDRAIL_PROMETHEUS_HTTP_CONFIG: there is nobody to log in to; set HANDRAIL_PROMETHEUS",
        ),
        (
            {"ALERTMANAGERS_HTTP_CONFIG": "a.yml"},
            "HANDRAIL_ALERTMANAGERS_HTTP_CONFIG: there is nobody to log in to; set HANDRAIL_ALERTMANAGERS",
        ),
        (
            {"ALERTMANAGERS": "http://a,http://b,http://c", "ALERTMANAGERS_HTTP_CONFIG": "a.yml,b.yml"},
            "HANDRAIL_ALERTMANAGERS_HTTP_CONFIG: 2 files for 3 addresses; name one file for all of HANDRAIL_ALERTMANAGERS, or one for each, in the same order",
        ),
        (
            {"ALERTMANAGERS": "http://a,http://a/", "ALERTMANAGERS_HTTP_CONFIG": "a.yml,b.yml"},
            "http://a/ is named twice, with two logins; give each address once",
        ),
        (
            {"PROMETHEUS": "http://u:12345678@a", "ALERTMANAGERS": "http://v:12345678@a"},
            "http://a is named twice, with two logins; give each address once",
        ),
        (
            {"PROMETHEUS": "http://u%3Av:12345678@a"},
            "http://a has a user with a colon, which no login can carry; correct it",
        ),
    ],
)
def test_a_login_for_nobody_or_for_two_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokens").write_text("alertmanager am-1 0123456789abcdef\n")
    for name in ("a.yml", "b.yml"):
        written(tmp_path, "", name)
    for name, value in {"TOKENS_FILE": "tokens", **settings}.items():
        monkeypatch.setenv(f"HANDRAIL_{name}", value)
    with pytest.raises(WrongSettings) as refused:
        read_settings()
    assert str(refused.value).splitlines() == [says]
