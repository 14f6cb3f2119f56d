"""A grafana-server on PATH → the one of ruleiq's stack, with what was generated for it and a new password; or none.

Grafana is not in Debian, and its packages on npm and PyPI are libraries: who wants it in `make stack` installs it.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import servers

FOUND_AT = "/etc/grafana/dashboards"
"""Where the generated provisioning looks for dashboards: the container's place."""
PACKAGED = Path("/usr/share/grafana")
"""Where a package puts what Grafana needs beside its program; an archive has it one folder above the program's."""


@dataclass(frozen=True)
class Grafana:
    """Where it answers, and the password of its user `admin`."""

    url: str
    password: str


def command() -> list[str] | None:
    """What starts it; None where it is not installed."""
    program = shutil.which("grafana-server") or shutil.which("grafana")
    if program is None:
        return None
    above = Path(program).resolve().parent.parent
    home = above if (above / "conf/defaults.ini").exists() else PACKAGED
    return [program, *(["server"] if Path(program).name == "grafana" else []), f"--homepath={home}"]


@contextmanager
def grafana(folder: Path, generated: Path, address: str) -> Iterator[Grafana | None]:
    """It, running; or nothing."""
    argv = command()
    if argv is None:
        yield None
        return
    own = folder / "grafana"
    shutil.copytree(generated / "grafana/provisioning", own / "provisioning")
    provider = own / "provisioning/dashboards/handrail.yml"
    provider.write_text(provider.read_text().replace(FOUND_AT, f"{generated}/grafana/dashboards"))
    host, _, port = address.rpartition(":")
    password = secrets.token_urlsafe(12)
    settings = {
        "GF_SERVER_HTTP_ADDR": host,
        "GF_SERVER_HTTP_PORT": port,
        "GF_SECURITY_ADMIN_PASSWORD": password,
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_PATHS_PROVISIONING": str(own / "provisioning"),
        "GF_PATHS_DATA": str(own / "data"),
        "GF_PATHS_LOGS": str(own / "logs"),
    }
    url = f"http://{address}"
    ready = f"{url}/api/health"
    with servers.running(
        "grafana", argv, folder=folder, address=address, ready=lambda: servers.answers(ready), env=settings
    ):
        yield Grafana(url, password)
