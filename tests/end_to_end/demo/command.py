"""Words → the command `handrail` as people type it, and what it says."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass

from .files import Files


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said: the first line, and all of it."""

    code: int
    text: str

    @property
    def line(self) -> str:
        """What it said first."""
        return self.text.partition("\n")[0]


@dataclass(frozen=True)
class Command:
    """The command in the demo's folder, for people who have tokens."""

    files: Files
    url: str
    handrail: str

    def run(self, typed: str, role: str = "operator") -> Said:
        """What `handrail rollout list` comes to, typed by whoever has this role."""
        argv = [self.handrail, *shlex.split(typed)[1:]]
        env = {"HANDRAIL_URL": self.url, "HANDRAIL_TOKEN_FILE": str(self.files.token(role))}
        done = subprocess.run(
            argv,
            cwd=self.files.folder,
            env=os.environ | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return Said(done.returncode, done.stdout.strip())
