"""Foreign files in the output folder → named and left alone, and nothing is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.places import SHOP, Shell

RULES = "prometheus/rules/shop.yml"
SAID = "what is there is not Handrail's; move it away, or give another --out"


def lying(folder: str) -> dict[str, str]:
    """Everything in `folder`: the text of a file, where a link leads, what else it is."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            path = Path(at, name)
            kind = "folder" if path.is_dir() else "other"
            text = path.read_text("latin-1") if path.is_file() and not path.is_symlink() else kind
            found[str(path.relative_to(folder))] = f"→ {path.readlink()}" if path.is_symlink() else text
    return found


def refused(shell: Shell, *paths: str, out: str = "etc") -> None:
    """`generate` names these paths and leaves everything as it is; `--check` names them as well."""
    before = lying(out)
    lines = "".join(f"{out}/{path}:1: error: {SAID}\n" for path in paths)
    assert shell.handrail("generate", "--out", out) == (1, "", lines)
    assert lying(out) == before
    code, _, wrong = shell.handrail("generate", "--out", out, "--check")
    assert (code, [line for line in wrong.splitlines() if SAID in line]) == (1, lines.splitlines())
    assert lying(out) == before


def wrote(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


NO_FILE: dict[str, Callable[[Path], object]] = {
    "a link to a file": lambda path: path.symlink_to(Path("mine").resolve()),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
}
FILE: dict[str, Callable[[Path], object]] = {
    "a text": wrote("# the company's own, 400 lines\n"),
    "an empty file": wrote(""),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\x00x"),
    "json": wrote('{"groups": []}'),
}
FOREIGN = [
    *((path, how) for path in (RULES, "playbook/shop.json", "runbooks/shop.md") for how in (*FILE, *NO_FILE)),
    *(("MANIFEST.json", how) for how in NO_FILE),
]


@pytest.mark.parametrize(("path", "how"), FOREIGN)
def test_what_somebody_else_put_there_is_named_and_left(shell: Shell, path: str, how: str) -> None:
    Path("mine").write_text("mine\n")
    place = Path("etc", path)
    place.parent.mkdir(parents=True)
    (FILE | NO_FILE)[how](place)
    refused(shell, path)
    assert Path("mine").read_text() == "mine\n"


def test_a_manifest_of_another_program_is_not_ours_nor_what_it_lists(shell: Shell) -> None:
    Path("etc").mkdir()
    Path("etc/precious").write_text("mine\n")
    Path("etc/MANIFEST.json").write_text('{"files": {"precious": {"sha256": ""}}, "tool": "other"}')
    refused(shell, "MANIFEST.json")


@pytest.mark.parametrize("make", [FILE["a text"], NO_FILE["a link to nothing"]])
def test_a_folder_s_place_that_is_taken_is_named_for_all_that_would_lie_in_it(
    shell: Shell, make: Callable[[Path], object]
) -> None:
    shell.handrail("generate", "--out", "elsewhere")
    would_lie = [path for path in shell.files("elsewhere") if path.startswith("prometheus/")]
    assert RULES in would_lie
    Path("etc").mkdir()
    make(Path("etc/prometheus"))
    refused(shell, *sorted(would_lie))


def test_a_link_that_leads_elsewhere_is_not_followed(shell: Shell) -> None:
    shell.handrail("generate", "--out", "etc")
    Path("elsewhere").mkdir()
    Path("etc/prometheus/rules").rename("elsewhere/rules")
    Path("etc/prometheus/rules").symlink_to(Path("elsewhere/rules").resolve())
    refused(shell, RULES)


def test_what_handrail_wrote_is_known_by_itself_when_the_manifest_is_gone(shell: Shell) -> None:
    shell.generated()
    whole = shell.files()
    for path in whole:
        file = Path("generated", path)
        file.write_text(
            file.read_text().replace("5m", "6m").replace('"budget_per_day": 3', '"budget_per_day": 4')
        )
        file.chmod(0o444)
    Path("generated/MANIFEST.json").unlink()
    assert shell.handrail("generate")[0] == 0
    assert shell.files() == whole


def test_other_line_ends_make_it_nobody_else_s(shell: Shell) -> None:
    shell.generated()
    whole = shell.files()
    for path in whole:
        file = Path("generated", path)
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert shell.handrail("generate")[0] == 0
    assert shell.files() == whole


def test_a_stale_file_that_somebody_replaced_is_named_and_left(shell: Shell) -> None:
    shell.declare(shop=SHOP, kiosk=SHOP.replace("shop", "kiosk"))
    shell.handrail("generate")
    Path("generated/prometheus/rules/kiosk.yml").write_text("groups: []  # mine now\n")
    shell.declare(shop=SHOP)
    refused(shell, "prometheus/rules/kiosk.yml", out="generated")


def test_a_listed_file_that_is_a_folder_now_is_left(shell: Shell) -> None:
    shell.generated()
    manifest = Path("generated/MANIFEST.json")
    listed = json.loads(manifest.read_text())
    listed["files"]["mine"] = {"sha256": "", "source": ""}
    manifest.write_text(json.dumps(listed))
    Path("generated/mine").mkdir()
    Path("generated/mine/precious").write_text("mine\n")
    assert shell.handrail("generate")[0] == 0
    assert Path("generated/mine/precious").read_text() == "mine\n"
    assert "mine" not in json.loads(manifest.read_text())["files"]


def test_a_folder_that_looks_like_one_being_written_is_not_swept_away(shell: Shell) -> None:
    Path("generated/.writing-mine").mkdir(parents=True)
    Path("generated/.writing-mine/precious").write_text("mine\n")
    Path("generated/.handrail-writing-file").write_text("mine\n")
    assert shell.handrail("generate")[0] == 0
    assert Path("generated/.writing-mine/precious").read_text() == "mine\n"
    assert Path("generated/.handrail-writing-file").read_text() == "mine\n"


def test_init_follows_no_link_and_leaves_a_folder_of_generated_files_alone(shell: Shell) -> None:
    Path("new").mkdir()
    Path("new/README.md").symlink_to(Path("outside").resolve())
    Path("new/generated").mkdir()
    what = "new has README.md, generated already; give the name of another folder"
    assert shell.handrail("init", "new") == (2, "", f"handrail: error: {what}\n")
    assert not Path("outside").exists()


@pytest.mark.parametrize("asked", [(), ("--check",), ("--diff",)])
def test_a_file_where_the_folder_should_be_is_said_once(shell: Shell, asked: tuple[str, ...]) -> None:
    shell.declare(shop=SHOP)
    Path("file").write_text("mine")
    Path("link").symlink_to("gone")
    for out in ("file", "link"):
        said = shell.handrail("generate", "--out", out, *asked)
        assert said == (2, "", f"handrail: error: {out} is not a folder; give another --out\n")
    assert (Path("file").read_text(), Path("gone").exists()) == ("mine", False)


def test_init_below_a_file_says_what_to_do(shell: Shell) -> None:
    Path("file").write_text("mine")
    said = "handrail: error: file/rules_src/rollouts: Not a directory; give a path below a folder\n"
    assert shell.handrail("init", "file") == (2, "", said)
