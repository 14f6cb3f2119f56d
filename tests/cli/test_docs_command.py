"""`handrail docs` lists the pages, and prints one."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.places import Shell

ROOT = Path(__file__).parents[2]


def test_the_pages_are_listed_with_their_headings(shell: Shell) -> None:
    code, said, wrong = shell.handrail("docs")
    lines = [line.split(maxsplit=1) for line in said.splitlines()]
    assert (code, wrong) == (0, "")
    assert ["first-rollout", "From the wheel to the first guarded rollout"] in lines
    assert ["targets/haproxy", (ROOT / "docs/targets/haproxy.md").read_text().splitlines()[0][2:]] in lines


@pytest.mark.parametrize("name", ["receiver", "receiver.md", "targets/haproxy"])
def test_a_page_is_printed_as_it_is(shell: Shell, name: str) -> None:
    page = ROOT / "docs" / f"{name.removesuffix('.md')}.md"
    assert shell.handrail("docs", name) == (0, page.read_text(), "")


@pytest.mark.parametrize(
    ("name", "cure"), [("reciever", "did you mean receiver?"), ("xyz", "`handrail docs` lists them")]
)
def test_a_page_that_is_not_there_is_refused(shell: Shell, name: str, cure: str) -> None:
    assert shell.handrail("docs", name) == (2, "", f"handrail: error: there is no page '{name}'; {cure}\n")


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_a_shell_completes_the_commands(shell: Shell, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code, script, wrong = shell.handrail("--show-completion", kind)
    assert (code, "_HANDRAIL_COMPLETE" in script, wrong) == (0, True, "")
