"""A playbook, checked with Prometheus before a start or a promotion → what is against it, and what fires already.

Prometheus must answer, must have the rules that were generated with the playbook, and must have seen the metrics that
they read. A playbook that does not know its rules (of an older version, or made by hand) needs no Prometheus; and if
it cannot be known whether Prometheus has its alerts, missing data is accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handrail.contract import GivenArms, Playbook, names

from handrail_receiver.errors import TargetError
from handrail_receiver.gates.gate import NOT_ASKED_WHAT_FIRES, FiringTiers
from handrail_receiver.model import of_other_version
from handrail_receiver.outside.prometheus import NoPrometheus, PartialData, Queryable, Sample

AT_ONCE = 4
LATELY = "1d"
"""How far back a metric may have been seen last."""

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Preflight:
    """What stands against going on, a line each; `causes` say the same in words that stay while numbers change.

    `alerts` are the labels of all that fires, `fires` the same for a gate. `answered` False: Prometheus could not be
    asked.
    """

    problems: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    alerts: tuple[Labels, ...] = ()
    fires: FiringTiers = NOT_ASKED_WHAT_FIRES
    answered: bool = True

    def asked(self, at: datetime) -> Preflight:
        """The same, with the instant before which Prometheus was not asked."""
        return replace(self, fires=replace(self.fires, at=at))


async def preflight(prometheus: Queryable, playbook: Playbook) -> Preflight:
    """Ask all of it."""
    if isinstance(prometheus, NoPrometheus) and not playbook.rules_digest:
        return Preflight()
    try:
        loaded = await _loaded(prometheus, playbook)
        shared = await _of_other_environments(prometheus, playbook)
        alerts = await firing(prometheus, playbook)
        unseen = (*await _unseen(prometheus, playbook), *await _no_stable_version(prometheus, playbook))
    except TargetError as error:
        if isinstance(error, PartialData) and not playbook.rules_digest:
            return Preflight()
        why = f"Prometheus does not answer: {error}"
        return Preflight((why,), (f"Prometheus: {error.cause}",), answered=False)
    old = _other_age(loaded, playbook)
    fires = FiringTiers(
        tuple(sorted(set(map(_source, alerts)))), sure=bool(playbook.rules_digest) and not old
    )
    return Preflight(
        (*old, *shared, *unseen), (*(["rules"] if old else []), *shared, *unseen), tuple(alerts), fires
    )


async def _loaded(prometheus: Queryable, playbook: Playbook) -> set[str]:
    """The digests of the rollout's rules that Prometheus has loaded."""
    if not playbook.rules_digest:
        return set()
    samples = await prometheus.samples(f"{names.RULES_INFO}{{{_ours(playbook)}}}")
    return {sample.labels.get(names.DIGEST, "") for sample in samples}


async def _of_other_environments(prometheus: Queryable, playbook: Playbook) -> tuple[str, ...]:
    """A line if Prometheus also has the rollout's rules of other environments: their recorded series have the same
    labels.
    """
    if not playbook.rules_digest or not playbook.environment:
        return ()
    ours = f'{names.ROLLOUT}="{playbook.rollout}"'
    samples = await prometheus.samples(
        f'{names.RULES_INFO}{{{ours},{names.ENVIRONMENT}!~"|{playbook.environment}"}}'
    )
    others = sorted({sample.labels.get(names.ENVIRONMENT, "") for sample in samples})
    if not others:
        return ()
    text = f"Prometheus has rules of {playbook.rollout} for {', '.join(others)} too, and they record the same series"
    return (
        f"{text}: their values cannot be told apart; let each Prometheus have the rules of one environment",
    )


def _other_age(loaded: set[str], playbook: Playbook) -> list[str]:
    if not playbook.rules_digest or loaded == {playbook.rules_digest}:
        return []
    if not loaded:
        return [f"Prometheus has no rules of {playbook.rollout}; load {names.rules_file(playbook.rollout)}"]
    text = f"the rules that Prometheus has loaded ({', '.join(sorted(loaded))}) and the playbook"
    return [
        f"{text} ({playbook.rules_digest}) are of different versions; load both from one `handrail generate`"
    ]


async def firing(prometheus: Queryable, playbook: Playbook) -> list[Labels]:
    """The labels of all that fires; what only watches, what an alert has escalated to, what says that there is too little to
    judge, and other versions' are left out.
    """
    other = f'{names.MODE}!="{names.SHADOW}",{names.LEVEL}="",{names.GUARDRAIL}!~"|{names.HEARTBEAT}",{names.TIER}!~"{names.PROMOTE}|{names.THIN}"'
    samples = await prometheus.samples(f'ALERTS{{alertstate="firing",{_ours(playbook)},{other}}}')
    alerts = [_labels(sample) for sample in samples if sample.labels.get(names.GUARDRAIL)]
    return [labels for labels in alerts if not of_other_version(labels, playbook)]


def _labels(sample: Sample) -> Labels:
    return {name: value for name, value in sample.labels.items() if name not in {"__name__", "alertstate"}}


def _source(labels: Labels) -> str:
    return f"{labels.get(names.GUARDRAIL)}/{labels.get(names.TIER)}"


def _ours(playbook: Playbook) -> str:
    ours = f'{names.ROLLOUT}="{playbook.rollout}"'
    return f'{ours},{names.ENVIRONMENT}="{playbook.environment}"' if playbook.environment else ours


async def _unseen(prometheus: Queryable, playbook: Playbook) -> tuple[str, ...]:
    """A line for each guardrail of which a metric has never been seen."""
    few = asyncio.Semaphore(AT_ONCE)

    async def seen(any_of: Sequence[str]) -> bool:
        async with few:
            return await _seen(prometheus, any_of)

    needed = dict.fromkeys(any_of for _, any_of in _needs(playbook))
    there = dict(zip(needed, await asyncio.gather(*map(seen, needed)), strict=True))
    return tuple(
        f"{guardrail}: {' or '.join(any_of)} has not been seen within {LATELY}: nothing can be judged by it"
        for guardrail, any_of in _needs(playbook)
        if not there[any_of]
    )


async def _no_stable_version(prometheus: Queryable, playbook: Playbook) -> tuple[str, ...]:
    """A line where no series has the version that was given as the stable one; the canary's may come later."""
    arms = playbook.arms
    if not isinstance(arms, GivenArms):
        return ()
    wanted = f"{arms.label}={arms.quoted(arms.stable)}"
    series = tuple(dict.fromkeys(one for _, any_of in _needs(playbook) for one in any_of if wanted in one))
    if not series or await _seen(prometheus, series):
        return ()
    text = f"no series with {wanted} has been seen within {LATELY}"
    return (f"{text}: give the version that runs as --stable, or correct what the series are labelled with",)


async def traffic_of(prometheus: Queryable, arms: GivenArms) -> tuple[str, ...]:
    """What each version has of the traffic now, in words: of two that were swapped, a person sees it."""
    try:
        return tuple([_per_second(await prometheus.values(expr)) for expr in arms.traffic])
    except TargetError:
        return tuple("unknown" for _ in arms.traffic)


def _per_second(values: Sequence[float]) -> str:
    return f"{values[0]:.3g} events/s" if values else "no events yet"


def _needs(playbook: Playbook) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What each guardrail needs that is in force."""
    for guardrail in playbook.guardrails:
        if not all(tier.shadow for tier in guardrail.tiers):
            yield from ((guardrail.name, any_of) for any_of in guardrail.needs)


async def _seen(prometheus: Queryable, any_of: Sequence[str]) -> bool:
    """Whether one of the series is there, or was: that reads more, and is asked only where none is there now."""
    queries = [f"count({series})" for series in any_of]
    queries += [f"count(last_over_time({series}[{LATELY}]))" for series in any_of]
    for expr in queries:
        if await prometheus.values(expr):
            return True
    return False
