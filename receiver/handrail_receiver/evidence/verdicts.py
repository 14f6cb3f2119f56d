"""Samples → what they say of a tier; pure, so that anybody with the samples gets the same result.

A query of the usual form (a recorded value compared with a number, with at least so many events) is evaluated here
from the samples of its measure. For any other query its own samples count; each must at least break one of its
limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handrail.contract import GuardrailFacts, LimitFacts, Playbook, TierFacts, names

from handrail_receiver.evidence.snapshot import (
    CriterionSeen,
    CriterionVerdict,
    KeptSeries,
    Snapshot,
    TierSeen,
    Verdict,
)
from handrail_receiver.model import Captured
from handrail_receiver.view_models.compared import Comparison, compared, figure_of
from handrail_receiver.view_models.reference_figures import ABOUT, COMPARED, Found, each_reference, past_of

_SELECTOR = r"\{(?P<%s>[^}]*)\}"
USUAL = re.compile(
    rf"{names.VALUE}{_SELECTOR % 'value'} (?P<op>[<>]=?) (?P<figure>[0-9.eE+-]+)"
    rf"(\s+and on \([^)]*\) (?P<few>\()?{names.EVENTS}{_SELECTOR % 'events'} >= (?P<least>[0-9.]+)"
    rf"(?(few) or (?P<good>\(1 - )?{names.VALUE}{_SELECTOR % 'of'}(?(good)\)) \* on \([^)]*\) {names.EVENTS}{_SELECTOR % 'among'}"
    r" >= (?P<bad>[0-9.]+)\)))?"
)
MATCHER = re.compile(r'(\w+)="([^"\\]*)",?')
SAME_INSTANT = 0.5
"""How much of a step two samples of one instant may be apart."""
AS_VERDICT: Mapping[Comparison, Verdict] = {
    "beyond": "beyond",
    "no figure": "blind",
    "no number": "unknown",
    "by Prometheus only": "unbroken",
    "idle": "idle",
    "within": "within",
}
"""What is said of a tier whose rule does not hold, by what its figures say."""


@dataclass(frozen=True)
class UsualQuery:
    """`value{…} > figure`, with at least `least` events where the measure counts any, or `bad` bad ones among fewer."""

    value: Mapping[str, str]
    op: str
    figure: float
    events: Mapping[str, str] | None
    least: float
    bad: float | None = None

    def breaches(self, measures: Sequence[KeptSeries]) -> tuple[KeptSeries, ...]:
        """What Prometheus gives for it, from the samples of what it reads."""
        counted = (
            None if self.events is None else [one for one in measures if _is(one, names.EVENTS, self.events)]
        )
        breaching = []
        for series in measures:
            if not _is(series, names.VALUE, self.value):
                continue
            enough = None if counted is None else self._enough(series, counted)
            points = tuple(
                (at, value)
                for at, value in series.points
                if COMPARED[self.op](float(value), self.figure) and (enough is None or at in enough)
            )
            if points:
                breaching.append(KeptSeries(labels=series.labels, points=points))
        return tuple(breaching)

    def _enough(self, series: KeptSeries, counted: Sequence[KeptSeries]) -> set[float]:
        """When the series with the same labels counted enough events, or enough bad ones."""
        mine, shares = _without_name(series), {at: float(value) for at, value in series.points}
        return {
            at
            for one in counted
            if _without_name(one) == mine
            for at, count in one.points
            if float(count) >= self.least or self._bad(shares.get(at), float(count))
        }

    def _bad(self, value: float | None, count: float) -> bool:
        if value is None or self.bad is None:
            return False
        return (1 - value if self.op.startswith("<") else value) * count >= self.bad


def usual(query: str) -> UsualQuery | None:
    """A query of the usual form, None for any other."""
    match = USUAL.fullmatch(query.strip())
    if match is None:
        return None
    value, events = _matchers(match["value"]), _matchers(match["events"] or "")
    if value is None or events is None:
        return None
    return UsualQuery(
        value=value,
        op=match["op"],
        figure=float(match["figure"]),
        events=events if match["events"] else None,
        least=float(match["least"] or 0),
        bad=float(match["bad"]) if match["bad"] else None,
    )


def instants(series: Iterable[KeptSeries]) -> list[float]:
    """When there was a sample, each instant once."""
    return sorted({at for one in series for at, _ in one.points})


def holds_at(series: Iterable[KeptSeries], end: datetime, step: float) -> bool:
    """Whether there is a sample at the end of the time that was looked at."""
    return any(at >= end.timestamp() - step * SAME_INSTANT for at in instants(series))


def verdict_of(
    tier: str, breaches: Sequence[KeptSeries], blind: Sequence[KeptSeries], end: datetime, step: float
) -> Verdict:
    """What the samples say of a tier at `end`; `blind` are those of its guardrail's tier of that name."""
    if tier == names.BLIND:
        return "blind" if holds_at(breaches, end, step) else "sees"
    if holds_at(breaches, end, step):
        return "broken"
    return "blind" if holds_at(blind, end, step) else "within"


def with_figures(
    verdict: Verdict,
    tier: TierFacts,
    guardrail: GuardrailFacts,
    playbook: Playbook,
    stage: str,
    measures: Sequence[KeptSeries],
    end: datetime,
    step: float,
) -> Verdict:
    """A verdict beside the guardrail's figures: none is within its limit that lies beyond it, is no number, or is not there.

    A measure that is judged only while something holds has no figure in between, and is `idle` then.
    """
    if verdict != "within":
        return verdict
    own = [
        one
        for one in measures
        if _is(one, "", {names.GUARDRAIL: guardrail.name}) and holds_at([one], end, step)
    ]
    figures = [
        figure_of(playbook, one.labels, float(one.points[-1][1]))
        for one in own
        if one.labels.get("__name__") == names.VALUE
    ]
    known = each_reference(playbook, guardrail, stage, _captured(own)) | _past(guardrail, measures, end, step)
    said = compared(guardrail, tier.limits, stage, figures, known)
    recorded = any(one.labels.get("__name__") == names.INFO for one in own)
    return "blind" if said == "idle" and not recorded else AS_VERDICT[said]


def _captured(own: Iterable[KeptSeries]) -> list[Captured]:
    return [
        Captured(
            one.labels[names.GUARDRAIL],
            one.labels.get(names.REFERENCE, ""),
            float(one.points[-1][1]),
            tuple(sorted(each for each in one.labels.items() if each[0].startswith(names.REFERENCE_BY))),
        )
        for one in own
        if one.labels.get("__name__") == names.REFERENCE_METRIC
    ]


def _past(
    guardrail: GuardrailFacts, measures: Iterable[KeptSeries], end: datetime, step: float
) -> dict[str, Found]:
    """The figures of some time ago, as they were asked for beside the rest."""
    asked = {limit.reference or "" for tier in guardrail.tiers for limit in tier.limits if limit.past}
    called = {past_of(guardrail.name, one): one for one in asked}
    figures: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for one in measures:
        said = called.get(one.labels.get(ABOUT, ""))
        if said is not None and "__name__" not in one.labels and holds_at([one], end, step):
            figures.setdefault(said, []).append(({}, float(one.points[-1][1])))
    return dict(figures)


def criterion_verdict(broken: Sequence[str], judged: Sequence[str]) -> CriterionVerdict:
    """What a criterion's two answers say: whether it was broken, and whether enough could be judged."""
    return "broken" if broken else "met" if judged else "unknown"


def longest_run(series: Iterable[KeptSeries], step: float) -> float:
    """For how many seconds there was a sample at every step; one sample alone is 0 s."""
    longest, begun, before = 0.0, None, None
    for at in instants(series):
        if begun is None or before is None or at - before > step * (1 + SAME_INSTANT):
            begun = at
        longest, before = max(longest, at - begun), at
    return longest


def unfit(tier: TierSeen, limits: Sequence[LimitFacts]) -> str:
    """A sample of the query that breaks none of the limits, in words; empty when there is none, or nobody can know.

    A limit that is relative, or of another signal, may be broken by anything.
    """
    if not limits or any(limit.reference is not None or limit.signal or limit.state for limit in limits):
        return ""
    for series in tier.breaches:
        for at, value in series.points:
            if not any(_breaks(float(value), limit) for limit in limits):
                return f"its value {value} at {at:.0f} breaks no limit of {tier.name} ({' or '.join(tier.limits)})"
    return ""


def newest(
    measures: Sequence[KeptSeries], metric: str, labels: Mapping[str, str], end: datetime, step: float
) -> list[str]:
    """The values at the end of the time that was looked at."""
    late = end.timestamp() - step * SAME_INSTANT
    return [
        one.points[-1][1]
        for one in measures
        if _is(one, metric, labels) and one.points and one.points[-1][0] >= late
    ]


def rederived(taken: Snapshot, playbook: Playbook | None) -> Iterator[str]:
    """What a snapshot says that its samples do not, a line each. `playbook` is None where the one it was taken with is not known."""
    by_name = {one.name: one for one in taken.tiers}
    for tier in taken.tiers:
        facts = playbook.tier(tier.guardrail, tier.tier) if playbook else None
        if playbook is not None and (facts is None or facts.expr != tier.query):
            yield f"{tier.name} is judged by a query that the playbook does not have"
            continue
        query = usual(tier.query)
        if query is not None and tier.verdict != "unknown":
            yield from _evaluated(tier, query, taken.measures)
        elif facts is not None and (problem := unfit(tier, facts.limits)):
            yield problem
        if tier.value and tier.value not in newest(taken.measures, names.VALUE, {}, taken.end, taken.step):
            yield f"the value {tier.value} of {tier.name} is not in its samples"
        blind = by_name.get(f"{tier.guardrail}/{names.BLIND}")
        verdict = verdict_of(tier.tier, tier.breaches, blind.breaches if blind else (), taken.end, taken.step)
        if tier.verdict not in _possible(taken, playbook, tier, facts, verdict):
            yield f"{tier.name} is said to be {tier.verdict}, and its samples say {verdict}"
    for criterion in taken.criteria:
        yield from _of_criterion(criterion, playbook)
    if taken.fires is not None and taken.fires != firing(taken.measures, taken.end, taken.step):
        yield "what is said to fire is not what the samples of ALERTS say"
    if not taken.rules.text and taken.rules.generated not in taken.rules.loaded:
        yield "the loaded rules are said to be those generated, and have other digests"


def _possible(
    taken: Snapshot, playbook: Playbook | None, tier: TierSeen, facts: TierFacts | None, verdict: Verdict
) -> set[Verdict]:
    """What may be said of a tier by its samples. Without its limits nobody knows what lies beyond them, and an older version
    may say `within` of it.
    """
    if playbook is None or facts is None:
        return {verdict, "unknown", *(("beyond",) if verdict == "within" else ())}
    guardrail = next(one for one in playbook.guardrails if one.name == tier.guardrail)
    judged = with_figures(
        verdict, facts, guardrail, playbook, taken.stage, taken.measures, taken.end, taken.step
    )
    return {verdict, judged, "unknown"}


def _of_criterion(seen: CriterionSeen, playbook: Playbook | None) -> Iterator[str]:
    known = {
        (gate.into, one.guardrail, one.text): (one.expr, one.seen)
        for gate in (playbook.gates if playbook else ())
        for one in gate.criteria
    }
    if playbook and known.get((seen.into, seen.guardrail, seen.text)) != (seen.query, seen.seen):
        yield f"{seen.name} is judged by a query that the playbook does not have"
    verdict = criterion_verdict(seen.broken, seen.judged)
    if seen.verdict not in {verdict, "unknown"}:
        yield f"{seen.name} is said to be {seen.verdict}, and its answers say {verdict}"
    if seen.verdict == "met" and seen.breaches:
        at = instants(seen.breaches)[0]
        yield f"{seen.name} is said to be met, and it was broken at {at:.0f}"


def _evaluated(tier: TierSeen, query: UsualQuery, measures: Sequence[KeptSeries]) -> Iterator[str]:
    """Instants at which the query's samples and those of its measure disagree about the limit."""
    ours, theirs = set(instants(query.breaches(measures))), set(instants(tier.breaches))
    wrong = sorted(ours ^ theirs)
    if wrong:
        says = "break" if wrong[0] in ours else "do not break"
        yield f"{tier.name} is not as its samples are: at {wrong[0]:.0f} they {says} its limit ({' or '.join(tier.limits)})"


def firing(measures: Iterable[KeptSeries], end: datetime, step: float) -> tuple[str, ...]:
    """What fires at the end, as guardrail/tier; what only watches is left out."""
    fires = [
        one
        for one in measures
        if one.labels.get("__name__") == "ALERTS"
        and one.labels.get("alertstate") == "firing"
        and names.MODE not in one.labels
        and names.LEVEL not in one.labels
        and holds_at([one], end, step)
    ]
    return tuple(sorted({f"{one.labels.get(names.GUARDRAIL)}/{one.labels.get(names.TIER)}" for one in fires}))


def _breaks(value: float, limit: LimitFacts) -> bool:
    figures = (float(one.figure) for one in limit.figures if one.figure is not None)
    return any(COMPARED[limit.op](value, figure) for figure in figures)


def _matchers(text: str) -> dict[str, str] | None:
    """`a="b",c="d"` → a mapping; None where a matcher is of another kind."""
    return dict(MATCHER.findall(text)) if not MATCHER.sub("", text) else None


def _is(series: KeptSeries, metric: str, labels: Mapping[str, str]) -> bool:
    """Whether a series has these labels, and is of a metric (empty: of any)."""
    return (not metric or series.labels.get("__name__") == metric) and all(
        series.labels.get(k) == v for k, v in labels.items()
    )


def _without_name(series: KeptSeries) -> dict[str, str]:
    return {name: value for name, value in series.labels.items() if name != "__name__"}
