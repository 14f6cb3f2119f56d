"""A step of any kind → a note in memory: for tests of what uses targets, not of targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from handrail.contract import Step

from handrail_receiver.ports import Reading, Rehearsal


@dataclass
class FakeTarget:
    """Remembers what was done. `trouble` is called with "rehearse", "read" or "act" first, and may raise."""

    done: list[Step] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    trouble: Callable[[str, Step], None] = lambda _call, _step: None

    async def rehearse(self, step: Step) -> Rehearsal:
        """Always ready."""
        self._called("rehearse", step)
        return Rehearsal(ready=True, reason="it is a fake", step=step, call=f"remember {step.kind}")

    async def read(self, step: Step) -> Reading:
        """Whether this very step was done."""
        self._called("read", step)
        return Reading(done=step in self.done, found="done" if step in self.done else "not done")

    async def act(self, step: Step) -> None:
        """Remember the step."""
        self._called("act", step)
        self.done.append(step)

    def _called(self, call: str, step: Step) -> None:
        self.calls.append(call)
        self.trouble(call, step)
