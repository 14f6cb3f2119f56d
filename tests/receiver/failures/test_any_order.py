"""Any order of alerts, resolves, calls, failures and restarts: what must hold whatever happens."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import stamina
from guarded import NOW, ROLLOUT, alert, body, new_store, playbook, write_playbook
from handrail.contract import Approval, Gate, HAProxyWeight, Step, names
from handrail_receiver.errors import Cause, Retryable
from handrail_receiver.execute.executor import Executor
from handrail_receiver.execute.rates import Rates
from handrail_receiver.gates.approvals import GateAnswer
from handrail_receiver.gates.gate import Approver, GateInputs
from handrail_receiver.guard import Guard
from handrail_receiver.metrics import Metrics
from handrail_receiver.model import OPEN, WORKED, Attempt, AttemptState, Conditions, History, Received, Run
from handrail_receiver.operations.call import Call
from handrail_receiver.operations.call_decision import decide_call
from handrail_receiver.outside.prometheus import NoPrometheus
from handrail_receiver.playbooks import Playbooks
from handrail_receiver.store import Store, open_store
from handrail_receiver.store.chain import first_broken
from handrail_receiver.targets.fake import FakeTarget
from handrail_receiver.telling.render import template_problem
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

T = TypeVar("T")
TOKEN = Approver("the lead's")
FOUND = GateInputs(approvers=frozenset({TOKEN}))
GATE = Gate(
    into="50%",
    manual=("Is it quiet?",),
    approvals=(Approval(role="lead", valid_for=600, four_eyes=True),),
)


@dataclass
class Clock:
    """A clock that a test moves."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class Receiver:
    """Store, guard and a fake target, without HTTP."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    target: FakeTarget = field(default_factory=FakeTarget)
    broken: bool = False
    lives: int = 0

    def __post_init__(self) -> None:
        new_store(self.folder / "handrail.db")

    def started(self) -> tuple[Store, Guard]:
        """A new process on the same store."""
        self.lives += 1
        self.target.trouble = self._trouble
        store = open_store(f"sqlite:{self.folder / 'handrail.db'}", 1000)
        store.engine.start()
        books = Playbooks(self.folder / "playbook", template_problem)
        books.refresh()
        kinds = {"haproxy-weight": self.target}
        rates = Rates(self.clock, 10_000)
        executor = Executor(
            kinds,
            store.runs,
            NoPrometheus(),
            self.clock,
            rates,
            str,
            books.people,
            lambda: False,
            store.fence,
            lambda _: None,
        )
        guard = Guard(
            store=store,
            playbooks=books,
            executor=executor,
            clock=self.clock,
            metrics=Metrics(NOW),
            conditions=lambda: Conditions(self.clock.now()),
            owner=str(self.lives),
            lease=15,
        )
        return store, guard

    def _trouble(self, call: str, _step: Step) -> None:
        if self.broken and call == "act":
            raise Retryable(Cause.unreachable, "it is not there")


class Machine(RuleBasedStateMachine):
    """Rules are what may happen; invariants are what must hold after each."""

    def __init__(self) -> None:
        super().__init__()
        stamina.set_testing(True, attempts=3)  # a target that is broken is tried again without a pause
        self.runner = asyncio.Runner()
        self.place = tempfile.TemporaryDirectory()
        self.book = playbook(budget_per_day=1000, steps=[step_of(0), step_of(100)], gates=(GATE,))
        write_playbook(Path(self.place.name) / "playbook", self.book)
        self.receiver = Receiver(Path(self.place.name))
        self.store, self.guard = self.receiver.started()

    def go(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _settled(self) -> None:
        """Decide and carry out until nothing is under way."""
        await self.guard.step()
        while self.guard.scheduler.busy:
            ended = asyncio.ensure_future(self.guard.scheduler.all_ended())
            while not (await asyncio.wait({ended}, timeout=0.02))[0]:
                self.receiver.clock.time += timedelta(seconds=1)  # what settles or proves waits for its time
            await self.guard.step()

    @rule(
        tier=st.sampled_from(["warning", "critical", "emergency", "blind"]),
        status=st.sampled_from(["firing", "resolved"]),
        again=st.integers(1, 3),
    )
    def an_alert_is_delivered(self, tier: str, status: str, again: int) -> None:
        content = body(alert("error-rate", tier, status=status, starts_at=self.receiver.clock.now()))

        async def deliver() -> None:
            for _ in range(again):
                await self.store.inbox.put(Received(self.receiver.clock.now(), "am", content))
            await self._settled()

        self.go(deliver())

    @rule(verb=st.sampled_from(["start", "promote", "hold", "resume", "rollback"]), anyway=st.booleans())
    def a_person_calls(self, verb: str, anyway: bool) -> None:
        self._call(Call(verb, "alice", "why not" if anyway else "", anyway, gate_inputs=FOUND))

    @rule(
        verb=st.sampled_from(["check", "approve"]),
        by=st.sampled_from(["alice", "bob", "carol"]),
        passed=st.sampled_from([True, True, False]),
    )
    def a_person_speaks_at_the_gate(self, verb: str, by: str, passed: bool) -> None:
        self._call(Call(verb, by, gate_inputs=FOUND, word=GateAnswer(passed=passed, token=TOKEN)))

    def _call(self, asked: Call) -> None:
        now = self.guard.conditions()

        async def call() -> None:
            await self.guard.apply(ROLLOUT, lambda history: decide_call(asked, self.book, history, now))
            await self._settled()

        self.go(call())

    @rule(seconds=st.sampled_from([1, 60, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.receiver.clock.time += timedelta(seconds=seconds)
        self.go(self._settled())

    @rule()
    def the_target_breaks_or_is_mended(self) -> None:
        self.receiver.broken = not self.receiver.broken

    @rule()
    def the_receiver_is_started_anew(self) -> None:
        self.go(self.store.engine.close())
        self.store, self.guard = self.receiver.started()
        self.go(self._settled())

    @precondition(lambda self: not self.receiver.broken)
    @rule()
    def a_rollback_that_is_asked_for_is_done(self) -> None:
        self.a_person_calls("rollback", anyway=True)
        attempt = self._attempt()
        assert attempt is not None
        assert attempt.state in {AttemptState.rolled_back, AttemptState.rolling_back}
        assert any(run.action in names.ACTING and run.state in WORKED for run in self._runs())

    @invariant()
    def nothing_stays_open(self) -> None:
        assert [run for run in self._runs() if run.state in OPEN] == []

    @invariant()
    def no_action_is_done_twice_by_itself_in_an_attempt(self) -> None:
        worked = [
            (run.action, run.key)
            for run in self._runs()
            if run.state in WORKED and run.action in names.ACTING and run.asked_by == "alert"
        ]
        assert len(worked) == len(set(worked))

    @invariant()
    def a_rolled_back_attempt_has_a_rollback_that_worked(self) -> None:
        attempt = self._attempt()
        if attempt is not None and attempt.state == AttemptState.rolled_back:
            assert any(run.action in names.ACTING and run.state in WORKED for run in self._runs())

    @invariant()
    def nobody_is_behind_a_gate_that_nobody_else_approved(self) -> None:
        history = self._history()
        attempt = history.attempt
        if attempt is not None and attempt.live and attempt.stage != "10%":
            by = [one.by for one in history.approved if one.number == attempt.number]
            assert by
            assert "alice" not in by

    @invariant()
    def the_evidence_is_whole(self) -> None:
        assert first_broken(self.go(self.store.evidence.read(ROLLOUT))) is None

    @invariant()
    def every_delivery_is_decided(self) -> None:
        assert self.go(self.store.inbox.waiting()) == 0

    def _history(self) -> History:
        return self.go(self.store.attempts.history(ROLLOUT, self.receiver.clock.now()))

    def _runs(self) -> tuple[Run, ...]:
        return self._history().runs

    def _attempt(self) -> Attempt | None:
        return self._history().attempt

    def teardown(self) -> None:
        stamina.set_testing(False)
        self.go(self.store.engine.close())
        self.runner.close()
        self.place.cleanup()


def step_of(weight: int) -> Step:
    return HAProxyWeight("web/canary" if weight == 0 else "web/stable", weight, ["unix:x"])


class Longer(Machine):
    """The same, tried ten times as often."""


Machine.TestCase.settings = settings(max_examples=15, stateful_step_count=20, database=None)
Longer.TestCase.settings = settings(max_examples=150, stateful_step_count=20, database=None)
TestWhateverHappens = Machine.TestCase
TestWhateverHappensOften = pytest.mark.long(Longer.TestCase)
