"""What stands behind one setting, in a variable or in TOML → its value, or what to write instead."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from handrail.contract import duration
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


def _duration(value: object) -> object:
    """`1m30s`, as in declarations; a number alone is seconds."""
    if isinstance(value, timedelta):
        return value
    written = str(value).strip()
    return duration(f"{written}s" if SECONDS.fullmatch(written) else written)


def _more_than_none(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("it must be longer than 0s")
    return value


def _at_least_2s(value: timedelta) -> timedelta:
    if value < timedelta(seconds=2):
        raise ValueError("it must be at least 2s")
    return value


def _path(value: object) -> object:
    """An empty text would be the current folder, which is always there."""
    if not isinstance(value, str | Path):
        raise ValueError(f"{value!r} is not a path; write it in quotes")  # noqa: TRY004  pydantic knows ValueError
    if not str(value).strip():
        raise ValueError("it is empty; name a path, or leave the setting out")
    return value


def _whole(value: object) -> object:
    """`true` is a number to Python, and to nobody else."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a number; write a whole number, such as 60")  # noqa: TRY004
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_more_than_none)]
Lease = Annotated[Duration, AfterValidator(_at_least_2s)]
Place = Annotated[Path, BeforeValidator(_path)]
"""The path of a file or a folder."""
Count = Annotated[int, BeforeValidator(_whole), Field(ge=1)]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$", max_length=100)]
"""The name of a header; empty: none."""
Words = Annotated[tuple[str, ...], NoDecode]
