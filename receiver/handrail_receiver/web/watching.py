"""Prometheus, asked once for a page → the state of all guardrails, or that it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from handrail.contract import Criterion, Playbook, names

from handrail_receiver.errors import Permanent, TargetError
from handrail_receiver.gates.criteria import Answers, AskedBeside
from handrail_receiver.gates.gate import GateStatus, next_gate
from handrail_receiver.model import History
from handrail_receiver.operations.call import NO_INPUTS
from handrail_receiver.operations.handler import CallHandler
from handrail_receiver.outside.prometheus import Queryable, Sample
from handrail_receiver.outside.prometheus_history import Recorded, Series, Span
from handrail_receiver.view_models.guardrail_plots import RangeSamples, Window, range_question
from handrail_receiver.view_models.guardrails import Watched, question, unknown, watched
from handrail_receiver.view_models.reference_figures import past_questions
from handrail_receiver.view_models.traffic_settings import read_back

ANSWER_WITHIN = 2.0
"""How many seconds a page waits for Prometheus."""
WHAT_FIRES = (
    f'count by ({names.ROLLOUT}, {names.ENVIRONMENT}, {names.GUARDRAIL}, {names.TIER}) (ALERTS{{alertstate="firing",'
    f'{names.ROLLOUT}!="",{names.MODE}!="{names.SHADOW}",{names.LEVEL}="",{names.GUARDRAIL}!~"|{names.HEARTBEAT}"}})'
)
T = TypeVar("T")


@dataclass(frozen=True)
class Fires:
    """What fires now, as guardrail/tier, by rollout; None: Prometheus did not answer, and `problem` says why."""

    by_rollout: Mapping[str, Sequence[str]] | None
    problem: str = ""


@dataclass(frozen=True)
class Watching:
    """Asks on behalf of pages, which wait at most ANSWER_WITHIN for each answer."""

    prometheus: Queryable
    recorded: Recorded

    async def fires(self, playbooks: Mapping[str, Playbook]) -> Fires:
        """What fires of all rollouts: one question."""
        try:
            samples = await _in_time(self.prometheus.samples(WHAT_FIRES))
        except TargetError as error:
            return Fires(None, str(error))
        except TimeoutError:
            return Fires(None, f"no answer within {ANSWER_WITHIN:g} s")
        by_rollout: dict[str, list[str]] = {}
        for sample in samples:
            playbook = playbooks.get(sample.labels.get(names.ROLLOUT, ""))
            if playbook is None:
                continue
            ours = playbook.environment
            if not ours or sample.labels.get(names.ENVIRONMENT, ours) == ours:
                source = f"{sample.labels.get(names.GUARDRAIL)}/{sample.labels.get(names.TIER)}"
                by_rollout.setdefault(playbook.rollout, []).append(source)
        return Fires({rollout: sorted(set(sources)) for rollout, sources in by_rollout.items()})

    async def with_gate(
        self, calls: CallHandler, playbook: Playbook, history: History, at: datetime
    ) -> tuple[GateStatus | None, Watched]:
        """The gate ahead and all guardrails of a rollout now: one question."""
        ahead = next_gate(playbook, history, NO_INPUTS, at)
        beside = (
            calls.criteria.beside(ahead.gate.criteria, ahead.baked_since)
            if ahead and not ahead.bakes
            else None
        )
        figures = asyncio.create_task(self.now(playbook, history, at, beside))

        async def ask(criteria: Sequence[Criterion], since: datetime | None) -> Answers:
            if beside is None or beside.key != (tuple(criteria), since):
                return await calls.criteria.recent(criteria, since)
            await figures
            return await beside.answers()

        return await asyncio.gather(calls.gate(playbook, history, ask=ask), figures)

    async def now(
        self, playbook: Playbook, history: History, at: datetime, beside: AskedBeside | None = None
    ) -> Watched:
        """All guardrails of a rollout now: one question, which also asks for the criteria of a gate."""
        try:
            samples = await _in_time(self._now(playbook, beside))
        except TargetError as error:
            if beside is not None:
                beside.failed(error)
            return _with_settings(unknown(playbook, history.attempt, history.captured, str(error)), history)
        except TimeoutError:
            if beside is not None:
                beside.late()
            why = f"no answer within {ANSWER_WITHIN:g} s"
            return _with_settings(unknown(playbook, history.attempt, history.captured, why), history)
        finally:
            if beside is not None:
                beside.done()
        pairs = [(sample.labels, sample.value) for sample in samples]
        known = watched(playbook, history.attempt, history.captured, pairs, at.timestamp())
        return _with_settings(known, history)

    async def _now(self, playbook: Playbook, beside: AskedBeside | None) -> Sequence[Sample]:
        """If a past value or a criterion cannot be computed, it is left out; the recorded values are shown all the
        same.
        """
        if beside is not None:
            with suppress(Permanent):
                samples = await self.prometheus.samples(f"{question(playbook)}\nor {beside.expr}")
                beside.heard(samples)
                return samples
        try:
            return await self.prometheus.samples(question(playbook))
        except Permanent:
            if not past_questions(playbook):
                raise
            return await self.prometheus.samples(question(playbook, past=False))

    async def _over(self, playbook: Playbook, span: Span) -> Sequence[Series]:
        """The same over a span."""
        try:
            return await self.recorded.series(range_question(playbook, past=True), span)
        except Permanent:
            if not past_questions(playbook):
                raise
            return await self.recorded.series(range_question(playbook), span)

    async def over(self, playbook: Playbook, window: Window) -> RangeSamples | None:
        """The same over a span: one question; None: no answer."""
        span = Span(window.start, window.end, window.step)
        try:
            series = await _in_time(self._over(playbook, span))
        except (TargetError, TimeoutError):
            return None
        return [(one.labels, [(at, float(value)) for at, value in one.points]) for one in series]


async def _in_time(answer: Awaitable[T]) -> T:
    async with asyncio.timeout(ANSWER_WITHIN):
        return await answer


def _with_settings(known: Watched, history: History) -> Watched:
    """If the traffic cannot be counted, the page shows what the targets were set to, named as such."""
    settings = read_back(history.runs)
    if known.traffic.counted or not settings:
        return known
    traffic = replace(known.traffic, text=f"{known.traffic.text}; {settings}")
    return replace(known, traffic=traffic)
