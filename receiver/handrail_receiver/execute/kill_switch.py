"""The file of HANDRAIL_KILL_SWITCH → whether people have stopped the receiver; what cannot be seen counts as there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KillSwitch:
    """The file, which may be anything: an empty one, a folder, a link to nothing."""

    file: Path

    def is_set(self) -> bool:
        """Whether it is there, or may be."""
        return self._looked() != ""

    def problem(self) -> str:
        """Why nobody can say whether it is there; empty when it is clear."""
        return self._looked() if self._looked() not in {"", SET} else ""

    def text(self) -> str:
        """What is in the file: who set it, and why, where our own call did."""
        try:
            return " ".join(self.file.read_text(encoding="utf-8", errors="replace").split())[:LONGEST]
        except OSError:
            return ""

    def cannot(self, *, on: bool) -> str:
        """Why we could not set it, or take it away; empty when we could."""
        folder = self.file.absolute().parent
        cure = f"{'make' if on else 'remove'} the file {self.file} yourself, or let the receiver's user write to its folder"
        if not on and self.file.is_dir() and not self.file.is_symlink():
            return f"HANDRAIL_KILL_SWITCH: {self.file} is a folder; remove it yourself"
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            return f"HANDRAIL_KILL_SWITCH: the receiver may not write to {folder}; {cure}"
        return ""

    def set(self, said: str) -> None:
        """Make the file, with what is said of it. Raises OSError."""
        with self.file.open("x", encoding="utf-8") as made:
            made.write(f"{said}\n")

    def clear(self) -> None:
        """Take the file away. Raises OSError."""
        self.file.unlink()

    def _looked(self) -> str:
        try:
            self.file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            return (
                f"HANDRAIL_KILL_SWITCH: {self.file} cannot be looked at ({type(error).__name__}), and so it counts"
                " as set: nothing is rolled back automatically; let the receiver's user into its folder"
            )
        return SET


SET = "set"
LONGEST = 1000
