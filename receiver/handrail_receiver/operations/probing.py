"""The declared probes of attempts that go forward → people are told when one fails, and when it answers again.

The receiver tells them itself, because it sends the probes: a rule on its metric would know later, and nothing while
the receiver is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from handrail.contract import Playbook

from handrail_receiver.attempt_states.state_machine import may
from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.errors import UNREADABLE, StoreDown
from handrail_receiver.guard import Guard, with_tells
from handrail_receiver.model import HANDRAIL, Attempt, Conditions, Decision, Heard, History, Verdict, in_force
from handrail_receiver.model.probe_names import probe_source
from handrail_receiver.model.warm_up import warms_up_until
from handrail_receiver.outside.probes import ProbeAnswer, Probes
from handrail_receiver.playbooks import Playbooks

log = logging.getLogger("handrail")
EVERY = 10.0
IN_A_ROW = 2
"""How often a probe has to fail, one time after the other, until people are told."""
NOTHING = Decision(Verdict.repeat, "not-now", "nothing is to be said of a probe any more")


def probed(playbook: Playbook, history: History, answer: ProbeAnswer, now: Conditions) -> Decision | None:
    """What follows from what a probe found, once it is sure; None where nothing new does. Pure."""
    attempt, series = history.attempt, f"probe {answer.name}"
    if attempt is None or not may(state_of(history), "probed", "receiver"):
        return None
    fails, known = answer.verdict != "ok", bool(history.heard(series))
    until = warms_up_until(playbook, attempt, now.now)
    if fails == known or (fails and until is not None and now.now < until):
        return None
    if not fails:
        text = f"probe {answer.name} answers as it should again"
    elif answer.verdict == "failed":
        text = f"probe {answer.name} fails: {answer.text}"
    else:
        text = f"it is unknown whether probe {answer.name} fails: {answer.text}"
    return Decision(
        Verdict.tell if fails else Verdict.note,
        "probe-failed" if fails else "probe-answers",
        text,
        rollout=playbook.rollout,
        action="investigate",
        by=HANDRAIL,
        attempt=attempt.id,
        changes=(Heard(series, probe_source(answer.name), fails),),
    )


def _decided(playbook: Playbook, answer: ProbeAnswer, now: Conditions, history: History) -> Decision:
    """The same, of what is kept now, with who is to be told."""
    return with_tells(probed(playbook, history, answer, now) or NOTHING, playbook)


@dataclass
class ProbeWatch:
    """Asks them every few seconds. `results` is what each found last, while its attempt goes forward."""

    guard: Guard
    playbooks: Playbooks
    probes: Probes
    results: dict[tuple[str, str], ProbeAnswer] = field(default_factory=dict)
    _failed: dict[tuple[str, str], int] = field(default_factory=dict)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            try:
                await self.step()
            except StoreDown as error:
                log.warning("nobody can be told of probes: %s", error)
            await asyncio.sleep(EVERY)

    async def step(self) -> None:
        """Ask those of each attempt that goes forward once."""
        asked = await asyncio.gather(*map(self._look, await self.guard.store.attempts.current()))
        self.results = {key: answer for one in asked for key, answer in one.items()}

    async def _look(self, attempt: Attempt) -> Mapping[tuple[str, str], ProbeAnswer]:
        newest = self.playbooks.get(attempt.rollout)
        playbook = in_force(attempt, newest) if newest else attempt.playbook
        if playbook is None or not playbook.probes or not attempt.live:
            return {}
        answers: Mapping[str, ProbeAnswer] = {}
        try:
            answers = await self.probes.ask(playbook.probes)
            for one in answers.values():
                await self._tell(playbook, one)
        except StoreDown as error:
            log.warning("nobody can be told of probes of %s: %s", attempt.rollout, error)
        except UNREADABLE as error:
            log.warning("the attempt of %s cannot be read: %s", attempt.rollout, " ".join(str(error).split()))
        except Exception:
            log.exception("a fault while probes of %s are asked; the others go on", attempt.rollout)
        return {(playbook.rollout, name): one for name, one in answers.items()}

    async def _tell(self, playbook: Playbook, answer: ProbeAnswer) -> None:
        key = playbook.rollout, answer.name
        self._failed[key] = 0 if answer.verdict == "ok" else self._failed.get(key, 0) + 1
        if 0 < self._failed[key] < IN_A_ROW:
            return
        now = self.guard.conditions()
        history = await self.guard.store.attempts.history(playbook.rollout, now.now)
        if probed(playbook, history, answer, now) is not None:
            await self.guard.apply(playbook.rollout, partial(_decided, playbook, answer, now))
