"""A platform's command that nobody can have here → a program of the same name that keeps what it was told in a file."""

from __future__ import annotations

from pathlib import Path


def command(folder: Path, name: str, script: str, first: str) -> Path:
    """Write the program into `folder`/bin; its state, in the file that is returned, begins with `first`."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    state = place / f"{name}.state"
    state.write_text(f"{first}\n")
    program = place / name
    program.write_text(f'#!/bin/sh\nSTATE="{state}"\n{script}')
    program.chmod(0o755)
    return state
