"""{path: text} → a folder with exactly these files, or the difference. Writes are atomic and touch only our own files.

A file is ours if the manifest lists it or its header says that it is generated. If anything else is in the way (somebody's
file, a link, a folder), nothing is written and all of it is reported.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Literal

from handrail.contract import names
from handrail.errors import Problem, Refused, Severity, Where, WrongCall, shown

MANIFEST = "MANIFEST.json"
Kind = Literal["new", "changed", "stale", "foreign"]
_WRITING = ".handrail-writing-"
"""Prefix of the temporary folder in which files are written before they are moved."""
_MANIFEST_KEYS = frozenset({"handrail", "files"})
_PLAYBOOK_KEYS = frozenset({"version", "rollout", "service", "stages", "guardrails", "gates", "actions"})
"""What the two files hold that have no place for a header."""


@dataclass(frozen=True)
class Change:
    """One file in `out` that is not as it is in `files`."""

    path: str
    kind: Kind
    out: Path
    files: Mapping[str, str]

    @property
    def old(self) -> str | None:
        """The present text; None if there is no file."""
        return _read(self.out, self.path)

    @property
    def new(self) -> str | None:
        """The new text; None if the file is to be removed."""
        return self.files.get(self.path)

    @property
    def problem(self) -> str:
        """What is wrong with the file as it is, and what to do about it."""
        return {
            "new": "the file is missing; run `handrail generate`",
            "changed": "the file is not as generated; run `handrail generate`",
            "stale": "the file belongs to no declaration any more; run `handrail generate`",
            "foreign": "what is there is not Handrail's; move it away, or give another --out",
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


def manifest_of(files: Mapping[str, str], sources: Mapping[str, str]) -> str:
    """The manifest over `files`: path → sha256 and source declaration."""
    entries = {
        path: {"sha256": _sha256(text), "source": sources.get(path, "")} for path, text in files.items()
    }
    return json.dumps({"handrail": version("handrail"), "files": entries}, indent=2, sort_keys=True) + "\n"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def listed_texts(out: Path) -> dict[str, str]:
    """What `out` holds of the files that its manifest lists."""
    texts = {path: _read(out, path) for path in _entries(out)}
    return {path: text for path, text in texts.items() if text is not None}


def has_environments(out: Path) -> bool:
    """Whether there is a folder for each of several environments."""
    return any(len(parts := path.split("/")) == 3 and parts[1] == "playbook" for path in _entries(out))


def changes(files: Mapping[str, str], out: Path) -> list[Change]:
    """Everything in `out` that is not as in `files`, by path. Raises WrongCall where it cannot be a folder."""
    if not out.is_dir() and (out.exists() or out.is_symlink()):
        raise WrongCall(f"{out} is not a folder; give another --out")
    listed = _entries(out)
    kinds = {path: _kind(path, files.get(path), out, listed) for path in sorted({*files, *listed})}
    return [Change(path, kind, out, files) for path, kind in kinds.items() if kind is not None]


def _kind(path: str, new: str | None, out: Path, listed: Mapping[str, Mapping[str, str]]) -> Kind | None:
    if _blocked(out, path):
        return None if new is None else "foreign"
    old = _read(out, path)
    if old == new:
        return None
    if old is None:
        return "new"
    said = _has_header(path, old)
    if new is None:
        return "stale" if said or listed[path].get("sha256") == _sha256(old) else "foreign"
    return "changed" if said or path in listed else "foreign"


def _has_header(path: str, text: str) -> bool:
    """Whether the file says itself that it is generated."""
    if not path.endswith(".json"):
        return any("generated from " in line and names.EDIT in line for line in text.splitlines()[:3])
    try:
        data = json.loads(text)
    except ValueError:
        return False
    keys = data.keys() if isinstance(data, dict) else set()
    described = str(data.get("description")) if isinstance(data, dict) else ""
    return names.EDIT in described or keys >= _MANIFEST_KEYS or keys >= _PLAYBOOK_KEYS


def apply(changes: list[Change], out: Path) -> None:
    """Carry out `changes` so that an interrupted write is seen as stale, and repaired by the next one.

    First the manifest is written with old and new files, so that everything left behind is listed. Raises Refused, and
    writes nothing, if something that is not ours is in the way.
    """
    foreign = [change for change in changes if change.kind == "foreign"]
    if foreign:
        raise Refused([_in_the_way(change) for change in foreign])
    for left in out.glob(f"{_WRITING}*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
    if not changes:
        return
    out.mkdir(parents=True, exist_ok=True)
    manifest = [change for change in changes if change.path == MANIFEST]
    with tempfile.TemporaryDirectory(dir=out, prefix=_WRITING) as folder:
        for change in manifest:
            _replace(out / MANIFEST, _claim(change.new or "", out), Path(folder))
        for change in (*(change for change in changes if change.path != MANIFEST), *manifest):
            _carry_out(change, out, Path(folder))


def _in_the_way(change: Change) -> Problem:
    what, _, cure = change.problem.partition("; ")
    return Problem(Where(str(change.out / change.path), 1), Severity.error, what, cure)


def _carry_out(change: Change, out: Path, folder: Path) -> None:
    target = out / change.path
    if change.new is None:
        target.unlink(missing_ok=True)
        _remove_empty(target.parent, out)
    else:
        _replace(target, change.new, folder)


def _claim(manifest: str, out: Path) -> str:
    new = json.loads(manifest)
    claimed = {**_entries(out), **new["files"]}
    return json.dumps({**new, "files": claimed}, indent=2, sort_keys=True) + "\n"


def _read(out: Path, path: str) -> str | None:
    # Bytes: a line end that Git or an editor changed is a change, and a file that is no text is none of ours.
    target = out / path
    there = target.is_file() and not _blocked(out, path)
    return target.read_bytes().decode("utf-8", "replace") if there else None


def _blocked(out: Path, path: str) -> bool:
    """Whether a link, a file or a folder lies where this file or one of its folders should be."""
    target = out / path
    folders = [parent for parent in target.parents if parent != out and parent.is_relative_to(out)]
    if any(folder.is_symlink() or (folder.exists() and not folder.is_dir()) for folder in folders):
        return True
    return target.is_symlink() or (target.exists() and not target.is_file())


def _entries(out: Path) -> dict[str, dict[str, str]]:
    """What the manifest says of each file it lists."""
    manifest = out / MANIFEST
    if _blocked(out, MANIFEST) or not manifest.is_file():
        return {}
    try:
        data = json.loads(manifest.read_text(encoding="utf-8"))
        listed = {str(path): dict(entry) for path, entry in dict(data["files"]).items()}
    except (ValueError, KeyError, TypeError):
        raise WrongCall(f"{shown(manifest)} is not readable; restore it from Git, or delete it") from None
    if not data.keys() >= _MANIFEST_KEYS:
        return {}  # another program's: what it lists is not ours
    _refuse_newer(manifest, str(data["handrail"]))
    for path in listed:
        _refuse_outside(out, path)
    return listed


def _refuse_newer(manifest: Path, made_by: str) -> None:
    """Two versions would undo each other's files; an older one does not know what the newer one's mean."""
    ours = version("handrail")
    if _release(made_by) > _release(ours):
        raise WrongCall(
            f"{shown(manifest)} was written by handrail {made_by}, and this is {ours}; install handrail {made_by}, "
            "or take back the commit that generated it"
        )


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"[0-9]+", version)[:3]))


def _refuse_outside(out: Path, path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        where = f"{shown(out / MANIFEST)} lists '{path}' outside of {shown(out)}"
        raise WrongCall(f"{where}; restore it from Git")


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
