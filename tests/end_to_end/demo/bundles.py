"""The story's third part: the evidence of both attempts verifies without the receiver, and not with a byte changed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from .story import Demo, Failed, Step
from .view import ROLLOUT

WHOLE_WITHIN, TRY_EVERY = 60.0, 2.0
"""What Prometheus had recorded around a decision is kept a moment after it."""


def write_bundles(demo: Demo) -> str:
    """A folder for each attempt, with nothing missing."""
    return "; ".join(_written(demo, number) for number in demo.attempts)


def verify_bundles(demo: Demo) -> str:
    """Every verdict follows from the samples, and the receiver's key signed it."""
    for number in demo.attempts:
        said = demo.type(_verify(_folder(number)))
    return said.text.splitlines()[-1]


def change_a_byte(demo: Demo) -> str:
    """One digit of what Prometheus had recorded is another one now."""
    whole = demo.folder / _folder(demo.attempts[-1])
    changed = demo.folder / f"{whole.name}-changed"
    shutil.copytree(whole, changed)
    named = _change(max((changed / "snapshots").iterdir()))
    said = demo.tried(_verify(changed.name))
    if said.code != 1 or named not in said.text:
        raise Failed(f"verify must name {named} and exit with 1; it exits with {said.code}: {said.text}")
    return next(line for line in said.text.splitlines() if named in line)


def _written(demo: Demo, number: int) -> str:
    typed = f"handrail rollout bundle {ROLLOUT} {_folder(number)} --attempt {number}"
    deadline = time.monotonic() + WHOLE_WITHIN
    while (said := demo.tried(typed)).code:
        if time.monotonic() > deadline:
            raise Failed(f"`{typed}` exits with {said.code}: {said.text}")
        shutil.rmtree(demo.folder / _folder(number), ignore_errors=True)
        demo.watch(TRY_EVERY, lambda _: True, "the stack")
    return said.text.splitlines()[-1].partition(";")[0]


def _folder(number: int) -> str:
    return f"bundle-{number}"


def _verify(folder: str) -> str:
    return f"handrail verify {folder} --key key.pub.pem"


def _change(file: Path) -> str:
    """Change the last digit of a file; its name in the bundle."""
    data = bytearray(file.read_bytes())
    place = max(at for at, byte in enumerate(data) if chr(byte).isdigit())
    data[place] = ord("1") if data[place] != ord("1") else ord("2")
    file.write_bytes(data)
    return f"{file.parent.name}/{file.name}"


STEPS: tuple[Step, ...] = (
    ("the evidence of each attempt is written into a folder", write_bundles),
    ("anybody can check it, without the receiver", verify_bundles),
    ("one byte of it is changed, and that is found", change_a_byte),
)
