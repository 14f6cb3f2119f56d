"""`handrail init` → a repository that generates, checks and tests clean, and nothing that was there is touched."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import servers
from cli.places import Shell
from handrail.cli.init import AT_THE_TOP, CALLERS, FILES, STARTER
from handrail.output.read_yaml import read_yaml
from handrail_receiver.access.tokens import read_tokens
from on_path import handrail_on_path

ROOT = Path(__file__).parents[2]
SECRETS = [
    f"secrets/{name}" for name in ("tokens", "alertmanager-token", "prometheus-token", "operator-token")
]
TARGETS = [*(target for _, target in FILES), *SECRETS]


@pytest.fixture(scope="module", name="command", autouse=True)
def _command() -> Iterator[None]:
    """`handrail` is a command, for `ran`."""
    with handrail_on_path() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder), prepend=os.pathsep)
        yield


def ran(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True)


def test_a_new_repository_passes_its_own_check(shell: Shell) -> None:
    code, said, wrong = shell.handrail("init", "guardrails")
    assert (code, wrong) == (0, "")
    assert said.splitlines()[1:] == [
        *(f"guardrails/{target}" for target in TARGETS),
        "in guardrails: edit rules_src/rollouts/my_service.py, then: handrail generate && ./check.sh",
    ]
    checked = ran(Path("guardrails"), "./check.sh")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_its_declarations_give_no_lint_anything_to_say(shell: Shell) -> None:
    shell.handrail("init", "guardrails")
    assert shell.handrail("lint", "--source", "guardrails/rules_src") == (0, "", "")


def test_the_second_environment_that_it_shows_gets_a_folder_beside_the_first(shell: Shell) -> None:
    shell.handrail("init", "guardrails")
    environments = Path("guardrails/rules_src/environments.py")
    environments.write_text(environments.read_text().replace("# staging = ", "staging = "))
    made = shell.handrail("generate", "--source", "guardrails/rules_src", "--out", "guardrails/generated")
    assert (made[0], made[2]) == (0, "")
    assert sorted(one.name for one in Path("guardrails/generated").iterdir()) == [
        "MANIFEST.json",
        "production",
        "staging",
    ]


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
    """No server answers yet; the receiver starts anyway."""
    shell.handrail("init", "guardrails")
    address = servers.free_address()
    settings = Path("guardrails/handrail.toml")
    settings.write_text(settings.read_text().replace("127.0.0.1:8080", address))
    checked = ran(Path("guardrails"), "handrail", "serve", "--check")
    assert checked.stdout.splitlines() == [
        "settings: handrail.toml",
        f"address: {address}: it is free",
        "tokens: 1 alertmanager, 1 viewer, 1 operator",
        "playbook: my-service: 3 guardrails; 10%, 50%, 100%",
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


@pytest.mark.parametrize("place", ["teams/guardrails", "team's own/guards: v1"])
def test_in_a_folder_of_a_repository_what_is_read_at_its_top_is_written_for_there(
    shell: Shell, place: str
) -> None:
    ran(Path(), "git", "init", "-q")
    _, said, _ = shell.handrail("init", place)
    assert said.splitlines()[-2] == (
        "move to the top of the repository, where alone they are read: "
        ".pre-commit-config.yaml, .github/workflows/guardrails.yml, .gitlab-ci.yml"
    )
    hooks, github, gitlab = [read_yaml(Path(place, file).read_text()) for file in AT_THE_TOP]
    plain = [read_yaml((STARTER / file).read_text()) for file in ("github.yml", "gitlab.yml")]
    [hook] = hooks["repos"][0]["hooks"]
    entry = shlex.split(hook["entry"])
    assert entry == [
        "handrail",
        "generate",
        "--check",
        "--source",
        f"{place}/rules_src",
        "--out",
        f"{place}/generated",
    ]
    assert ran(Path(), *entry).returncode == 0
    assert re.match(hook["files"], f"{place}/generated/MANIFEST.json")
    assert github.pop("defaults") == {"run": {"working-directory": place}}
    steps = github["jobs"]["guardrails"]["steps"]
    plain_steps = plain[0]["jobs"]["guardrails"]["steps"]
    plain_steps.pop()
    command = steps.pop()["run"]
    assert f"base/{place}/generated" in shlex.split(command.replace("$GITHUB_BASE_REF", ""))
    assert github == plain[0]
    assert shlex.split(gitlab["guardrails"]["script"][0]) == ["cd", place]
    assert gitlab["guardrails"]["artifacts"] == {"paths": [f"{place}/guardrails.md"]}


@pytest.mark.parametrize("place", [".", "guardrails"])
def test_the_first_change_of_a_repository_is_compared_with_nothing(shell: Shell, place: str) -> None:
    """What both templates run, beside a branch that has none of it yet."""
    ran(Path(), "git", "init", "-q")
    Path("NEWS").write_text("theirs\n")
    ran(Path(), "git", "add", "NEWS")
    ran(Path(), "git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "theirs")
    shell.handrail("init", place)
    workflow = read_yaml(Path(place, ".github/workflows/guardrails.yml").read_text())
    script = workflow["jobs"]["guardrails"]["steps"][-1]["run"]
    script = script.replace('"origin/$GITHUB_BASE_REF"', "HEAD").replace('"$GITHUB_STEP_SUMMARY"', "summary")
    done = ran(Path(place), "bash", "-e", "-c", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "- my-service: new rollout with guardrails: error-rate, latency-p95"
        in Path(place, "summary").read_text()
    )


def test_the_hook_runs_a_command_that_exists(shell: Shell) -> None:
    [repository] = read_yaml((STARTER / "pre-commit.yaml").read_text())["repos"]
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
