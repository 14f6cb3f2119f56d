"""A folder that a bundle is written into or read from: what is refused, and what in it counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.places import Shell
from handrail_receiver import cli
from handrail_receiver.errors import WrongSettings
from handrail_receiver.evidence.folder import read, write

from .made import bundle

FILES = {"bundle.json": "{}\n", "snapshots/42.json": "{}\n"}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new" / "in" / "new", tmp_path / "empty"):
        write(folder, FILES)
        assert read(folder) == {name: text.encode() for name, text in FILES.items()}


def test_a_file_a_full_folder_and_a_name_outside_of_it_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes").write_text("mine")
    with pytest.raises(WrongSettings, match="file is a file; name a folder that is not there yet"):
        write(tmp_path / "file", FILES)
    with pytest.raises(WrongSettings, match="full is there already and not empty; name another folder"):
        write(tmp_path / "full", FILES)
    with pytest.raises(WrongSettings, match="which does not belong in a bundle; nothing was written"):
        write(tmp_path / "new", {"../bundle.json": "{}"})
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["file", "full", "notes"]


def test_a_folder_that_cannot_be_written_is_said_and_no_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    said = {"files": FILES, "missing": [], "complete": True, "attempt": 1, "rollout": "shop"}
    folder = tmp_path / "file" / "bundle"
    assert cli._written(said, folder, as_json=False) == 2
    assert capsys.readouterr().err == (f"{folder}: Not a directory; name a folder that can be written\n")


def test_a_link_that_leads_nowhere_is_something_that_was_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bundle"
    write(folder, {name: text.decode() for name, text in bundle().items()})
    shell = Shell(tmp_path, monkeypatch, capsys)
    assert shell.handrail("verify", str(folder))[0] == 0
    (folder / "more").symlink_to(tmp_path / "nowhere")
    code, _, err = shell.handrail("verify", str(folder))
    assert (code, err) == (1, "handrail: error: more was added: statement.json does not know it\n")


def test_a_file_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "bundle", {name: text.decode() for name, text in bundle().items()})

    def unreadable(file: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "read_bytes", unreadable)
    code, _, err = Shell(tmp_path, monkeypatch, capsys).handrail("verify", str(tmp_path / "bundle"))
    assert (code, "bundle/bundle.json: Permission denied; it has to be readable" in err) == (2, True)
