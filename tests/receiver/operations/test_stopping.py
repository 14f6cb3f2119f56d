"""Two people turn the kill switch at once: it is as both want it, and the second hears that."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from guarded import NOW
from handrail_receiver.operations.stopping import Stopping


class Raced:
    """A switch that somebody else turns right before we do."""

    def __init__(self, *, on: bool) -> None:
        self.on = not on

    def is_set(self) -> bool:
        return self.on

    def cannot(self, *, on: bool) -> str:  # noqa: ARG002
        return ""

    def set(self, _said: str) -> None:
        self.on = True
        raise FileExistsError(17, "File exists")

    def clear(self) -> None:
        self.on = False
        raise FileNotFoundError(2, "No such file or directory")


@pytest.mark.parametrize(("on", "so"), [(True, "set"), (False, "not set")])
def test_who_turns_it_when_it_was_just_turned_hears_that_it_is_so(on: bool, so: str) -> None:
    guard: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW))
    books: Any = SimpleNamespace(all=list)
    made = asyncio.run(Stopping(guard, books, Raced(on=on), str).turn("alice", "an incident", on=on))
    assert (made.reason, made.text) == ("already-so", f"the kill switch is {so} already")
