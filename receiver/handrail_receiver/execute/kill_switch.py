"""The file of HANDRAIL_KILL_SWITCH → whether people have stopped the receiver; what cannot be seen counts as there."""

from __future__ import annotations

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

    def _looked(self) -> str:
        try:
            self.file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            return (
                f"HANDRAIL_KILL_SWITCH: {self.file} cannot be looked at ({type(error).__name__}), and so it counts"
                " as set: nothing is rolled back by itself; let the receiver's user into its folder"
            )
        return SET


SET = "set"
