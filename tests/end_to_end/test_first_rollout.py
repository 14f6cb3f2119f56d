"""docs/tutorial/first-rollout.md: its commands, one after another, from a wheel of this tree to a rollout that is guarded.

What a person would edit, this edits: addresses, folders, and `faster`, so that minutes are seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import servers
from project.examples import Example, examples
from project.wheels import UV, built
from servers.newer import newer

from end_to_end.demo.load import load
from end_to_end.demo.stack import arm

PAGE = "docs/tutorial/first-rollout.md"
THEIRS = """
route: {receiver: ops}
receivers: [{name: ops}]
"""
SYSTEMCTL = """#!/bin/sh
set -eu
test "$*" = "reload prometheus prometheus-alertmanager"
for address in %s; do
    %s -c "import urllib.request as u; u.urlopen(u.Request('http://$address/-/reload', method='POST'))"
done
"""
PROXY = """
global
    stats socket unix@haproxy.sock level admin
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend shop
    bind "${SHOP}"
    default_backend web
backend web
    server stable "${STABLE}" weight 100
    server canary "${CANARY}" weight 0
"""


def blocks(language: str) -> list[Example]:
    return [example for example in examples(language) if example.page == PAGE]


@dataclass(frozen=True)
class Company:
    """A service in two versions behind HAProxy, and a Prometheus and an Alertmanager that serve others already."""

    folder: Path
    written: Mapping[str, str]
    """What the page says → what is so here."""

    @property
    def repository(self) -> Path:
        """What `handrail init` made."""
        return self.folder / "guardrails"

    def here(self, text: str) -> str:
        """A text of the page with what is so here."""
        for said, here in self.written.items():
            text = text.replace(said, here)
        return text

    def shell(self, example: Example) -> list[str]:
        """The shell that runs an example, as root's and with the environment of step 1."""
        active = f". {self.folder}/.venv/bin/activate\n" if (self.folder / ".venv").exists() else ""
        return ["sh", "-eu", "-c", active + self.here(example.text)]

    def runs(self, example: Example) -> subprocess.CompletedProcess[str]:
        """Run an example in the folder where the ones before it have led."""
        place = self.repository if self.repository.exists() else self.folder
        return subprocess.run(
            self.shell(example),
            cwd=place,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
        )

    @property
    def env(self) -> dict[str, str]:
        """A shell's variables, with a systemctl of our own, and no settings of anybody else."""
        git = {
            f"GIT_{who}_{what}": "me@example.com"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        own = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
        own["HANDRAIL_URL"] = f"http://{self.here('127.0.0.1:8080')}"
        return {**own, "PATH": f"{self.folder}/bin:/usr/sbin:/usr/bin:/bin", **git}

    def edit(self) -> None:
        """What step 3 asks for."""
        for path in ("rules_src/rollouts/my_service.py", "rules_src/environments.py", "handrail.toml"):
            file = self.repository / path
            file.write_text(self.here(file.read_text()))
        file = self.repository / "rules_src/environments.py"
        more = [
            f'token_file="{self.folder}/alertmanager/handrail-token",',
            f'viewer_token_file="{self.folder}/prometheus/handrail-token",',
            "faster=20,",
        ]
        file.write_text(file.read_text().replace("    existing=", f"    {' '.join(more)}\n    existing="))


@contextmanager
def company(folder: Path) -> Iterator[Company]:
    """All of it, running."""
    at = {name: servers.free_address() for name in ("8080", "9090", "9093", "8001", "8002", "shop")}
    written = {
        **{f"127.0.0.1:{port}": address for port, address in at.items() if port.isdigit()},
        "/etc/prometheus": f"{folder}/prometheus",
        "/etc/alertmanager": f"{folder}/alertmanager",
        "/run/haproxy/admin.sock": f"{folder}/haproxy.sock",
        "pip install": f"{UV} pip install --quiet",
        "-o prometheus ": "",
    }
    for name in ("prometheus", "alertmanager", "bin"):
        (folder / name).mkdir()
    prometheus, alertmanager = folder / "prometheus/prometheus.yml", folder / "prometheus/alertmanager.yml"
    address = f"  - static_configs: [{{targets: ['{at['9093']}']}}]"
    prometheus.write_text(f"alerting:\n  alertmanagers:\n{address}\n")
    alertmanager.write_text(
        THEIRS.replace("{receiver: ops}", "\n  receiver: ops").replace("[{name: ops}]", "\n- name: ops")
    )
    systemctl = folder / "bin/systemctl"
    systemctl.write_text(SYSTEMCTL % (f"{at['9090']} {at['9093']}", sys.executable))
    systemctl.chmod(0o755)
    (folder / "haproxy.cfg").write_text(PROXY)
    with ExitStack() as started:
        arms = {"STABLE": at["8002"], "CANARY": at["8001"]}
        for name, address in arms.items():
            started.enter_context(arm(folder, name.lower(), address))
        env = {"SHOP": at["shop"], **arms}
        started.enter_context(servers.haproxy(folder, folder / "haproxy.cfg", address=at["shop"], env=env))
        binary = newer("prometheus-alertmanager")
        started.enter_context(servers.alertmanager(folder, alertmanager, address=at["9093"], binary=binary))
        started.enter_context(
            servers.prometheus(folder, prometheus, address=at["9090"], binary=newer("prometheus"))
        )
        yield Company(folder, {**written, "http://shop": f"http://{at['shop']}"})


@pytest.mark.long
@pytest.mark.timeout(240)
def test_the_page_leads_from_the_wheel_to_a_rollout_that_is_guarded(tmp_path: Path) -> None:
    [wheel] = built(tmp_path / "dist").glob("*.whl")
    wheel.rename(tmp_path / wheel.name)
    install, begin, declare, rules, route, check, serve, start = blocks("sh")
    [lines] = blocks("yaml")
    with company(tmp_path) as ours:
        for example in (install, begin):
            done = ours.runs(example)
            assert done.returncode == 0, done.stderr
        ours.edit()
        for example in (declare, rules, route):
            if example is route:
                with (tmp_path / "prometheus/prometheus.yml").open("a") as configuration:
                    configuration.write(lines.text)
            done = ours.runs(example)
            assert done.returncode == 0, f"{example}: {done.stdout}{done.stderr}"
        checked = ours.runs(check)
        assert (checked.returncode, checked.stderr) == (0, "")
        shop = f"{ours.here('http://shop')}/orders"
        canary, receiver = ours.here("http://127.0.0.1:8001"), ours.here("127.0.0.1:8080")
        serving = servers.running(
            "receiver",
            ours.shell(serve),
            folder=ours.repository,
            address=receiver,
            env=ours.env,
            ready=lambda: servers.answers(f"http://{receiver}/readyz"),
        )
        with serving, load(shop, per_second=120, seconds=200):
            httpx.post(f"{canary}/orders", trust_env=False)  # nobody sees a canary that has had no request
            servers.until(lambda: ours.runs(start).returncode == 0, "the rollout to start")
            assert weights(ours) == (10, 90)
            httpx.put(f"{canary}/fault", json={"errors": 1}, trust_env=False)
            servers.until(lambda: weights(ours) == (0, 100), "the canary to lose its traffic")


def weights(ours: Company) -> tuple[int, int]:
    table = servers.haproxy_servers(ours.folder / "haproxy.sock")
    return int(table["web/canary"]["weight"]), int(table["web/stable"]["weight"])


def test_there_are_eight_steps() -> None:
    assert len(blocks("sh")) == 8
