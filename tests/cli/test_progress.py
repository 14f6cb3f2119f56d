"""`handrail generate` shows its progress on one line, and only on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from cli.places import SHOP

WHOLE = SHOP.replace("runbook=", "whole_service=True, runbook=")
HANDRAIL = Path(sys.executable).with_name("handrail")


def _declared(folder: Path) -> Path:
    (folder / "rules_src" / "rollouts").mkdir(parents=True)
    (folder / "rules_src" / "rollouts" / "shop.py").write_text(WHOLE)
    return folder


def test_on_a_terminal_one_line_says_what_is_being_made_and_is_gone_at_the_end(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    subprocess.run([HANDRAIL, "generate"], cwd=_declared(tmp_path), stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert shown == "\r\x1b[Kshop (1 of 1)\r\x1b[K"


def test_in_a_pipe_there_is_no_progress(tmp_path: Path) -> None:
    done = subprocess.run([HANDRAIL, "generate"], cwd=_declared(tmp_path), capture_output=True, check=True)
    assert done.stderr == b""
