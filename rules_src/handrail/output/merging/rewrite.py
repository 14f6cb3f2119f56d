"""A file and the text it is to have → the file with that text: all of it or nothing, with the rights it had."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import shutil
import tempfile
from pathlib import Path

from handrail.errors import WrongCall, shown


def text_of(file: Path) -> str:
    """What is in it, byte for byte. Raises WrongCall for what is no text."""
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise WrongCall(f"{shown(file)} is not UTF-8 text; give an alertmanager.yml") from None


def difference(file: Path, old: str, new: str) -> str:
    """The change as a unified diff."""
    name = shown(file).lstrip("/")
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def rewrite(file: Path, text: str) -> None:
    """Replace it in one step; a link stays, and what it leads to is replaced.

    Raises WrongCall where it cannot be replaced; then it is as it was.
    """
    try:
        _replace(file.resolve(), text)
    except OSError as error:
        cure = "let this user write to its folder, or merge a copy and put that in its place"
        if error.errno == errno.EBUSY:
            cure = "it is mounted by itself and cannot be replaced from here: merge it where it comes from"
        raise WrongCall(f"{shown(file)} cannot be replaced: {error.strerror}; {cure}") from None


def _replace(there: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=there.parent, prefix=f".{there.name}.")
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(text.encode())
            new.flush()
            os.fsync(new.fileno())
        shutil.copymode(there, name)
        owner = there.stat()
        with contextlib.suppress(PermissionError):  # only root may give a file away
            os.chown(name, owner.st_uid, owner.st_gid)
        Path(name).replace(there)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
