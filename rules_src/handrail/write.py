"""{path: text} → a folder that holds exactly that, or the difference; atomic, and only what the manifest lists is removed."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from handrail.errors import WrongCall, shown

MANIFEST = "MANIFEST.json"
Kind = Literal["new", "changed", "stale"]
_WRITING = ".writing-"
"""How a folder begins in which a file is written before it takes its place."""


@dataclass(frozen=True)
class Change:
    """One file in `out` that is not as it is in `files`."""

    path: str
    kind: Kind
    out: Path
    files: Mapping[str, str]

    @property
    def old(self) -> str | None:
        """What is there; None where nothing is."""
        return _read(_inside(self.out, self.path))

    @property
    def new(self) -> str | None:
        """What is to be there; None where nothing is."""
        return self.files.get(self.path)

    @property
    def said(self) -> str:
        """What is wrong with the file as it is."""
        return {
            "new": "the file is missing",
            "changed": "the file is not as generated",
            "stale": "the file belongs to no declaration any more",
        }[self.kind]

    def diff(self) -> str:
        """The change as a unified diff."""
        lines = difflib.unified_diff(
            (self.old or "").splitlines(keepends=True),
            (self.new or "").splitlines(keepends=True),
            "/dev/null" if self.kind == "new" else f"a/{self.path}",
            "/dev/null" if self.kind == "stale" else f"b/{self.path}",
        )
        return "".join(lines)


def manifest_of(files: Mapping[str, str], sources: Mapping[str, str], made_from: Mapping[str, str]) -> str:
    """The manifest over `files`: path → sha256, source declaration, and what it was made from.

    `made_from` is the fingerprint of everything that a file depends on, for those that take long to make.
    """
    entries = {
        path: {"sha256": _sha256(text), "source": sources.get(path, "")}
        | ({"made_from": made_from[path]} if path in made_from else {})
        for path, text in files.items()
    }
    return json.dumps({"handrail": version("handrail"), "files": entries}, indent=2, sort_keys=True) + "\n"


class LastTime:
    """What was generated last time into `out`; nothing without a folder."""

    def __init__(self, out: Path | None) -> None:
        self.out = out or Path()
        self.entries = {} if out is None else _entries(out)

    def unchanged(self, made_from: Mapping[str, str]) -> dict[str, str] | None:
        """The files, if all of them lie there just as they were made from the same."""
        found: dict[str, str] = {}
        for path, fingerprint in made_from.items():
            entry = self.entries.get(path, {})
            text = _read(_inside(self.out, path)) if entry.get("made_from") == fingerprint else None
            if text is None or entry.get("sha256") != _sha256(text):
                return None
            found[path] = text
        return found


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def held(out: Path) -> dict[str, str]:
    """What `out` holds of the files that its manifest lists."""
    texts = {path: _read(_inside(out, path)) for path in _listed(out)}
    return {path: text for path, text in texts.items() if text is not None}


def changes(files: Mapping[str, str], out: Path) -> list[Change]:
    """Everything in `out` that is not as in `files`, by path."""
    found = []
    for path in sorted({*files, *_listed(out)}):
        old, new = _read(_inside(out, path)), files.get(path)
        if old != new:
            kind: Kind = "new" if old is None else "stale" if new is None else "changed"
            found.append(Change(path, kind, out, files))
    return found


def apply(found: list[Change], out: Path) -> None:
    """Carry `found` out, so that a write cut short is seen as stale and the next one mends it.

    Before anything else the manifest claims the old files and the new ones: whatever is left lying is listed.
    """
    for left in out.glob(f"{_WRITING}*"):
        shutil.rmtree(left)
    if not found:
        return
    out.mkdir(parents=True, exist_ok=True)
    manifest = [change for change in found if change.path == MANIFEST]
    with tempfile.TemporaryDirectory(dir=out, prefix=_WRITING) as folder:
        for change in manifest:
            _replace(out / MANIFEST, _claim(change.new or "", out), Path(folder))
        for change in (*(change for change in found if change.path != MANIFEST), *manifest):
            _carry_out(change, out, Path(folder))


def _carry_out(change: Change, out: Path, folder: Path) -> None:
    target = _inside(out, change.path)
    if change.new is None:
        target.unlink(missing_ok=True)
        _remove_empty(target.parent, out)
    else:
        _replace(target, change.new, folder)


def _claim(manifest: str, out: Path) -> str:
    new = json.loads(manifest)
    gone = {path: {"sha256": "", "source": ""} for path in _listed(out)}
    return json.dumps({**new, "files": {**gone, **new["files"]}}, indent=2, sort_keys=True) + "\n"


def _read(target: Path) -> str | None:
    # Bytes: a line end that Git or an editor changed is a change, and a file that is no text is none of ours.
    return target.read_bytes().decode("utf-8", "replace") if target.is_file() else None


def _listed(out: Path) -> list[str]:
    return list(_entries(out))


def _entries(out: Path) -> dict[str, dict[str, str]]:
    """What the manifest says of each file it lists."""
    manifest = out / MANIFEST
    if not manifest.is_file():
        return {}
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return {str(path): dict(entry) for path, entry in dict(listed).items()}
    except (ValueError, KeyError, TypeError):
        raise WrongCall(f"{shown(manifest)} is not readable; restore it from Git, or delete it") from None


def _inside(out: Path, path: str) -> Path:
    target = out / path
    if not target.resolve().is_relative_to(out.resolve()) or target.resolve() == out.resolve():
        raise WrongCall(
            f"{shown(out / MANIFEST)} lists '{path}' outside of {shown(out)}; restore it from Git"
        )
    return target


def _replace(target: Path, text: str, folder: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    new = folder / "new"
    with new.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(target)


def _remove_empty(folder: Path, out: Path) -> None:
    while folder != out and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
