"""The kill switch is turned by two people at once, and while the store keeps everybody waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from guarded import NOW, playbook
from handrail_receiver.errors import StoreDown
from handrail_receiver.execute.kill_switch import KillSwitch
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


@pytest.mark.parametrize(("on", "so"), [(True, "set already"), (False, "not set")])
def test_who_turns_it_when_it_was_just_turned_hears_that_it_is_so(on: bool, so: str) -> None:
    guard: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW))
    books: Any = SimpleNamespace(all=list)
    made = asyncio.run(Stopping(guard, books, Raced(on=on), str).turn("alice", "an incident", on=on))
    assert (made.reason, made.text) == ("already-so", f"the kill switch is {so}")


@pytest.mark.parametrize(
    ("on", "when_recorded", "afterwards"), [(True, True, True), (False, True, True)], ids=["set", "removed"]
)
def test_it_is_set_before_a_store_that_does_not_answer_is_waited_for_and_removed_only_with_a_record(
    on: bool, when_recorded: bool, afterwards: bool, tmp_path: Path
) -> None:
    switch, seen = KillSwitch(tmp_path / "stop"), list[bool]()
    if not on:
        switch.set("by bob")

    async def apply(*_: object) -> None:
        seen.append(switch.is_set())
        raise StoreDown("the store did not answer within 8 s")

    store = SimpleNamespace(attempts=SimpleNamespace(apply=apply))
    guard: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW), store=store)
    books: Any = SimpleNamespace(all=lambda: [playbook()])
    asyncio.run(Stopping(guard, books, switch, str).turn("alice", "an incident", on=on))
    assert (seen, switch.is_set()) == ([when_recorded], afterwards)
