"""handrail --version: the installed distribution's."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version


def test_the_version_is_that_of_the_distribution() -> None:
    command = [sys.executable, "-c", "from handrail.cli import main; main()", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"handrail {version('handrail')}\n", "")
