"""The files of a bundle ↔ a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from handrail_receiver.errors import WrongSettings

PATH = re.compile(r"((snapshots|bursts)/)?[a-z0-9][a-z0-9.]{0,60}\.(json|html|log|md)")
"""How a file of a bundle may be called: nothing outside of its folder."""


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write a bundle into a folder that is not there yet, or is empty. Raises WrongSettings, and OSError."""
    odd = sorted(path for path in files if not PATH.fullmatch(path))
    if odd:
        raise WrongSettings(
            f"the receiver sent a file {odd[0]!r}, which does not belong in a bundle; nothing was written"
        )
    if folder.exists() and not folder.is_dir():
        raise WrongSettings(f"{folder} is a file; name a folder that is not there yet")
    if folder.exists() and any(folder.iterdir()):
        raise WrongSettings(f"{folder} is there already and not empty; name another folder")
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")


def read(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but folders, by its path in it; what is no file, as a link that leads nowhere, has nothing in it.

    Raises OSError.
    """
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() if file.is_file() else b""
        for file in sorted(folder.rglob("*"))
        if file.is_symlink() or not file.is_dir()
    }
