"""ruleiq's chapter "Start the stack", word for word, as somebody does who has never seen it: up to where Docker is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from handrail.output.read_yaml import read_yaml
from handrail_receiver.access.tokens import read_tokens

TOP = Path(__file__).parents[2]
GENERATED = TOP / "generated"


def commands() -> list[str]:
    """The shell commands of the chapter, in their order."""
    book = (GENERATED / "runbooks/ruleiq.md").read_text(encoding="utf-8")
    chapter = book.split("### Start the stack\n")[1].split("\n### ")[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", chapter, re.MULTILINE | re.DOTALL)
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in blocks]


def on_the_page() -> list[str]:
    """The shell commands of compose.md's "Start it", in their order."""
    page = (TOP / "docs/how-to/compose.md").read_text(encoding="utf-8")
    chapter = page.split("## Start it\n")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)


def only(word: str) -> str:
    """The one command with this word."""
    [found] = [one for one in commands() if word in one]
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of guardrails with what was generated, and nothing else."""
    shutil.copytree(GENERATED / "playbook", tmp_path / "generated/playbook")
    shutil.copy(GENERATED / "compose.yaml", tmp_path / "generated")
    return tmp_path


def typed(repository: Path, command: str) -> list[str]:
    """The lines that a command prints."""
    done = subprocess.run(["bash", "-c", command], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_folder_has_tokens_that_the_receiver_takes_and_what_is_there_stays(repository: Path) -> None:
    folder = only("mkdir -p secrets/steps")
    assert typed(repository, folder) == []
    secrets = repository / "secrets"
    tokens, wrong = read_tokens(secrets / "tokens")
    assert ([(one.role, one.name) for one in tokens], wrong) == (
        [("alertmanager", "alertmanager"), ("viewer", "prometheus"), ("operator", "operator")],
        [],
    )
    lines = dict(line.split()[1:] for line in (secrets / "tokens").read_text().splitlines())
    assert lines == {name: (secrets / f"{name}-token").read_text() for name in lines}
    before = (secrets / "tokens").read_text(), (secrets / "grafana-password").read_text()
    assert typed(repository, folder) == []
    assert ((secrets / "tokens").read_text(), (secrets / "grafana-password").read_text()) == before


def test_each_file_that_is_missing_is_named_until_it_is_there_and_all_can_be_read(repository: Path) -> None:
    typed(repository, only("mkdir -p secrets/steps"))
    look = only("missing: secrets/")
    missing = [line.removeprefix("missing: secrets/") for line in typed(repository, look)]
    made = read_yaml((GENERATED / "compose.yaml").read_text(encoding="utf-8"))
    named = {one["file"].rpartition("/")[2] for one in made["secrets"].values()}
    here = {"tokens", "alertmanager-token", "prometheus-token", "grafana-password"}
    assert named - here == {name for name in missing if not name.startswith("steps/")}
    assert {"steps/UNLEASH_TOKEN", "steps/PAGERDUTY_SECURITY_KEY", "slack-sre"} <= set(missing)
    for name in missing:
        (repository / "secrets" / name).write_text("of a test")
    assert typed(repository, look) == []
    typed(repository, only("chmod 700 secrets"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (repository / "secrets").rglob("*")}
    assert {modes.pop("steps")} | set(modes.values()) == {0o755, 0o444}
    assert (repository / "secrets").stat().st_mode & 0o777 == 0o700


def test_what_compose_and_the_commands_need_is_set_before_them() -> None:
    exported = only("export ")
    made = (GENERATED / "compose.yaml").read_text(encoding="utf-8")
    wanted = set(re.findall(r"\$\{(\w+):\?", made)) | {"HANDRAIL_TOKEN_FILE", "HANDRAIL_URL"}
    assert wanted == set(re.findall(r"(\w+)=", exported))
    order = [commands().index(only(word)) for word in ("mkdir -p", "export ", "up --detach", "doctor")]
    assert order == sorted(order)
    assert "127.0.0.1:8000:8000" in made
    assert only("/metrics").startswith("curl -sf http://localhost:8000/metrics")


@pytest.mark.parametrize("word", ["mkdir -p secrets/steps", "missing: secrets/"])
def test_the_page_about_containers_prepares_the_same_by_the_same_commands(word: str) -> None:
    [found] = [one for one in on_the_page() if word in one]
    assert found.strip() == only(word).strip()


def test_whatever_compose_starts_is_published_on_loopback_and_has_no_password_of_its_own() -> None:
    made = read_yaml((GENERATED / "compose.yaml").read_text(encoding="utf-8"))
    ports = [port for one in made["services"].values() for port in one.get("ports", ())]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    environment = {
        name: value
        for one in made["services"].values()
        for name, value in one.get("environment", {}).items()
        if "PASSWORD" in name or "TOKEN" in name
    }
    assert environment == {
        "GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafana-password",
        "HANDRAIL_TOKENS_FILE": "/run/secrets/tokens",
    }
    assert all(one["file"].startswith("${HANDRAIL_SECRETS:?") for one in made["secrets"].values())
    assert {"grafana", "prometheus", "handrail", "ruleiq", "ruleiq-node"} <= set(made["services"])
