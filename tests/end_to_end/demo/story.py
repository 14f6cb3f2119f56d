"""A running stack → what each step of the story works with: looking, waiting, typing commands, noting moments."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from .api import Receiver
from .command import Command, Said
from .load import Load
from .screen import Drawn, Plain
from .times import Moment
from .view import ROLLOUT, Alert, Snapshot, View

LOOK_EVERY = 0.25
STARTS_WITHIN = 60.0


class Failed(Exception):
    """A step did not see what it waited for; the message says what, and what there was instead."""


@dataclass
class Demo:
    """What the steps work with, and what they note for one another."""

    folder: Path
    view: View
    receiver: Receiver
    command: Command
    load: Load
    screen: Plain | Drawn
    moments: list[Moment] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    alert: Alert | None = None
    rolled_back: Snapshot | None = None
    typed: str = ""

    def look(self) -> Snapshot:
        """One look at the stack, shown."""
        try:
            snapshot = self.view.look()
        except (httpx.HTTPError, OSError) as error:
            raise Failed(f"cannot look at the stack: {error!r}") from error
        self.screen.show(snapshot, self.load)
        return snapshot

    def note(self, what: str, witness: str, at: datetime) -> None:
        """Remember a moment for the table."""
        self.moments.append(Moment(what, witness, at))

    def told(self) -> Any:
        """Where the rollout stands, as the receiver tells."""
        return self.receiver.rollout(ROLLOUT)

    def type(self, typed: str, role: str = "operator") -> Said:
        """Type a command, shown; it must end with 0."""
        said = self.tried(typed, role)
        if said.code:
            raise Failed(f"`{typed}` exits with {said.code}: {said.text}")
        return said

    def tried(self, typed: str, role: str = "operator") -> Said:
        """Type a command, whatever it comes to; shown, but not again when it is tried again."""
        if typed != self.typed:
            self.typed = typed
            self.screen.typed(typed)
        return self.command.run(typed, role)

    def start(self, artifact: str) -> str:
        """Begin an attempt; while Prometheus does not see yet what it must, the receiver says no."""
        typed = f"handrail rollout start {ROLLOUT} --artifact {artifact}"
        deadline = time.monotonic() + STARTS_WITHIN
        while (said := self.tried(typed)).code:
            if time.monotonic() > deadline:
                raise Failed(f"`{typed}` exits with {said.code}: {said.text}")
            self.wait(lambda now: now.stable.errors is not None, "an error ratio for stable", within=30)
        self.attempts.append(self.told()["attempt"]["number"])
        return said.line

    def wait(self, condition: Callable[[Snapshot], object], what: str, *, within: float) -> Snapshot:
        """Look until `condition` holds."""
        deadline = time.monotonic() + within
        while not condition(snapshot := self.look()):
            if time.monotonic() > deadline:
                raise Failed(f"waited {within:g} s for {what}; last seen: {snapshot}")
            time.sleep(LOOK_EVERY)
        return snapshot

    def watch(self, seconds: float, condition: Callable[[Snapshot], object], what: str) -> Snapshot:
        """Look for some time; `condition` must hold at every look."""
        deadline = time.monotonic() + seconds
        while condition(snapshot := self.look()):
            if time.monotonic() > deadline:
                return snapshot
            time.sleep(LOOK_EVERY)
        raise Failed(f"{what}; seen: {snapshot}")


Step = tuple[str, Callable[[Demo], str]]
"""What happens, in a sentence; and the function that returns what it saw, or raises `Failed` with what it did not see."""
