"""A declared rollout → what is checked while a stage lasts: checks, probes, load bursts, and the questions of a gate."""

from __future__ import annotations

from collections.abc import Iterator

from handrail import contract
from handrail.declare.checks import Check, LoadBurst, Probe
from handrail.declare.rollout import Rollout, Stage
from handrail.lower.rollout_context import RolloutContext
from handrail.units import amount, duration


def lower_checks(rollout: Rollout, context: RolloutContext) -> tuple[contract.CheckFacts, ...]:
    """The checks of every stage, then those of each one."""
    own = [(stage.name, written) for stage in rollout.stages for written in stage.checks]
    every = [(None, written) for written in rollout.checks]
    return tuple(_check(stage, written, context) for stage, written in (*every, *own))


def _check(stage: str | None, written: str | Check, context: RolloutContext) -> contract.CheckFacts:
    asked = Check(written) if isinstance(written, str) else written
    return contract.CheckFacts(
        at=context.scale.duration(asked.at).total_seconds(),
        name=asked.name or "",
        stage=stage,
        questions=tuple(asked.questions),
        tell=tuple(asked.tell),
    )


def lower_checklist(rollout: Rollout, left: Stage, context: RolloutContext) -> tuple[contract.Question, ...]:
    """The questions of the checks in a stage, which the gate out of it asks: its own, and those of every stage that
    come in its time.
    """
    own = (*_within(rollout, left), *left.checks)
    checks = sorted((_check(left.name, one, context) for one in own), key=lambda one: one.at)
    return tuple(
        contract.Question(text=f"{check.label}: {question}", at=check.at)
        for check in checks
        for question in check.questions
    )


def _within(rollout: Rollout, stage: Stage) -> Iterator[str | Check]:
    takes = duration(stage.warm_up or "0s") + duration(stage.bake or "0s")
    for one in rollout.checks:
        if duration(one if isinstance(one, str) else one.at) <= takes:
            yield one


def lower_probe(probe: Probe, context: RolloutContext) -> contract.ProbeFacts:
    """The probe with its whole address."""
    return contract.ProbeFacts(
        name=probe.name,
        url=context.address_of(probe.url),
        expect=probe.expect,
        values=dict(probe.json),
        contains=probe.contains,
        within=duration(probe.within).total_seconds(),
        token=probe.token,
        token_header=probe.token_header,
        token_scheme=probe.token_scheme,
    )


def lower_bursts(rollout: Rollout, context: RolloutContext) -> tuple[contract.BurstFacts, ...]:
    """The load bursts of every stage, with their whole addresses."""
    return tuple(_burst(stage.name, burst, context) for stage in rollout.stages for burst in stage.bursts)


def _burst(stage: str, burst: LoadBurst, context: RolloutContext) -> contract.BurstFacts:
    return contract.BurstFacts(
        at=context.scale.duration(burst.at).total_seconds(),
        name=burst.name or "",
        stage=stage,
        method=burst.method,
        url=context.address_of(burst.url),
        requests=burst.requests,
        users=min(burst.users, burst.requests),
        bodies=tuple(dict(body) for body in burst.bodies),
        pause=duration(burst.pause).total_seconds(),
        timeout=duration(burst.timeout).total_seconds(),
        within=duration(burst.within).total_seconds(),
        expect=burst.expect,
        failed=float(amount(burst.at_most_failed).value),
        tokens=burst.tokens,
    )
