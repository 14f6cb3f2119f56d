"""Environment and one optional file → Settings, or every error at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from handrail.contract import names
from pydantic import ValidationError

from handrail_receiver.access.proxies import networks_of, roles_of
from handrail_receiver.access.tokens import read_tokens, unreadable
from handrail_receiver.certificates import wrong_certificates
from handrail_receiver.errors import WrongSettings
from handrail_receiver.outside.http_config import read_http_config
from handrail_receiver.outside.logins import wrong_in
from handrail_receiver.secrets import SHORTEST
from handrail_receiver.settings import Settings, settings_file


def read_settings(*more: Callable[[Settings], Iterable[str]]) -> Settings:
    """The settings of this process; `more` says what else would be wrong with them.

    Raises WrongSettings with one line for each thing that is wrong, files that cannot be read included.
    """
    wrong = [*_unknown_variables(), *_unknown_in_file(settings_file())]
    try:
        settings = Settings()
    except ValidationError as error:
        raise WrongSettings("\n".join([*wrong, *map(_line, error.errors(include_url=False))])) from None
    wrong += [
        *_wrong_together(settings),
        *_missing_files(settings),
        *_wrong_tokens(settings),
        *_wrong_logins(settings),
        *_wrong_proxies(settings),
        *(line for one in more for line in one(settings)),
    ]
    if wrong:
        raise WrongSettings("\n".join(wrong))
    return settings


def read_addresses(prometheus: str | None, alertmanagers: str | None, grafana: str | None) -> Settings:
    """The settings of who only asks: the addresses that are given count before those that are set, and no more is needed.

    Raises WrongSettings with one line for each thing that is wrong.
    """
    addresses = {"prometheus": prometheus, "alertmanagers": alertmanagers, "grafana": grafana}
    try:
        return Settings.model_validate({name: text for name, text in addresses.items() if text})
    except ValidationError as error:
        raise WrongSettings("\n".join(map(_line, error.errors(include_url=False)))) from None


CLIENT_S = ("URL", "TOKEN", "TOKEN_FILE", "CERT", "KEY", "CA")
COMPOSE_S = (names.IMAGE_VARIABLE, names.SECRETS_VARIABLE)
NO_SETTINGS = {"HANDRAIL_SETTINGS", *(f"HANDRAIL_{name}" for name in CLIENT_S), *COMPOSE_S}


def _unknown_variables() -> list[str]:
    known = {f"HANDRAIL_{name.upper()}" for name in Settings.model_fields} | NO_SETTINGS
    variables = {
        name
        for name in os.environ
        if name.startswith("HANDRAIL_") and not name.startswith("HANDRAIL_SECRET_")
    }
    return [f"{name}: there is no such setting; correct its spelling" for name in sorted(variables - known)]


def _unknown_in_file(file: Path | None) -> list[str]:
    """What the file names that is no setting. Raises WrongSettings when it cannot be read: then nothing is known."""
    if file is None:
        return []
    try:
        fields = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise WrongSettings(f"HANDRAIL_SETTINGS: {file}: {why}; name a readable TOML file") from None
    unknown = sorted(set(fields) - set(Settings.model_fields))
    return [f"HANDRAIL_SETTINGS: {file}: {name} is not a setting; correct its spelling" for name in unknown]


CURES = {
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "int_parsing": "write a whole number, such as 60",
    "int_from_float": "write a whole number, such as 60",
    "greater_than_equal": "write a greater one",
    "string_type": "write it in quotes",
    "tuple_type": 'write a list, ["…", "…"]',
}
"""What pydantic leaves unsaid of each thing that it finds wrong."""


def _line(item: object) -> str:
    assert isinstance(item, dict)  # noqa: S101  pydantic's ErrorDetails
    setting = f"HANDRAIL_{str(item['loc'][0]).upper()}"
    if item["type"] == "value_error":
        return f"{setting}: {str(item['msg']).removeprefix('Value error, ')}"
    if item["type"] == "literal_error":
        return f"{setting}: {item['input']!r} is not one of {item['ctx']['expected']}; write one of them"
    said = str(item["msg"])[0].lower() + str(item["msg"])[1:].partition(",")[0]
    return f"{setting}: {item['input']!r}: {said}; {CURES.get(item['type'], '`handrail docs receiver` has all settings')}"


def _wrong_together(settings: Settings) -> Iterator[str]:
    """What each setting alone may say, and the others forbid."""
    if settings.without_tokens and not settings.loopback:
        yield (
            f"HANDRAIL_WITHOUT_TOKENS on {settings.address}, which others can reach; "
            "set HANDRAIL_TOKENS_FILE or listen on 127.0.0.1"
        )
    if not settings.tokens_file and not settings.without_tokens:
        yield (
            "HANDRAIL_TOKENS_FILE: it is not set, and nobody could call the receiver; name a file with a line "
            "`alertmanager NAME TOKEN` and a line `operator NAME TOKEN` (`handrail init` makes one), or set "
            "HANDRAIL_WITHOUT_TOKENS=true on a loopback address"
        )
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        yield "HANDRAIL_TLS_CERTIFICATE and HANDRAIL_TLS_KEY belong together; set both or neither"
    if settings.tls_client_ca and not settings.tls_certificate:
        yield "HANDRAIL_TLS_CLIENT_CA needs HANDRAIL_TLS_CERTIFICATE and HANDRAIL_TLS_KEY; set them"


def _missing_files(settings: Settings) -> list[str]:
    named = {
        "HANDRAIL_TLS_CERTIFICATE": settings.tls_certificate,
        "HANDRAIL_TLS_KEY": settings.tls_key,
        "HANDRAIL_TLS_CLIENT_CA": settings.tls_client_ca,
        "HANDRAIL_TLS_AUTHORITIES": settings.tls_authorities,
        "HANDRAIL_SIGNING_KEY": settings.signing_key,
    }
    wrong = [
        f"{name}: {path} is not a file; correct the path"
        for name, path in named.items()
        if path and not os.path.isfile(path)  # noqa: PTH113  a Path raises where it may not look
    ]
    if not wrong:
        wrong += wrong_certificates(
            settings.tls_certificate, settings.tls_key, settings.tls_client_ca, settings.tls_authorities
        )
    folder = settings.secrets_dir
    if folder and not os.path.isdir(folder):  # noqa: PTH112
        wrong.append(f"HANDRAIL_SECRETS_DIR: {folder} is not a folder; correct the path")
    elif folder and not os.access(folder, os.R_OK | os.X_OK):
        wrong.append(f"HANDRAIL_SECRETS_DIR: {folder} may not be read; let the receiver's user into it")
    return wrong


def _wrong_logins(settings: Settings) -> Iterator[str]:
    if settings.prometheus_http_config and not settings.prometheus:
        yield "HANDRAIL_PROMETHEUS_HTTP_CONFIG: there is nobody to log in to; set HANDRAIL_PROMETHEUS"
    if settings.grafana_http_config and not settings.grafana:
        yield "HANDRAIL_GRAFANA_HTTP_CONFIG: there is nobody to log in to; set HANDRAIL_GRAFANA"
    files, addresses = settings.alertmanagers_http_config, settings.alertmanagers
    if files and len(files) not in {1, len(addresses)}:
        yield (
            f"HANDRAIL_ALERTMANAGERS_HTTP_CONFIG: {len(files)} files for {len(addresses)} addresses; name one "
            "file for all of HANDRAIL_ALERTMANAGERS, or one for each, in the same order"
        )
    elif files and not addresses:
        yield "HANDRAIL_ALERTMANAGERS_HTTP_CONFIG: there is nobody to log in to; set HANDRAIL_ALERTMANAGERS"
    ways: dict[str, object] = {}
    for address, setting, file in settings.http_configs:
        way = (file, address.user, address.password)
        if ways.setdefault(address.url.rstrip("/"), way) != way:
            yield f"{address} is named twice, with two logins; give each address once"
        if ":" in address.user:
            yield f"{address} has a user with a colon, which no login can carry; correct it"
        if address.user and file:
            yield f"{setting}: {address} has a user in it as well; leave it out there"
        if address.user and len(address.password) < SHORTEST:
            yield (
                f"{address} has a password with fewer than {SHORTEST} characters, which could not be kept out of texts; "
                f"make it longer, or write the login into the file of {setting}"
            )
    named = dict.fromkeys((setting, file) for _, setting, file in settings.http_configs if file)
    for setting, file in named:
        config, wrong = read_http_config(file)
        yield from (f"{setting}: {one}" for one in wrong or wrong_in(config))


def _wrong_proxies(settings: Settings) -> Iterator[str]:
    yield from (f"HANDRAIL_PROXIES: {one}" for one in networks_of(settings.proxies)[1])
    yield from (f"HANDRAIL_PROXY_ROLES: {one}" for one in roles_of(settings.proxy_roles)[1])
    if settings.proxy_roles and not settings.proxies:
        yield "HANDRAIL_PROXY_ROLES: no proxy is believed; set HANDRAIL_PROXIES to its address"
    if settings.proxies and not settings.proxy_roles:
        yield "HANDRAIL_PROXIES: nobody who comes through it may do anything; set HANDRAIL_PROXY_ROLES"
    if settings.proxies and settings.without_tokens:
        yield "HANDRAIL_PROXIES: with HANDRAIL_WITHOUT_TOKENS everybody may do everything; leave one of them out"


def _wrong_tokens(settings: Settings) -> list[str]:
    wrong: list[str] = []
    roles = set()
    for file in settings.tokens_file:
        try:
            tokens, problems = read_tokens(Path(file))
        except OSError as error:
            wrong.append(unreadable(Path(file), error))
        else:
            roles |= {token.role for token in tokens}
            wrong += problems
    if settings.tokens_file and not wrong and "alertmanager" not in roles:
        wrong.append(
            "HANDRAIL_TOKENS_FILE: no token has the role alertmanager; add a line `alertmanager NAME TOKEN`"
        )
    return wrong
