"""`handrail generate --check` → every file that is not as generated; and a write that is cut short is always seen."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli.places import SHOP, Shell
from typed import typed

RULES = "prometheus/rules/shop.yml"


def refused(shell: Shell) -> list[str]:
    """What --check says, without its common end."""
    code, said, wrong = shell.handrail("generate", "--check")
    lines = wrong.splitlines()
    assert (code, said) == (1 if lines else 0, "")
    assert all(line.endswith("; run `handrail generate`") for line in lines)
    return [line.removesuffix("; run `handrail generate`") for line in lines]


def test_after_generate_there_is_nothing_to_say(shell: Shell) -> None:
    code, said, _ = shell.handrail("generate")
    assert (code, said) == (
        0,
        f"{len(shell.files())} files in generated: {len(shell.files())} new, 0 changed, 0 stale\n",
    )
    assert refused(shell) == []


def test_generating_again_changes_nothing_and_touches_no_file(shell: Shell) -> None:
    shell.generated()
    before = {path: path.stat().st_mtime_ns for path in Path("generated").rglob("*")}
    _, said, _ = shell.handrail("generate")
    assert said.endswith(": 0 new, 0 changed, 0 stale\n")
    assert {path: path.stat().st_mtime_ns for path in Path("generated").rglob("*")} == before


def test_a_file_that_somebody_edited_is_named(shell: Shell) -> None:
    shell.generated()
    with Path("generated", RULES).open("a") as file:
        file.write("# mine\n")
    assert refused(shell) == [f"generated/{RULES}:1: error: the file is not as generated"]


def test_another_line_end_is_a_change(shell: Shell) -> None:
    shell.generated()
    file = Path("generated", RULES)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert refused(shell) == [f"generated/{RULES}:1: error: the file is not as generated"]


def test_a_file_that_is_no_text_is_a_change(shell: Shell) -> None:
    shell.generated()
    Path("generated", RULES).write_bytes(b"\xff\xfe\x00")
    assert refused(shell) == [f"generated/{RULES}:1: error: the file is not as generated"]


def test_a_missing_file_is_named(shell: Shell) -> None:
    shell.generated()
    Path("generated", RULES).unlink()
    assert refused(shell) == [f"generated/{RULES}:1: error: the file is missing"]


def test_files_of_a_declaration_that_is_gone_are_named_and_removed(shell: Shell) -> None:
    shell.declare(shop=SHOP, kiosk=SHOP.replace("shop", "kiosk"))
    shell.handrail("generate")
    shell.declare(shop=SHOP)
    stale = "generated/prometheus/rules/kiosk.yml:1: error: the file belongs to no declaration any more"
    assert stale in refused(shell)
    shell.handrail("generate")
    assert [path for path in shell.files() if "kiosk" in path] == []
    assert refused(shell) == []


def test_a_foreign_file_survives(shell: Shell) -> None:
    shell.generated()
    Path("generated/prometheus/rules/by-hand.yml").write_text("groups: []\n")
    shell.declare(kiosk=SHOP.replace("shop", "kiosk"))
    shell.handrail("generate")
    assert Path("generated/prometheus/rules/by-hand.yml").read_text() == "groups: []\n"
    assert "prometheus/rules/shop.yml" not in shell.files()


@pytest.mark.parametrize("path", ["../precious", "/etc/hostname", "prometheus/../../precious", "."])
@pytest.mark.parametrize("options", [["--check"], ["--diff"], []], ids=str)
def test_a_manifest_that_lists_what_lies_outside_is_refused(
    shell: Shell, path: str, options: list[str]
) -> None:
    Path("precious").write_text("mine\n")
    shell.handrail("generate")
    manifest = Path("generated/MANIFEST.json")
    listed = json.loads(manifest.read_text())
    listed["files"][path] = {"sha256": "", "source": ""}
    manifest.write_text(json.dumps(listed))
    code, said, wrong = shell.handrail("generate", *options)
    what = f"generated/MANIFEST.json lists '{path}' outside of generated; restore it from Git"
    assert (code, said, wrong) == (2, "", f"handrail: error: {what}\n")
    assert Path("precious").read_text() == "mine\n"


@pytest.mark.parametrize("options", [(), ("--check",), ("--diff",)])
@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", "[]", '{"files": {"a": 1}}'])
def test_a_manifest_that_nobody_can_read_is_said_with_its_cure(
    shell: Shell, options: tuple[str, ...], text: str
) -> None:
    shell.generated()
    Path("generated/MANIFEST.json").write_text(text)
    code, _, wrong = shell.handrail("generate", *options)
    what = "generated/MANIFEST.json is not readable; restore it from Git, or delete it"
    assert (code, wrong) == (2, f"handrail: error: {what}\n")


def test_a_folder_that_cannot_be_written_is_said_with_its_cure(shell: Shell) -> None:
    Path("generated").write_text("a file where the folder should be")
    code, _, wrong = shell.handrail("generate")
    assert (code, wrong.startswith("handrail: error: "), wrong.count("\n")) == (2, True, 1)


def cut_short(after: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """`handrail generate` that dies just before it moves its `after`th file into place."""
    replace, left = Path.replace, iter(range(after))

    def cut(self: Path, target: Path) -> Path:
        if next(left, None) is None:
            os._exit(9)  # the power goes
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        return typed("generate").returncode


def test_wherever_a_write_is_cut_short_check_sees_it_and_the_next_run_mends_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {"kiosk": SHOP.replace("shop", "kiosk"), "shop": SHOP}
    shell.declare(shop=SHOP)
    shell.handrail("generate")
    only_shop = shell.files()
    shell.declare(**both)
    shell.handrail("generate", "--out", "whole")
    whole = shell.files("whole")
    after = 0
    while True:
        shell.declare(**both)
        if cut_short(after, monkeypatch) == 0:
            break
        written = {
            path: text for path, text in shell.files().items() if not path.startswith(".handrail-writing-")
        }
        assert (after, refused(shell) == []) == (after, written == whole)
        shell.declare(shop=SHOP)  # and meanwhile somebody took the new rollout back
        shell.handrail("generate")
        assert (after, shell.files()) == (after, only_shop)
        after = 2 * after + 1
    assert after > 9
    assert refused(shell) == []
