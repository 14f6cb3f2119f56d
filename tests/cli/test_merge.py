"""`handrail merge alertmanager` → the file with our part in it, by one command that CI can ask as well."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from cli.places import SHOP, Shell

THEIRS = """\
route:
  receiver: ops
  routes:
    - receiver: pay
      matchers: [team="pay"]
receivers:
  - name: ops
  - name: pay
"""
SETTINGS = """\
from handrail.declare import Environment

production = Environment("production", existing=["alertmanager"])
"""


@pytest.fixture
def file(shell: Shell) -> Path:
    (shell.folder / "rules_src/environments.py").write_text(SETTINGS)
    there = shell.folder / "alertmanager.yml"
    there.write_text(THEIRS)
    return there


def test_it_shows_what_it_does_and_does_it_once(shell: Shell, file: Path) -> None:
    code, said, wrong = shell.handrail("merge", "alertmanager", "alertmanager.yml")
    assert (code, wrong) == (0, "")
    assert said.startswith("--- a/alertmanager.yml\n+++ b/alertmanager.yml\n@@ -1,8 +1,")
    assert said.endswith("alertmanager.yml is rewritten\n")
    once = file.read_text()
    assert "- receiver: production/handrail\n" in once
    again = shell.handrail("merge", "alertmanager", "alertmanager.yml")
    assert (again, file.read_text()) == ((0, "alertmanager.yml is up to date\n", ""), once)


def test_what_it_puts_there_is_what_generate_shows(shell: Shell, file: Path) -> None:
    shell.handrail("merge", "alertmanager", "alertmanager.yml")
    shell.handrail("generate")
    fragment = Path("generated/alertmanager/fragment.yml").read_text().splitlines()
    merged = {line.strip().removeprefix("- ") for line in file.read_text().splitlines()}
    assert [line for line in fragment[1:] if line.strip().removeprefix("- ") not in merged] == [
        "inhibit_rules:"
    ]
    assert not Path("generated/alertmanager/alertmanager.yml").exists()
    assert not Path("generated/alertmanager/templates").exists()


def test_a_pipeline_asks_whether_it_is_up_to_date(shell: Shell, file: Path) -> None:
    code, said, wrong = shell.handrail("merge", "alertmanager", "alertmanager.yml", "--check")
    assert (code, said[:24], file.read_text()) == (1, "--- a/alertmanager.yml\n+", THEIRS)
    cure = "run `handrail merge alertmanager` without --check"
    assert wrong == f"alertmanager.yml:1: error: the file is not up to date; {cure}\n"
    shell.handrail("merge", "alertmanager", "alertmanager.yml")
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml", "--check")[0] == 0
    shell.declare(shop=SHOP, store=SHOP.replace('"shop",\n    "shop"', '"store",\n    "store"'))
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml", "--check")[0] == 1


def test_rollouts_of_another_repository_are_never_taken_out_by_ours(shell: Shell, file: Path) -> None:
    shell.handrail("merge", "alertmanager", "alertmanager.yml")
    there = file.read_text()
    shell.declare(shop=SHOP.replace('"shop",\n    "shop"', '"store",\n    "store"'))
    cure = (
        "give the environment a name of its own if another repository declares it; if it is removed or renamed, "
        "run `handrail merge alertmanager alertmanager.yml --remove -e production` first"
    )
    wrong = (
        "alertmanager.yml:4: error: this part has shop of production, which is not declared here: "
        f"its alerts would go to nobody; {cure}\n"
    )
    for arguments in ([], ["--check"]):
        answer = shell.handrail("merge", "alertmanager", "alertmanager.yml", *arguments)
        assert (answer, file.read_text()) == ((1, "", wrong), there)
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml", "--remove", "-e", "production")[0] == 0
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml")[0] == 0
    assert 'rollout=~"store"' in file.read_text()


def test_the_part_of_an_environment_that_is_declared_no_more_is_named(shell: Shell, file: Path) -> None:
    shell.handrail("merge", "alertmanager", "alertmanager.yml")
    Path("rules_src/environments.py").write_text(SETTINGS.replace('"production"', '"live"'))
    code, _, wrong = shell.handrail("merge", "alertmanager", "alertmanager.yml")
    line = _line(file, "handrail/production: begin")
    assert (code, wrong) == (
        0,
        (
            f"alertmanager.yml:{line}: warning: this part is of the environment production, which is not declared here; "
            "leave it if another repository put it here, "
            "else run `handrail merge alertmanager alertmanager.yml --remove -e production`\n"
        ),
    )
    shell.handrail("merge", "alertmanager", "alertmanager.yml", "--remove", "-e", "production")
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml", "--check") == (
        0,
        "alertmanager.yml is up to date\n",
        "",
    )


def test_a_proxy_that_ours_do_not_go_by_is_said(shell: Shell, file: Path) -> None:
    file.write_text(f"global:\n  http_config:\n    proxy_url: http://proxy:3128\n{THEIRS}")
    code, _, wrong = shell.handrail("merge", "alertmanager", "alertmanager.yml")
    assert (code, wrong) == (
        0,
        (
            "alertmanager.yml:2: warning: our receivers do not go by this (proxy_url): each has an http_config of its own; "
            "see that Alertmanager reaches Handrail's receiver and the channels of people without it\n"
        ),
    )


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            errno.EBUSY,
            "Device or resource busy; it is mounted by itself and cannot be replaced from here: merge it where it comes from",
        ),
        (
            errno.EROFS,
            "Read-only file system; let this user write to its folder, or merge a copy and put that in its place",
        ),
    ],
)
def test_a_file_that_cannot_be_replaced_stays_and_is_named(
    shell: Shell, file: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), "a file of ours")

    monkeypatch.setattr(Path, "replace", refuse)
    code, _, wrong = shell.handrail("merge", "alertmanager", "alertmanager.yml")
    assert (code, wrong) == (2, f"handrail: error: alertmanager.yml cannot be replaced: {said}\n")
    assert file.read_text() == THEIRS
    assert [path.name for path in Path().iterdir() if "alertmanager" in path.name] == ["alertmanager.yml"]


def test_it_is_taken_out_without_any_declaration(shell: Shell, file: Path) -> None:
    shell.handrail("merge", "alertmanager", "alertmanager.yml")
    shell.declare()
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml", "--remove", "--check")[0] == 1
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml", "--remove", "-e", "staging") == (
        0,
        "alertmanager.yml is up to date\n",
        "alertmanager.yml has no part of staging; it has production\n",
    )
    assert file.read_text() != THEIRS
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml", "--remove")[0] == 0
    assert file.read_text() == THEIRS


def test_what_nobody_can_know_here_is_said_by_the_line_that_it_has_afterwards(
    shell: Shell, file: Path
) -> None:
    file.write_text(THEIRS.replace("receivers:", "inhibit_rules:\n  - target_match: {a: b}\nreceivers:"))
    code, _, wrong = shell.handrail("merge", "alertmanager", "alertmanager.yml", "--under", "pay")
    assert (code, [line.split(";")[0] for line in wrong.splitlines()]) == (
        0,
        [
            (
                "alertmanager.yml:4: warning: this route takes ShopErrorsWarning and 5 more only if Prometheus adds the "
                "labels that it looks at"
            ),
            (
                f"alertmanager.yml:{_line(file, 'target_match: {a: b}')}: warning: this rule may mute ShopErrorsWarning "
                "and 5 more while an alert of yours fires"
            ),
            (
                f"alertmanager.yml:{_line(file, 'target_match: {a: b}')}: warning: this rule may mute alerts of yours "
                "while one of ours fires (ShopErrorsWarning and 5 more)"
            ),
        ],
    )


def _line(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text().splitlines(), 1) if text in line)


def test_a_link_stays_and_so_do_the_rights(shell: Shell, file: Path) -> None:
    file.chmod(0o640)
    Path("link.yml").symlink_to(file)
    assert shell.handrail("merge", "alertmanager", "link.yml")[0] == 0
    assert Path("link.yml").is_symlink()
    assert (file.stat().st_mode & 0o777, "production/handrail" in file.read_text()) == (0o640, True)
    assert [path.name for path in Path().iterdir() if "alertmanager" in path.name] == ["alertmanager.yml"]


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        (
            SETTINGS + 'staging = Environment("staging", existing=["alertmanager"])\n',
            [],
            "several environments are declared; give --environment with one of: production, staging",
        ),
        (SETTINGS, ["-e", "dev"], "environment 'dev' is not declared; use one of: production"),
    ],
)
def test_nobody_guesses_which_environment_is_meant(
    shell: Shell, file: Path, settings: str, arguments: list[str], said: str
) -> None:
    Path("rules_src/environments.py").write_text(settings)
    answer = shell.handrail("merge", "alertmanager", "alertmanager.yml", *arguments)
    assert answer == (2, "", f"handrail: error: {said}\n")


def test_of_several_environments_the_one_that_shares_an_alertmanager_is_meant(
    shell: Shell, file: Path
) -> None:
    Path("rules_src/environments.py").write_text(
        SETTINGS.replace("\nproduction", '\ndev = Environment("dev")\nproduction')
    )
    assert shell.handrail("merge", "alertmanager", "alertmanager.yml")[0] == 0
    assert "- receiver: production/handrail\n" in file.read_text()


def test_a_declaration_that_cannot_work_changes_nothing(shell: Shell, file: Path) -> None:
    shop = Path("rules_src/rollouts/shop.py")
    shop.write_text(shop.read_text().replace('Above("2%")', 'Above("0.1%")'))
    code, said, wrong = shell.handrail("merge", "alertmanager", "alertmanager.yml")
    assert (code, said, "[tier-order]" in wrong, file.read_text()) == (1, "", True, THEIRS)


def test_a_path_that_is_no_file_is_said_with_what_to_do(shell: Shell, file: Path) -> None:
    Path("folder").mkdir()
    Path("nowhere").symlink_to("gone")
    said = {path: shell.handrail("merge", "alertmanager", path) for path in ("missing", "folder", "nowhere")}
    gone = "No such file or directory; give the path of one that exists"
    assert said == {
        "missing": (2, "", f"handrail: error: missing: {gone}\n"),
        "folder": (2, "", "handrail: error: folder: Is a directory; give the path of a file\n"),
        "nowhere": (2, "", f"handrail: error: nowhere: {gone}\n"),
    }
    assert file.read_text() == THEIRS
