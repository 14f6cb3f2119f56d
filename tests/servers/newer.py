"""A program's name → its newer version, which `make tools` unpacks beside the system's."""

from __future__ import annotations

from pathlib import Path

from .process import Missing

FOLDER = Path(__file__).parents[2] / ".tools/newer/usr/bin"


def newer(name: str) -> Path:
    """The path of prometheus, promtool, prometheus-alertmanager, amtool, vmalert or vmalert-tool, newer.

    Raises Missing, which names the cure.
    """
    path = FOLDER / name
    if not path.is_file():
        raise Missing(f"the newer {name} is not in {FOLDER}; run `make tools`")
    return path
