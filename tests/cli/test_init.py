"""`handrail init` → a repository that generates, checks and tests clean, and nothing that was there is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import servers
import yaml
from cli.places import Shell
from handrail.cli.init import CALLERS, FILES, STARTER
from handrail_receiver.access.tokens import read_tokens

ROOT = Path(__file__).parents[2]
SECRETS = [
    f"secrets/{name}" for name in ("tokens", "alertmanager-token", "prometheus-token", "operator-token")
]
TARGETS = [*(target for _, target in FILES), *SECRETS]


def ran(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        argv, cwd=folder, env={**os.environ, "PATH": path}, check=False, capture_output=True, text=True
    )


def test_a_new_repository_passes_its_own_check(shell: Shell) -> None:
    code, said, wrong = shell.handrail("init", "guardrails")
    assert (code, wrong) == (0, "")
    assert said.splitlines()[1:] == [
        *(f"guardrails/{target}" for target in TARGETS),
        "edit rules_src/rollouts/my_service.py, then: handrail generate && ./check.sh",
    ]
    checked = ran(Path("guardrails"), "./check.sh")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_its_declarations_give_no_lint_anything_to_say(shell: Shell) -> None:
    shell.handrail("init", "guardrails")
    assert shell.handrail("lint", "--source", "guardrails/rules_src") == (0, "", "")


def test_its_own_check_refuses_a_file_that_somebody_edited(shell: Shell) -> None:
    shell.handrail("init", "guardrails")
    rules = Path("guardrails/generated/prometheus/rules/my-service.yml")
    rules.write_text(rules.read_text().replace("> 0.05", "> 0.5"))
    refused = ran(Path("guardrails"), "./check.sh")
    assert (
        refused.returncode,
        "rules/my-service.yml:1: error: the file is not as generated" in refused.stderr,
    ) == (
        1,
        True,
    )


def test_without_a_folder_it_begins_here(
    tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert shell.handrail("init")[0] == 0
    assert sorted(p.name for p in Path().iterdir()) == [
        ".gitattributes",
        ".github",
        ".gitignore",
        ".gitlab-ci.yml",
        ".pre-commit-config.yaml",
        "README.md",
        "check.sh",
        "generated",
        "handrail.toml",
        "rules_src",
        "secrets",
    ]


def test_everybody_who_calls_has_a_token_that_nobody_else_can_read(shell: Shell) -> None:
    shell.handrail("init", "guardrails")
    folder = Path("guardrails")
    tokens, wrong = read_tokens(folder / "secrets/tokens")
    alone = {path: (folder / path).read_text().strip() for path in SECRETS[1:]}
    assert ([(token.role, token.name) for token in tokens], wrong) == ([*CALLERS], [])
    assert [token.digest for token in tokens] == [sha256(one.encode()).digest() for one in alone.values()]
    assert len({*alone.values()}) == 3
    assert {(folder / path).stat().st_mode & 0o777 for path in SECRETS} == {0o600}
    ran(folder, "git", "init", "-q")
    assert ran(folder, "git", "status", "--porcelain", "secrets").stdout == ""


def test_the_receiver_would_start_with_the_settings_that_it_writes(shell: Shell) -> None:
    """Nobody answers, of course: that is no reason not to start."""
    shell.handrail("init", "guardrails")
    address = servers.free_address()
    settings = Path("guardrails/handrail.toml")
    settings.write_text(settings.read_text().replace("127.0.0.1:8080", address))
    checked = ran(Path("guardrails"), "handrail", "serve", "--check")
    assert checked.stdout.splitlines() == [
        "settings: handrail.toml",
        f"address: {address}: it is free",
        "tokens: 1 alertmanager, 1 viewer, 1 operator",
        "playbook: my-service: 2 guardrails; 10%, 50%, 100%",
        "store: sqlite:handrail.db: the start makes it",
        "kill switch: handrail.stop: it is not set",
    ]
    assert (checked.returncode, {line.partition(":")[0] for line in checked.stderr.splitlines()}) == (
        1,
        {"prometheus", "alertmanager", "target"},
    )


def test_nothing_is_touched_where_one_of_its_files_is_there(shell: Shell) -> None:
    Path("mine").mkdir()
    Path("mine/README.md").write_text("mine\n")
    code, said, wrong = shell.handrail("init", "mine")
    what = "mine has README.md already; give the name of another folder"
    assert (code, said, wrong) == (2, "", f"handrail: error: {what}\n")
    assert shell.files("mine") == {"README.md": "mine\n"}


def test_the_hook_runs_a_command_that_exists(shell: Shell) -> None:
    [repository] = yaml.safe_load((STARTER / "pre-commit.yaml").read_text())["repos"]
    [hook] = repository["hooks"]
    program, *arguments = hook["entry"].split()
    shell.handrail("init", "guardrails")
    assert program == "handrail"
    assert ran(Path("guardrails"), program, *arguments).returncode == 0


def test_review_tools_fold_what_is_generated_and_git_shows_no_difference_of_hashes(shell: Shell) -> None:
    shell.handrail("init", "guardrails")
    folder = Path("guardrails")
    ran(folder, "git", "init", "-q")
    paths = ["generated/MANIFEST.json", "generated/prometheus/rules/my-service.yml", "README.md"]
    asked = ran(folder, "git", "check-attr", "linguist-generated", "diff", "--", *paths)
    assert asked.stdout.splitlines() == [
        "generated/MANIFEST.json: linguist-generated: set",
        "generated/MANIFEST.json: diff: unset",
        "generated/prometheus/rules/my-service.yml: linguist-generated: set",
        "generated/prometheus/rules/my-service.yml: diff: unspecified",
        "README.md: linguist-generated: unspecified",
        "README.md: diff: unspecified",
    ]
