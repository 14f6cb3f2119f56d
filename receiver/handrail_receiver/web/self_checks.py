"""The receiver's dependencies, asked now → whether the guard works, check by check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from handrail_receiver.access.authorization import Authenticator
from handrail_receiver.errors import TargetError
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import Conditions
from handrail_receiver.outside.prometheus import NoPrometheus, Queryable
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store.probe import StoreProbe
from handrail_receiver.view_models.summary import Tone
from handrail_receiver.words.times import span

ANSWER_WITHIN = 2.0
MANY_WAIT = 100


@dataclass(frozen=True)
class Check:
    """One check: its state in a few words, and what to do about it (empty: nothing)."""

    name: str
    tone: Tone
    text: str
    cure: str = ""


@dataclass(frozen=True)
class SelfChecks:
    """Checks everything the guard needs. A page waits at most ANSWER_WITHIN for each."""

    conditions: Callable[[], Conditions]
    metrics: Metrics
    prometheus: Queryable
    alertmanagers: tuple[str, ...]
    problems: Mapping[str, str]
    elsewhere: Callable[[], str]
    playbooks: Playbooks
    probe: StoreProbe
    tokens: Authenticator
    kill_switch: Callable[[], str]
    untold: Mapping[str, str]

    async def checks(self, prometheus_said: str | None = None) -> list[Check]:
        """Every check; first those without which nothing is rolled back.

        `prometheus_said` is the result of a question that the page has asked already: empty when it was answered, else
        why not; None: nobody has asked.
        """
        now = self.conditions()
        prometheus, _ = await asyncio.gather(self._prometheus(prometheus_said), self.probe.beat())
        return [
            self._kill_switch(now),
            self._heartbeat(now),
            self._store(),
            prometheus,
            self._alertmanager(),
            *self._untold(),
            *self._playbooks(),
            *self._tokens(),
            *self._ignored(now),
        ]

    def _kill_switch(self, now: Conditions) -> Check:
        if unclear := self.kill_switch():
            return Check("Kill switch", "bad", unclear, "People must act until it can be seen again.")
        if now.stopped:
            text = "set: nothing is rolled back automatically"
            cure = 'People must act. "handrail kill-switch off" lets the guard act again, and so does removing its file.'
            return Check("Kill switch", "bad", text, cure)
        return Check("Kill switch", "good", "not set")

    def _heartbeat(self, now: Conditions) -> Check:
        age = span(timedelta(seconds=self.metrics.heartbeat_age(now.now)))
        if now.blind:
            cure = "The guard is blind: look at Prometheus, Alertmanager and the network between; watch the dashboard yourself."
            return Check("Heartbeat", "bad", now.blind, cure)
        if not self.metrics.heard:
            return Check("Heartbeat", "wait", f"none yet, {age} after the start")
        return Check("Heartbeat", "good", f"{age} ago")

    def _store(self) -> Check:
        if self.probe.problem:
            cure = "Nothing is decided until it takes writes: see to its disk or server."
            return Check("Store", "bad", self.probe.problem, cure)
        if self.probe.stuck:
            return Check(
                "Store", "bad", self.probe.stuck, "Alerts are kept and not acted on: people must act."
            )
        if self.probe.waiting >= MANY_WAIT:
            return Check("Store", "wait", f"takes writes; {self.probe.waiting} deliveries wait")
        return Check("Store", "good", "takes writes")

    async def _prometheus(self, said: str | None) -> Check:
        if isinstance(self.prometheus, NoPrometheus):
            return Check("Prometheus", "wait", "not set: nothing can be confirmed or proved")
        problem = await self._asked() if said is None else said
        if problem:
            return Check("Prometheus", "bad", problem, "No rollback can be proved.")
        return Check("Prometheus", "good", "answers")

    async def _asked(self) -> str:
        """Why Prometheus does not answer; empty if it does."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self.prometheus.values("vector(1)")
        except TimeoutError:
            return f"no answer within {ANSWER_WITHIN:g} s"
        except TargetError as error:
            return str(error)
        return ""

    def _alertmanager(self) -> Check:
        if not self.alertmanagers:
            return Check(
                "Alertmanager", "wait", "not set: what fires while the receiver is away may be missed"
            )
        silent = [self.problems[url] for url in self.alertmanagers if url in self.problems]
        if silent:
            return Check("Alertmanager", "bad", "; ".join(silent), "Alerts may not arrive.")
        if elsewhere := self.elsewhere():
            return Check("Alertmanager", "wait", elsewhere, "What it does not send here is not acted on.")
        return Check("Alertmanager", "good", "answered when last asked")

    def _untold(self) -> list[Check]:
        cure = "It is tried again, and after a few tries others are told in its place: fix the channel."
        return [Check(f"Messages to {name}", "bad", why, cure) for name, why in sorted(self.untold.items())]

    def _playbooks(self) -> list[Check]:
        cure = "The version before it, if there was one, stays in force."
        gone = "Generate it again, or close its attempt with `handrail rollout abandon`."
        return [
            *(Check("Playbook", "wait", problem, cure) for problem in self.playbooks.problems),
            *(
                Check(
                    "Playbook", "wait", f"{name}'s playbook is gone; its attempt follows its own copy", gone
                )
                for name in self.playbooks.gone
            ),
        ]

    def _tokens(self) -> list[Check]:
        cure = "Its other lines count; fix it, and it counts within a second."
        return [Check("Tokens", "wait", problem, cure) for problem in self.tokens.problems]

    def _ignored(self, now: Conditions) -> list[Check]:
        cure = "Correct the routes or the rules that send it here; it does nothing."
        ignored = self.metrics.ignored(now.now)
        return [
            Check("Alerts", "wait", f"ignored ({reason}): {text}", cure) for reason, text in ignored.items()
        ]
