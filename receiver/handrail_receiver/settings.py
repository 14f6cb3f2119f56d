"""All that an operator can set, each with the type that says what is refused.

Each field is the variable `HANDRAIL_<FIELD>`; `HANDRAIL_SETTINGS` names a TOML file with the same fields in
lower case, `handrail.toml` in the current folder without it. Variables win over the file. docs/reference/receiver.md has one
line for each; `read_settings.py` reads them.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from typing import Annotated, Literal

from handrail.contract import names
from pydantic import field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from handrail_receiver.access.proxies import Proxies, networks_of, roles_of
from handrail_receiver.addresses import Address, HttpAddress, shown
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


def proxies_of(settings: Settings) -> Proxies:
    """The proxies that are believed."""
    return Proxies(
        networks_of(settings.proxies)[0],
        settings.proxy_user_header.lower(),
        settings.proxy_groups_header.lower(),
        settings.proxy_certificate_header.lower(),
        roles_of(settings.proxy_roles)[0],
    )
