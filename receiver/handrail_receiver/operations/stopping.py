"""A person sets the kill switch, or takes it away → the file, and a record in the evidence of each rollout."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from handrail_receiver.errors import StoreDown
from handrail_receiver.guard import Guard
from handrail_receiver.model import Decision, History, Verdict
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.words.times import when

log = logging.getLogger("handrail")
ACTION = "kill-switch"


class Switch(Protocol):
    """The file by which people stop the receiver."""

    def is_set(self) -> bool:
        """Whether it is there, or may be."""

    def cannot(self, *, on: bool) -> str:
        """Why it could not be set, or taken away; empty when it could."""

    def set(self, said: str) -> None:
        """Make it. Raises OSError."""

    def clear(self) -> None:
        """Remove it. Raises OSError."""


@dataclass(frozen=True)
class Stopping:
    """Sets and removes the kill switch for a person, with a reason. It stops all rollouts of the receiver."""

    guard: Guard
    playbooks: Playbooks
    switch: Switch
    redact: Callable[[str], str]

    async def turn(self, by: str, why: str, *, on: bool) -> Decision:
        """Set it, or take it away; the answer is the decision and its reason, as each rollout's evidence gets it.

        It is set before that is recorded, for a store may keep us waiting; and taken away only once it is.
        """
        why = self.redact(why)
        decision = self._decided(by, why, on=on)
        if decision.verdict == Verdict.refuse:
            await self._recorded(decision)
            return decision
        if not on and not await self._recorded(decision):
            text = "it cannot be recorded now, and the kill switch is not removed without a record; try again once the store takes writes"
            return _refused(by, "store-down", text)
        failed = self._acted(by, f"set by {by} at {when(self.guard.clock.now())}: {why}", on=on)
        if failed is not None:
            await self._recorded(failed)
            return failed
        return decision if not on or await self._recorded(decision) else _but_unrecorded(decision)

    def _acted(self, by: str, said: str, *, on: bool) -> Decision | None:
        """Change the file; the refusal where that cannot be."""
        try:
            if on:
                self.switch.set(said)
            else:
                self.switch.clear()
        except OSError as error:
            if self.switch.is_set() == on:  # somebody else was faster
                return _refused(by, "already-so", _is_so(on=on))
            text = f"the file cannot be changed ({error.strerror}); do it by hand"
            return _refused(by, "not-written", text)
        return None

    def _decided(self, by: str, why: str, *, on: bool) -> Decision:
        if not why:
            return _refused(by, "no-reason", "say why: everybody who looks at a rollout will ask")
        if self.switch.is_set() == on:
            return _refused(by, "already-so", _is_so(on=on))
        cannot = self.switch.cannot(on=on)
        if cannot:
            return _refused(by, "not-ours", cannot)
        done = (
            "set the kill switch: nothing is rolled back or promoted automatically from now on"
            if on
            else "removed the kill switch: what fires is acted on again"
        )
        return Decision(Verdict.act, "asked-for", f"{by} {done} ({why})", action=ACTION, by=by)

    async def _recorded(self, decision: Decision) -> bool:
        """Whether every rollout's evidence has it."""
        try:
            for playbook in self.playbooks.all():
                await self.guard.store.attempts.apply(
                    playbook.rollout,
                    partial(_of, decision, playbook.rollout),
                    self.guard.clock.now(),
                )
        except StoreDown as error:
            log.warning("the kill switch cannot be recorded: %s", error)
            return False
        return True


def _of(decision: Decision, rollout: str, history: History) -> Decision:
    """The same, as one rollout's evidence has it."""
    return replace(decision, rollout=rollout, attempt=history.attempt.id if history.attempt else 0)


def _is_so(*, on: bool) -> str:
    return "the kill switch is set already" if on else "the kill switch is not set"


def _refused(by: str, reason: str, text: str) -> Decision:
    return Decision(Verdict.refuse, reason, text, action=ACTION, by=by)


def _but_unrecorded(decision: Decision) -> Decision:
    return replace(decision, text=f"{decision.text}; the store takes no writes, and it is not recorded")
