"""{path: text} → a folder that holds exactly that, or the difference; atomic, and only what the manifest lists is removed."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from handrail.errors import WrongCall, shown

MANIFEST = "MANIFEST.json"


@dataclass(frozen=True)
class Change:
    """One file that is not as generated: `old` None is new, `new` None is to be removed."""

    path: str
    old: str | None
    new: str | None

    @property
    def kind(self) -> str:
        """`new`, `changed` or `stale`."""
        if self.old is None:
            return "new"
        return "stale" if self.new is None else "changed"

    def diff(self) -> str:
        """The change as a unified diff."""
        lines = difflib.unified_diff(
            (self.old or "").splitlines(keepends=True),
            (self.new or "").splitlines(keepends=True),
            "/dev/null" if self.old is None else f"a/{self.path}",
            "/dev/null" if self.new is None else f"b/{self.path}",
        )
        return "".join(lines)


def with_manifest(files: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, str]:
    """`files` and the manifest over them: path → sha256 and source declaration."""
    entries = {
        path: {"sha256": hashlib.sha256(text.encode()).hexdigest(), "source": sources.get(path, "")}
        for path, text in sorted(files.items())
    }
    manifest = {"handrail": version("handrail"), "files": entries}
    return {**files, MANIFEST: json.dumps(manifest, indent=2, sort_keys=True) + "\n"}


def changes(files: Mapping[str, str], out: Path) -> list[Change]:
    """Everything in `out` that is not as in `files`, by path."""
    found = []
    for path in sorted({*files, *_listed(out)}):
        target = out / path
        old = target.read_text(encoding="utf-8") if target.is_file() else None
        new = files.get(path)
        if old != new:
            found.append(Change(path, old, new))
    return found


def apply(found: list[Change], out: Path) -> None:
    """Carry `found` out; the manifest comes last, so that a write cut short is seen as stale."""
    for change in sorted(found, key=lambda change: change.path == MANIFEST):
        target = _inside(out, change.path)
        if change.new is None:
            target.unlink(missing_ok=True)
            _remove_empty(target.parent, out)
        else:
            _replace(target, change.new)


def _listed(out: Path) -> list[str]:
    manifest = out / MANIFEST
    if not manifest.is_file():
        return []
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return [str(path) for path in listed]
    except (ValueError, KeyError, TypeError):
        raise WrongCall(f"{shown(manifest)} is not readable; restore it from Git, or delete it") from None


def _inside(out: Path, path: str) -> Path:
    target = out / path
    if not target.resolve().is_relative_to(out.resolve()):
        raise WrongCall(
            f"{shown(out / MANIFEST)} lists '{path}' outside of {shown(out)}; restore it from Git"
        )
    return target


def _replace(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _remove_empty(folder: Path, out: Path) -> None:
    while folder != out and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
