"""The systemd unit and the image file → what can be tested without a container engine and without systemd as init."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import servers
from guarded import playbook, write_playbook
from guarded.service import environment

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "docs/deploy/handrail.service"
IMAGE = (ROOT / "docs/deploy/Containerfile").read_text().replace("\\\n", " ")
NOBODY = 65534
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"'
BECOME = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]


def stage(number: int) -> list[tuple[str, str]]:
    """The instructions of the first or the second stage: word, rest."""
    chosen = re.split(r"^(?=FROM )", IMAGE, flags=re.MULTILINE)[number]
    lines = (line.strip() for line in chosen.splitlines() if not line.startswith("#"))
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line]


def interpreter() -> str:
    """A Python that other users may run: one below root's home is not."""
    known = map(Path, (sys.executable, "/usr/bin/python3.11", "/usr/bin/python3.12", "/usr/bin/python3.13"))
    real = (path.resolve() for path in known if path.exists())
    return next(str(path) for path in real if all(folder.stat().st_mode & 0o001 for folder in path.parents))


def _works(argv: list[str]) -> bool:
    return subprocess.run(argv, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module", name="installed")
def _installed() -> Iterator[Path]:
    """What the image's first stage makes: a folder with `source` and `venv`, which everybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-image-"))
    folder.chmod(0o755)
    source, venv = folder / "source", folder / "venv"
    source.mkdir()
    for copied in (shlex.split(rest) for word, rest in stage(1) if word == "COPY"):
        for name in copied[:-1]:
            target = source / copied[-1] / (name if copied[-1] == "./" else "")
            path = ROOT / name
            if path.is_dir():
                shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, target)
    [command] = [shlex.split(rest) for word, rest in stage(1) if word == "RUN" and rest.startswith("uv ")]
    argv = [str(Path(sys.executable).with_name("uv")), *command[1:], "--python", interpreter(), "--quiet"]
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(venv)}
    env.pop("VIRTUAL_ENV", None)
    subprocess.run(argv, cwd=source, check=True, env=env)
    yield folder
    shutil.rmtree(folder)


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    here.write_text(UNIT.read_text().replace("/opt/handrail/bin/handrail", "/bin/true"))
    argv = [servers.program("systemd-analyze"), "verify", "--man=no", str(here)]
    checked = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_unit_gives_the_receiver_next_to_nothing() -> None:
    argv = [servers.program("systemd-analyze"), "security", "--offline=yes", "--threshold=15", str(UNIT)]
    assert subprocess.run(argv, check=False, capture_output=True).returncode == 0


def test_the_image_s_last_stage_runs_as_nobody_special_and_can_install_nothing() -> None:
    last = stage(2)
    assert [rest for word, rest in last if word == "USER"] == ["10001"]
    assert any("pip uninstall --yes pip setuptools wheel" in rest for word, rest in last if word == "RUN")
    assert not re.search(r"\b(gcc|build-essential|curl|uv)\b", " ".join(rest for _, rest in last))


def test_what_the_image_installs_serves_as_another_user_on_a_tree_that_is_read_only(installed: Path) -> None:
    if not _works(["unshare", "--mount", "true"]):
        pytest.skip("needs root that may mount")
    data = installed / "data"
    data.mkdir()
    write_playbook(installed / "playbook", playbook())
    address = servers.free_address()
    env = environment(
        installed, address, STORE=f"sqlite:{data / 'handrail.db'}", PLAYBOOKS=str(installed / "playbook")
    )
    os.chown(data, NOBODY, NOBODY)
    alone = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(data)]
    argv = [
        *alone,
        *BECOME,
        "env",
        "PYTHONDONTWRITEBYTECODE=1",
        str(installed / "venv/bin/handrail"),
        "serve",
    ]
    [health] = [json.loads(rest.partition("CMD ")[2]) for word, rest in stage(2) if word == "HEALTHCHECK"]
    check = [
        str(installed / "venv/bin/python"),
        *(part.replace("127.0.0.1:8080", address) for part in health[1:]),
    ]

    def healthy() -> bool:
        """The image's own question, which starts a process, once there is an answer."""
        return servers.answers(f"http://{address}/healthz") and _works([*BECOME, *check])

    with servers.running("handrail", argv, folder=data, address=address, ready=healthy, env=env, within=60):
        assert httpx.get(f"http://{address}/readyz", trust_env=False).json() == {
            "status": "ready",
            "problems": [],
        }
    written = {path for path in installed.rglob("*") if path.lstat().st_uid == NOBODY}
    assert {path.relative_to(installed).parts[0] for path in written} == {"data"}
