"""The repository → a wheel and an sdist, and fresh environments with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def uv(*arguments: str | Path) -> None:
    """Run uv; a failure shows what it said."""
    argv = [UV, "--quiet", "--no-progress", *arguments]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def built(folder: Path) -> Path:
    """The folder, with the wheel and the sdist of the tree as it is now; the wheel is built from the sdist."""
    uv("build", "--python", sys.executable, "--out-dir", folder, ROOT)
    return folder


class Environment:
    """A fresh virtual environment with `requirement` in it, and a neutral folder to ask it from."""

    def __init__(self, folder: Path, *requirement: str) -> None:
        self.folder = folder
        uv("venv", "--python", sys.executable, folder / "venv")
        uv("pip", "install", "--python", folder / "venv", *requirement)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a program of the environment says, asked from outside the repository."""
        argv = [str(self.folder / "venv/bin" / program), *arguments]
        return subprocess.run(argv, check=False, cwd=self.folder, capture_output=True, text=True)

    def says(self, code: str, *arguments: str) -> list[str]:
        """The words that `code` prints; a failure or a warning shows itself."""
        done = self.run("python", "-W", "error", "-c", code, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    def found(self, *names: str) -> set[str]:
        """Which of the top-level names can be imported."""
        return set(
            self.says("import sys, importlib.util as u; print(*filter(u.find_spec, sys.argv[1:]))", *names)
        )
