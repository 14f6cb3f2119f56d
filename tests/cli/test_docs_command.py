"""`handrail docs` lists the pages, and prints one."""

from __future__ import annotations

import shutil
import webbrowser
from pathlib import Path

import pytest
from cli.places import Shell
from handrail.cli import docs
from typer.main import get_command

ROOT = Path(__file__).parents[2]


PAGES = {
    "first-rollout": "tutorial/first-rollout.md",
    "receiver": "reference/receiver.md",
    "receiver.md": "reference/receiver.md",
    "targets": "reference/targets/README.md",
    "targets/haproxy": "reference/targets/haproxy.md",
    "concepts": "concepts.md",
}


def text(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


def test_the_pages_are_listed_by_part_with_their_headings(shell: Shell) -> None:
    code, said, wrong = shell.handrail("docs")
    lines = said.splitlines()
    listed = dict(line.split(maxsplit=1) for line in lines if line.startswith("  "))
    assert (code, wrong) == (0, "")
    assert [line for line in lines if line and not line.startswith("  ")] == [
        "Tutorial",
        "How-to",
        "Reference",
        "Explanation",
        "For maintainers",
    ]
    assert {name: listed[name] for name in PAGES if not name.endswith(".md")} == {
        name: text(page).splitlines()[0][2:] for name, page in PAGES.items() if not name.endswith(".md")
    }


def test_every_page_but_the_first_is_listed_once(shell: Shell) -> None:
    listed = [line.split()[0] for line in shell.handrail("docs")[1].splitlines() if line.startswith("  ")]
    assert len(set(listed)) == len(listed)
    texts = sorted(shell.handrail("docs", name)[1] for name in listed)
    pages = set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs/README.md"}
    assert texts == sorted(page.read_text() for page in pages)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_printed_as_it_is(shell: Shell, name: str) -> None:
    assert shell.handrail("docs", name) == (0, text(PAGES[name]), "")


@pytest.mark.parametrize(
    ("name", "cure"), [("reciever", "did you mean receiver?"), ("xyz", "`handrail docs` lists them")]
)
def test_a_page_that_is_not_there_is_refused(shell: Shell, name: str, cure: str) -> None:
    assert shell.handrail("docs", name) == (2, "", f"handrail: error: there is no page '{name}'; {cure}\n")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ([], "index.html"),
        (["receiver"], "reference/receiver.html"),
        (["targets"], "reference/targets/index.html"),
    ],
)
def test_a_site_that_came_along_is_opened(
    shell: Shell, asked: list[str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path("docs").absolute()
    shutil.copytree(ROOT / "docs", folder)
    (folder / "site" / shown).parent.mkdir(parents=True)
    (folder / "site" / shown).write_text("<html>")
    opened: list[str] = []
    monkeypatch.setattr(docs, "FOLDERS", (folder,))
    monkeypatch.setattr(webbrowser, "open", opened.append)
    address = f"file://{folder}/site/{shown}"
    assert shell.handrail("docs", "--open", *asked) == (0, f"{address}\n", "")
    assert opened == [address]


def test_where_no_site_came_along_that_is_said(shell: Shell) -> None:
    wrong = "handrail: error: no site came with this installation; `handrail docs` has its pages as text\n"
    assert shell.handrail("docs", "--open") == (2, "", wrong)


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_a_shell_completes_the_commands(shell: Shell, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    monkeypatch.setattr("cli.places.built", get_command)  # which looks at the variable
    code, script, wrong = shell.handrail("--show-completion", kind)
    assert (code, "_HANDRAIL_COMPLETE" in script, wrong) == (0, True, "")
