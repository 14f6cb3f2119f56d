"""A playbook and an instant → a snapshot, with a limited number of queries to Prometheus.

Four for the rollout (which rules are loaded, what fires, how the traffic is split, which instances of its jobs are
up), one for each guardrail (all its tiers together), and three for each criterion of a gate at which it was decided.
What cannot be obtained is noted in the snapshot, and never counts as "fine".
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handrail.contract import Criterion, GuardrailFacts, Playbook, RuleFacts, TierFacts, names, rules_digest

from handrail_receiver.errors import Permanent, TargetError
from handrail_receiver.evidence.rollout_queries import instances_of, kept, kept_series, split_of
from handrail_receiver.evidence.snapshot import (
    CriterionSeen,
    KeptSeries,
    RulesSeen,
    Snapshot,
    TierSeen,
    Verdict,
    playbook_digest,
)
from handrail_receiver.evidence.verdicts import (
    criterion_verdict,
    firing,
    newest,
    verdict_of,
    with_figures,
)
from handrail_receiver.outside.prometheus_history import LoadedRules, Recorded, Span
from handrail_receiver.view_models.reference_figures import past_asked

AT_ONCE = 4
POINTS = 60
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=6)
BEFORE_AND_AFTER = timedelta(minutes=5)
SHORTEST_STEP, MOST_POINTS = 5, 500
"""How far apart, in seconds, samples of a criterion are kept where its rules are not evaluated more often, and how many
samples of anything at most.
"""
OVER_TIME = re.compile(r"count_over_time\(\((?P<what>.*)\)\[[^\[\]:]+:[^\[\]:]*\]\)", re.DOTALL)
NOT_GENERATED = "the loaded rules are not those generated"


@dataclass(frozen=True)
class SnapshotSubject:
    """What a snapshot is taken of: which attempt and stage, for whom and for which decisions, and when.

    `guardrails` are those that are looked at; empty: all. `gates` has the time of the decision at the gate into a
    stage: the criteria are those of that time, whatever was decided since. `baked` has since when the stage before each
    had baked, where all events since then are counted.
    """

    attempt: int
    stage: str
    at: datetime
    end: datetime
    by: str = ""
    why: str = ""
    of: tuple[int, ...] = ()
    guardrails: frozenset[str] = frozenset()
    artifact: str = ""
    gates: Mapping[str, datetime] = field(default_factory=dict)
    baked: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class GuardrailSeen:
    """Its tiers, and what their queries read."""

    tiers: tuple[TierSeen, ...]
    measures: tuple[KeptSeries, ...]


async def snapshot(recorded: Recorded, playbook: Playbook, moment: SnapshotSubject) -> Snapshot:
    """Ask all of it."""
    missing: list[str] = []
    looked_at = [one for one in playbook.guardrails if not moment.guardrails or one.name in moment.guardrails]
    rules, loaded, every = await _rules(recorded, playbook, missing)
    span = _span(moment.end, looked_at, loaded, every)
    alerts = await kept_series(recorded, _alerts_of(playbook.rollout, looked_at), span, "what fires", missing)
    split = await split_of(recorded, playbook, span, missing)
    instances = await instances_of(recorded, playbook, span, missing)
    few = asyncio.Semaphore(AT_ONCE)

    async def look(guardrail: GuardrailFacts) -> GuardrailSeen:
        async with few:
            return await _guardrail(recorded, playbook, guardrail, moment.stage, loaded, span, missing)

    seen = await asyncio.gather(*map(look, looked_at))
    criteria = [
        await _criterion(
            recorded,
            gate.into,
            one,
            moment.gates[gate.into],
            every,
            missing,
            since=moment.baked.get(gate.into),
        )
        for gate in playbook.gates
        for one in gate.criteria
        if gate.into in moment.gates
    ]
    stage = next((one for one in playbook.stages if one.name == moment.stage), None)
    return Snapshot(
        rollout=playbook.rollout,
        attempt=moment.attempt,
        of=moment.of,
        by=moment.by,
        why=moment.why,
        at=moment.at,
        start=span.start,
        end=span.end,
        step=span.step.total_seconds(),
        stage=moment.stage,
        playbook=playbook_digest(playbook),
        rules=rules,
        artifact=moment.artifact,
        asked=stage.weight if stage else None,
        split=split,
        fires=None if alerts is None else firing(alerts, span.end, span.step.total_seconds()),
        tiers=tuple(tier for one in seen for tier in one.tiers),
        criteria=tuple(criteria),
        measures=(*(series for one in seen for series in one.measures), *(alerts or ()), *instances),
        missing=tuple(missing),
    )


async def _rules(
    recorded: Recorded, playbook: Playbook, missing: list[str]
) -> tuple[RulesSeen, Mapping[str, RuleFacts], float]:
    """What is loaded beside what was generated; each alert as it is loaded, by its name; and how many seconds apart the
    rules are evaluated, which is no limit where nobody knows it.
    """
    generated = playbook.rules_digest
    if not playbook.rule_groups:
        text = "the playbook does not say which rules were generated with it; generate it again"
        return RulesSeen(generated=generated, loaded=(), text=text), {}, math.inf
    try:
        files = await recorded.rules(playbook.rule_groups)
    except TargetError as error:
        missing.append(f"the loaded rules: {error}")
        return (
            RulesSeen(generated=generated, loaded=(), text="it is unknown which rules are loaded"),
            {},
            math.inf,
        )
    digests = tuple(rules_digest(file.groups) for file in files)
    text = (
        ""
        if generated in digests
        else NOT_GENERATED
        if digests
        else "Prometheus has loaded none of the rules"
    )
    return RulesSeen(generated=generated, loaded=digests, text=text), _alerts(files), _every(files)


def _alerts(files: Sequence[LoadedRules]) -> Mapping[str, RuleFacts]:
    return {rule.name: rule for file in files for group in file.groups for rule in group.rules if rule.alert}


def _every(files: Sequence[LoadedRules]) -> float:
    return min(
        (group.interval for file in files for group in file.groups if group.interval), default=math.inf
    )


def _span(
    end: datetime, looked_at: Sequence[GuardrailFacts], loaded: Mapping[str, RuleFacts], every: float
) -> Span:
    """Long enough to see each alert sustained and kept firing, and fine enough to leave out no evaluation: a limit
    that was broken in a single evaluation, and fired, is then in a sample.
    """
    rules = [loaded[tier.alertname] for one in looked_at for tier in one.tiers if tier.alertname in loaded]
    needed = max((rule.sustained + rule.keep for rule in rules), default=0.0)
    long = min(LONGEST, max(SHORTEST, timedelta(seconds=needed) + 2 * BEFORE_AND_AFTER)).total_seconds()
    finest = min(LONGEST.total_seconds(), needed) / MOST_POINTS
    step = max(finest, min(every, math.ceil(long / POINTS)))
    points = min(MOST_POINTS, math.ceil(long / step))
    return Span(end - timedelta(seconds=points * step), end, timedelta(seconds=step))


def _alerts_of(rollout: str, looked_at: Sequence[GuardrailFacts]) -> str:
    """What was pending and what fired, of all guardrails."""
    which = "|".join(re.escape(one.name).replace("\\", "\\\\") for one in looked_at)
    return f'ALERTS{{{names.ROLLOUT}="{rollout}",{names.GUARDRAIL}=~"{which}"}}'


def _question(rollout: str, guardrail: GuardrailFacts, *, past: bool) -> str:
    """The queries of all its tiers, and what they read, at once: so that both are of the same moment.

    `past`: also the figures of some time ago that its limits are relative to.
    """
    tiers = (
        f'label_replace(({tier.expr}), "{names.TIER}", "{tier.tier}", "", "")' for tier in guardrail.tiers
    )
    metrics = f"{names.VALUE}|{names.EVENTS}|{names.INFO}|{names.REFERENCE_METRIC}"
    own = f'{{__name__=~"{metrics}",{names.ROLLOUT}="{rollout}",{names.GUARDRAIL}="{guardrail.name}"}}'
    return " or ".join([*tiers, own, *(past_asked(guardrail) if past else ())])


async def _asked(
    recorded: Recorded, rollout: str, guardrail: GuardrailFacts, span: Span, missing: list[str]
) -> list[KeptSeries] | None:
    """All that is known of it. Where the past cannot be computed it is left out: that says nothing of what is recorded."""
    if past_asked(guardrail):
        with suppress(Permanent):
            return list(map(kept, await recorded.series(_question(rollout, guardrail, past=True), span)))
    return await kept_series(
        recorded, _question(rollout, guardrail, past=False), span, guardrail.name, missing
    )


async def _guardrail(
    recorded: Recorded,
    playbook: Playbook,
    guardrail: GuardrailFacts,
    stage: str,
    loaded: Mapping[str, RuleFacts],
    span: Span,
    missing: list[str],
) -> GuardrailSeen:
    known = await _asked(recorded, playbook.rollout, guardrail, span, missing)
    series = known or []
    measures = tuple(one for one in series if names.TIER not in one.labels)
    by_tier = {tier.tier: _of_tier(tier.tier, series) for tier in guardrail.tiers}
    figures = (*_figures(playbook, guardrail.name, measures, span), _unit(guardrail.name, measures))
    end, step = span.end, span.step.total_seconds()

    def judged(tier: TierFacts) -> Verdict:
        if known is None:
            return "unknown"
        verdict = verdict_of(tier.tier, by_tier[tier.tier], by_tier.get(names.BLIND, ()), end, step)
        return with_figures(verdict, tier, guardrail, playbook, stage, measures, end, step)

    tiers = (
        _seen(guardrail, tier, by_tier[tier.tier], figures, loaded.get(tier.alertname), judged(tier))
        for tier in guardrail.tiers
    )
    return GuardrailSeen(tuple(tiers), measures)


async def _criterion(
    recorded: Recorded,
    into: str,
    criterion: Criterion,
    at: datetime,
    every: float,
    missing: list[str],
    *,
    since: datetime | None = None,
) -> CriterionSeen:
    """Both of its queries at the moment of the decision, and what must not be over the time that it looks back."""
    name, then = f"{criterion.guardrail}: {criterion.text}", Span(at, at, timedelta(seconds=1))
    asked = criterion.spanning((at - since).total_seconds() if since else criterion.over or 0)
    broken = await kept_series(recorded, asked.expr, then, name, missing)
    judged = await kept_series(recorded, asked.seen, then, name, missing)
    step = timedelta(seconds=max(min(SHORTEST_STEP, every), (criterion.over or 0) / MOST_POINTS))
    inner, breaches = OVER_TIME.fullmatch(criterion.expr), []
    if inner is not None and criterion.over is not None:
        back = Span(at - timedelta(seconds=criterion.over) + step, at, step)
        breaches = await kept_series(recorded, inner["what"], back, name, missing) or []
    values = tuple(one.points[-1][1] for one in broken or () if one.points)
    shares = tuple(one.points[-1][1] for one in judged or () if one.points)
    return CriterionSeen(
        into=into,
        guardrail=criterion.guardrail,
        text=criterion.text,
        query=criterion.expr,
        seen=criterion.seen,
        verdict="unknown" if broken is None or judged is None else criterion_verdict(values, shares),
        over=criterion.over,
        step=step.total_seconds(),
        broken=values,
        judged=shares,
        breaches=tuple(breaches),
    )


def _of_tier(tier: str, series: Sequence[KeptSeries]) -> tuple[KeptSeries, ...]:
    return tuple(one for one in series if one.labels.get(names.TIER) == tier)


def _seen(
    guardrail: GuardrailFacts,
    tier: TierFacts,
    breaches: tuple[KeptSeries, ...],
    figures: tuple[str, str, str],
    rule: RuleFacts | None,
    verdict: Verdict,
) -> TierSeen:
    return TierSeen(
        guardrail=guardrail.name,
        tier=tier.tier,
        action=tier.action,
        query=tier.expr,
        limits=tuple(limit.text for limit in tier.limits),
        verdict=verdict,
        shadow=tier.shadow,
        value=figures[0],
        count=figures[1],
        unit=figures[2],
        sustained=rule.sustained if rule else 0,
        keep=rule.keep if rule else 0,
        breaches=breaches,
    )


def _figures(
    playbook: Playbook, guardrail: str, measures: Sequence[KeptSeries], span: Span
) -> tuple[str, str]:
    """The newest value of the guardrail's own measure, the worst where there are several, and its count of events."""
    step = span.step.total_seconds()
    labels = {names.GUARDRAIL: guardrail, **_judged(playbook, guardrail)}
    own = [one for one in measures if names.SIGNAL not in one.labels]
    worst = min if _lower(playbook, guardrail) else max
    values = [
        (value, one.labels) for one in own for value in newest([one], names.VALUE, labels, span.end, step)
    ]
    value, whose = worst(values, key=lambda pair: float(pair[0]), default=("", {}))
    mine = {name: text for name, text in whose.items() if name != "__name__"}
    counts = newest(own, names.EVENTS, {**labels, **mine}, span.end, step)
    return value, max(counts, key=float, default="")


def _lower(playbook: Playbook, guardrail: str) -> bool:
    """Whether less is worse."""
    tiers = (tier for one in playbook.guardrails if one.name == guardrail for tier in one.tiers)
    ops = [limit.op for tier in tiers for limit in tier.limits if not limit.signal]
    return bool(ops) and all(op.startswith("<") for op in ops)


def _unit(guardrail: str, measures: Sequence[KeptSeries]) -> str:
    """The unit that the rules record beside the guardrail's own measure; empty where they do not."""
    return next(
        (
            one.labels["unit"]
            for one in measures
            if one.labels.get("__name__") == names.INFO
            and one.labels.get(names.GUARDRAIL) == guardrail
            and "unit" in one.labels
        ),
        "",
    )


def _judged(playbook: Playbook, guardrail: str) -> dict[str, str]:
    """The label of the arm that is judged, where the guardrail's query names it."""
    arms = playbook.arms
    canary = getattr(arms, "canary", None)
    if arms is None or not isinstance(canary, str):
        return {}
    facts = next((one for one in playbook.guardrails if one.name == guardrail), None)
    named = facts is not None and any(f'{arms.label}="{canary}"' in tier.expr for tier in facts.tiers)
    return {arms.label: canary} if named else {}
