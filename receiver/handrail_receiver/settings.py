"""Environment and one optional file → Settings, or every error at once.

Each field is the variable `HANDRAIL_<FIELD>`; `HANDRAIL_SETTINGS` names a TOML file with the same fields in
lower case, `handrail.toml` in the current folder without it. Variables win over the file. docs/reference/receiver.md has one
line for each.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from typing import Annotated, Literal

from handrail.contract import names
from pydantic import ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from handrail_receiver.access.proxies import Proxies, networks_of, roles_of
from handrail_receiver.access.tokens import read_tokens, unreadable
from handrail_receiver.addresses import Address, HttpAddress, shown
from handrail_receiver.certificates import wrong_certificates
from handrail_receiver.errors import WrongSettings
from handrail_receiver.outside.http_config import read_http_config
from handrail_receiver.outside.logins import wrong_in
from handrail_receiver.secrets import SHORTEST
from handrail_receiver.setting_values import Count, Duration, Header, Lease, Place, Words

FILE = Path("handrail.toml")


class Settings(BaseSettings):
    """All that an operator can set. Durations are written as in declarations, or in seconds; lists are separated by commas."""

    model_config = SettingsConfigDict(env_prefix="HANDRAIL_", extra="ignore", frozen=True)

    address: str = "127.0.0.1:8080"
    public_url: str = ""
    playbooks: Place = Path("generated/playbook")
    store: str = "sqlite:handrail.db"
    tokens_file: Words = ()
    without_tokens: bool = False
    secrets_dir: Place | None = None
    proxies: Words = ()
    proxy_user_header: Header = "X-Forwarded-User"
    proxy_groups_header: Header = "X-Forwarded-Groups"
    proxy_certificate_header: Header = ""
    proxy_roles: Words = ()

    prometheus: HttpAddress | None = None
    prometheus_http_config: Place | None = None
    alertmanagers: Annotated[tuple[HttpAddress, ...], NoDecode] = ()
    alertmanagers_http_config: Words = ()
    alertmanager_receivers: str = names.RECEIVER
    grafana: HttpAddress | None = None
    grafana_http_config: Place | None = None
    ask_every: Duration = timedelta(minutes=1)
    silences_unknown: Literal["hold", "act"] = "hold"
    heartbeat_within: Duration = timedelta(minutes=5)

    kill_switch: Place = Path("handrail.stop")
    acts_per_minute: Count = 60
    inbox_limit: Count = 10_000
    keep_notifications: Duration = timedelta(days=7)
    keep_repeats: Duration = timedelta(hours=1)
    lease: Lease = timedelta(seconds=15)

    tls_certificate: Place | None = None
    tls_key: Place | None = None
    tls_client_ca: Place | None = None
    tls_authorities: Place | None = None

    signing_key: Place | None = None

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  there is no .env: one file is enough
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables first, then the one file."""
        file = settings_file()
        sources = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, toml_file=file)) if file else sources

    @field_validator(
        "tokens_file",
        "proxies",
        "proxy_roles",
        "alertmanagers",
        "alertmanagers_http_config",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("alertmanager_receivers")
    @classmethod
    def _somebody(cls, value: str) -> str:
        if not value.strip(" ,"):
            raise ValueError("it is empty; name a receiver, or leave the setting out")
        return value

    @field_validator("public_url")
    @classmethod
    def _for_anybody(cls, value: str) -> str:
        if shown(value) != value:
            raise ValueError("people get it in messages: leave user and password out")
        return value

    @field_validator("address")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"{value!r} is not host:port; write for example 127.0.0.1:8080")
        if int(port) > 65535:
            raise ValueError(f"{value!r} has a port above 65535; write one up to that")
        return value

    @property
    def host(self) -> str:
        """The address without its port and brackets."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port, 0 for any free one."""
        return int(self.address.rpartition(":")[2])

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def receivers(self) -> tuple[str, ...]:
        """What we are called in Alertmanager's configuration."""
        return tuple(name.strip() for name in self.alertmanager_receivers.split(",") if name.strip())

    @property
    def alertmanager_urls(self) -> tuple[str, ...]:
        """Where the Alertmanagers are, without logins."""
        return tuple(one.url for one in self.alertmanagers)

    @property
    def http_configs(self) -> Iterator[tuple[Address, str, Path | None]]:
        """Each address that is asked, the setting that names its login, and the file that holds it."""
        if self.prometheus:
            yield self.prometheus, "HANDRAIL_PROMETHEUS_HTTP_CONFIG", self.prometheus_http_config
        files: Iterable[Path | None] = map(Path, self.alertmanagers_http_config)
        if len(self.alertmanagers_http_config) < 2:
            files = repeat(next(iter(files), None))
        for address, file in zip(self.alertmanagers, files, strict=False):
            yield address, "HANDRAIL_ALERTMANAGERS_HTTP_CONFIG", file
        if self.grafana:
            yield self.grafana, "HANDRAIL_GRAFANA_HTTP_CONFIG", self.grafana_http_config


def settings_file() -> Path | None:
    """The file that HANDRAIL_SETTINGS names; without it the current folder's handrail.toml, if there is one."""
    named = os.environ.get("HANDRAIL_SETTINGS")
    if named:
        return Path(named)
    return FILE if os.path.lexists(FILE) else None


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
NO_SETTINGS = {"HANDRAIL_SETTINGS", *(f"HANDRAIL_{name}" for name in CLIENT_S)}


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
    return [f"HANDRAIL_SETTINGS: {file}: {name} is no setting; correct its spelling" for name in unknown]


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


def proxies_of(settings: Settings) -> Proxies:
    """The proxies that are believed."""
    return Proxies(
        networks_of(settings.proxies)[0],
        settings.proxy_user_header.lower(),
        settings.proxy_groups_header.lower(),
        settings.proxy_certificate_header.lower(),
        roles_of(settings.proxy_roles)[0],
    )


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
