"""Playbook + what Prometheus answers → each guardrail's figure beside its limit. Pure.

What Prometheus did not say is unknown: no earlier figure is shown in its place, and nothing that is missing is fine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handrail.contract import GivenArms, GuardrailFacts, LimitFacts, Playbook, TierFacts, names

from handrail_receiver.model import Attempt, Captured
from handrail_receiver.view_models.compared import Comparison, Figure, figure_of, told_apart, worst_of
from handrail_receiver.view_models.reference_figures import (
    ABOUT,
    Found,
    arm_of,
    each_reference,
    figure_in,
    is_judged,
    named,
    past_of,
    past_questions,
    references,
)
from handrail_receiver.view_models.summary import Tone
from handrail_receiver.words.figures import figure
from handrail_receiver.words.times import span

OLD = timedelta(minutes=2)
"""How long ago rules may have been evaluated before their figures are called old."""
Samples = Sequence[tuple[Mapping[str, str], float]]
ALERTS = "ALERTS"
ALERT_STATE = "alertstate"
BY_PROMETHEUS = "judged by Prometheus only"
"""What is said of a guardrail none of whose rules holds, and whose figure cannot be compared with each of its limits here."""


@dataclass(frozen=True)
class SeriesReading:
    """What one series says now: of which arm (empty: of all), which other labels it has, and its value."""

    arm: str
    labels: str
    value: float
    text: str


@dataclass(frozen=True)
class LimitNow:
    """One limit of a tier as it is in this stage; `figure` is None where it cannot be computed here, `text` says it."""

    tier: str
    action: str
    text: str
    op: str
    figure: float | None
    shown: str
    shadow: bool = False


@dataclass(frozen=True)
class GuardrailNow:
    """A guardrail: how it is in a word, its figures, its limits, how many events they are of, and what fires of it."""

    name: str
    unit: str
    tone: Tone
    word: str
    readings: tuple[SeriesReading, ...]
    limits: tuple[LimitNow, ...]
    events: str
    fires: tuple[str, ...]


@dataclass(frozen=True)
class TrafficNow:
    """Which share of the traffic each arm has, beside what was asked for; `counted`: somebody counts it."""

    text: str
    tone: Tone = "soft"
    counted: bool = False


@dataclass(frozen=True)
class Watched:
    """All guardrails of a rollout as Prometheus sees them.

    `unanswered` says why nothing is known, `other_rules` why the figures may belong to other rules than the
    playbook's.
    """

    guardrails: tuple[GuardrailNow, ...]
    traffic: TrafficNow
    fires: tuple[str, ...] | None
    unanswered: str = ""
    other_rules: str = ""


def question(playbook: Playbook, *, past: bool = True) -> str:
    """The one expression that asks for all of it; `past`: also for the figures of some time ago."""
    recorded = "|".join((names.VALUE, names.EVENTS, names.INFO, names.RULES_INFO, ALERTS))
    asked = [f'{{__name__=~"{recorded}",{names.ROLLOUT}="{playbook.rollout}"}}']
    asked.append(named(f'timestamp({names.INFO}{{{names.ROLLOUT}="{playbook.rollout}"}})', "age"))
    if isinstance(playbook.arms, GivenArms):
        arms = zip((names.CANARY, names.STABLE), playbook.arms.traffic, strict=False)
        asked += [named(expr, arm) for arm, expr in arms]
    return " or ".join([*asked, *(past_questions(playbook) if past else ())])


def unknown(playbook: Playbook, attempt: Attempt | None, captured: Sequence[Captured], why: str) -> Watched:
    """Prometheus did not answer: every figure is unknown."""
    stage = attempt.stage if attempt else ""
    guardrails = tuple(
        GuardrailNow(
            facts.name,
            "",
            "wait",
            "unknown",
            (),
            _limits(facts, stage, "", references(playbook, facts, stage, captured), ()),
            "",
            (),
        )
        for facts in playbook.guardrails
    )
    return Watched(guardrails, TrafficNow(f"unknown: {why}", "wait"), None, unanswered=why)


def watched(
    playbook: Playbook, attempt: Attempt | None, captured: Sequence[Captured], samples: Samples, now: float
) -> Watched:
    """What Prometheus answered to `question` at `now`, in seconds since 1970."""
    answer = _Answer(playbook, samples, now)
    guardrails = tuple(_guardrail(facts, answer, attempt, captured) for facts in playbook.guardrails)
    other = _other_rules(playbook, answer)
    return Watched(guardrails, _traffic(playbook, attempt, answer), answer.fires(), other_rules=other)


class _Answer:
    """The samples, by what they say and of which guardrail."""

    def __init__(self, playbook: Playbook, samples: Samples, now: float) -> None:
        self.playbook, self.now = playbook, now
        self._known: dict[tuple[str, str], list[tuple[Mapping[str, str], float]]] = {}
        for labels, value in samples:
            kind = labels.get("__name__") or labels.get(ABOUT, "")
            self._known.setdefault((kind, labels.get(names.GUARDRAIL, "")), []).append((labels, value))

    def of(self, kind: str, guardrail: str = "") -> list[tuple[Mapping[str, str], float]]:
        """The samples of one kind, of one guardrail."""
        return self._known.get((kind, guardrail), [])

    def alerts(self, guardrail: str, state: str) -> tuple[str, ...]:
        """The tiers of a guardrail that are firing or pending, of our environment and not in shadow mode."""
        ours = self.playbook.environment
        alert_names = {
            labels.get(names.TIER, "")
            for labels, _ in self.of(ALERTS, guardrail)
            if labels.get(ALERT_STATE) == state
            and labels.get(names.MODE) != names.SHADOW
            and not labels.get(names.LEVEL)
            and (not ours or labels.get(names.ENVIRONMENT, ours) == ours)
        }
        return tuple(sorted(alert_names - {""}))

    def fires(self) -> tuple[str, ...]:
        """All that fires, as guardrail/tier."""
        names_ = [facts.name for facts in self.playbook.guardrails]
        return tuple(f"{name}/{tier}" for name in names_ for tier in self.alerts(name, "firing"))

    def arm(self, labels: Mapping[str, str]) -> str:
        """Which arm a series is of; empty where its labels do not say."""
        return arm_of(self.playbook, labels)

    def others(self, labels: Mapping[str, str]) -> str:
        """The labels that tell series of one arm apart."""
        apart = told_apart(self.playbook, labels)
        return ", ".join(f"{name}={value}" for name, value in sorted(apart.items()))

    def figures(self, guardrail: str) -> list[Figure]:
        """All that is recorded of a guardrail's measures."""
        return [figure_of(self.playbook, labels, value) for labels, value in self.of(names.VALUE, guardrail)]


def _guardrail(
    facts: GuardrailFacts, answer: _Answer, attempt: Attempt | None, captured: Sequence[Captured]
) -> GuardrailNow:
    info = answer.of(names.INFO, facts.name)
    unit = info[0][0].get("unit", "") if info else ""
    readings = tuple(
        sorted(_readings(facts, answer, unit), key=lambda one: (one.arm != names.CANARY, one.arm, one.labels))
    )
    stage = attempt.stage if attempt else ""
    past = _past(facts, answer)
    limits = _limits(
        facts, stage, unit, references(answer.playbook, facts, stage, captured) | _alone(past), readings
    )
    known = each_reference(answer.playbook, facts, stage, captured) | past
    events = [(answer.arm(labels), value) for labels, value in answer.of(names.EVENTS, facts.name)]
    fires, pending = answer.alerts(facts.name, "firing"), answer.alerts(facts.name, "pending")
    said = worst_of(facts, stage, answer.figures(facts.name), known)
    tone, word = _how(facts, answer, said, events, fires, pending)
    return GuardrailNow(facts.name, unit, tone, word, readings, limits, _counted(events), fires)


def _readings(facts: GuardrailFacts, answer: _Answer, unit: str) -> list[SeriesReading]:
    return [
        SeriesReading(answer.arm(labels), answer.others(labels), value, figure(str(value), unit))
        for labels, value in answer.of(names.VALUE, facts.name)
        if not labels.get(names.SIGNAL)
    ]


def _counted(events: Sequence[tuple[str, float]]) -> str:
    """`canary 120, stable 1 080`."""
    arms: dict[str, float] = {}
    for arm, value in events:
        arms[arm] = arms.get(arm, 0.0) + value
    counts = [f"{arm} {_count(value)}".strip() for arm, value in sorted(arms.items())]
    return ", ".join(counts)


def _count(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if math.isfinite(value) else str(value)


def _how(
    facts: GuardrailFacts,
    answer: _Answer,
    said: Comparison,
    events: Sequence[tuple[str, float]],
    fires: Sequence[str],
    pending: Sequence[str],
) -> tuple[Tone, str]:
    """How a guardrail is: the worst that is known, and nothing better than what is known."""
    if fires:
        unjudged = {names.BLIND: "blind", names.THIN: "too few events"}
        only = unjudged.get(fires[0]) if len(fires) == 1 else None
        return ("wait", only) if only else ("bad", f"fires: {', '.join(fires)}")
    if pending:
        return "wait", f"pending: {', '.join(pending)}"
    if not answer.of(names.INFO, facts.name):
        return "wait", "unknown: no rule"
    ages = [answer.now - value for _, value in answer.of("age", facts.name)]
    fresh = bool(ages) and min(ages) <= OLD.total_seconds()
    if said == "idle" and fresh:
        return "soft", "not judged now"
    if said in {"no figure", "idle"}:
        none = bool(events) and all(value == 0 for arm, value in events if is_judged(arm))
        return "wait", "no events" if none else "no data"
    if said == "no number":
        return "wait", "unknown: no number"
    if not fresh:
        known = f"{span(timedelta(seconds=min(ages)))} old" if ages else "of unknown age"
        return "wait", known
    if said == "beyond":
        return "wait", "beyond its limit"
    if all(tier.shadow for tier in facts.tiers):
        return "soft", "shadow"
    return ("calm", BY_PROMETHEUS) if said == "by Prometheus only" else ("good", "within its limits")


def _past(facts: GuardrailFacts, answer: _Answer) -> dict[str, Found]:
    """The figures of some time ago, as references of everything."""
    asked = {limit.reference or "" for tier in facts.tiers for limit in tier.limits if limit.past}
    answers = {one: answer.of(past_of(facts.name, one)) for one in asked}
    return {one: [({}, value) for _, value in samples] for one, samples in answers.items()}


def _alone(past: Mapping[str, Found]) -> dict[str, float]:
    """Those of which there is one figure."""
    return {one: figures[0][1] for one, figures in past.items() if len(figures) == 1}


def _limits(
    facts: GuardrailFacts,
    stage: str,
    unit: str,
    known: Mapping[str, float],
    readings: Sequence[SeriesReading],
) -> tuple[LimitNow, ...]:
    stable = [one.value for one in readings if one.arm == names.STABLE]
    return tuple(
        _limit(tier, limit, stage, unit, known, stable[0] if len(stable) == 1 else None)
        for tier in facts.tiers
        for limit in tier.limits
    )


def _limit(
    tier: TierFacts,
    limit: LimitFacts,
    stage: str,
    unit: str,
    known: Mapping[str, float],
    stable: float | None,
) -> LimitNow:
    at = figure_in(limit, stage, known, stable)
    text = f"{limit.signal} {limit.text}".strip()
    moves = limit.reference is not None or len(limit.figures) > 1
    shown = figure(str(at), unit) if at is not None and unit and moves else ""
    return LimitNow(tier.tier, tier.action, text, limit.op, at, shown, tier.shadow)


def _traffic(playbook: Playbook, attempt: Attempt | None, answer: _Answer) -> TrafficNow:
    """Which share of the events is the canary's, where both arms are counted."""
    counted = _both_arms(playbook, answer)
    if counted is None:
        return TrafficNow("unknown: Prometheus has no count of both arms")
    canary, stable = counted
    if canary + stable <= 0:
        return TrafficNow("no events of either arm", "wait", counted=True)
    share = canary / (canary + stable)
    asked = asked_share(playbook, attempt)
    text = f"{share * 100:.3g} % of the events are the canary's"
    if asked is None:
        return TrafficNow(text, counted=True)
    return TrafficNow(f"{text}; {asked * 100:g} % was asked for", "calm", counted=True)


def _both_arms(playbook: Playbook, answer: _Answer) -> tuple[float, float] | None:
    asked = [answer.of(arm) for arm in (names.CANARY, names.STABLE)]
    if all(len(one) == 1 for one in asked):
        return asked[0][0][1], asked[1][0][1]
    own_first = sorted(playbook.guardrails, key=lambda facts: facts.name != names.SAMPLE_RATIO)
    for facts in own_first:
        arms: dict[str, float] = {}
        for labels, value in answer.of(names.EVENTS, facts.name):
            arm = answer.arm(labels)
            arms[arm] = arms.get(arm, 0.0) + value
        if {names.CANARY, names.STABLE} <= set(arms):
            return arms[names.CANARY], arms[names.STABLE]
    return None


def asked_share(playbook: Playbook, attempt: Attempt | None) -> float | None:
    """The canary's share of traffic that the stage asks for; None where nobody asks for one."""
    if attempt is None or not attempt.live:
        return None
    return next((stage.weight for stage in playbook.stages if stage.name == attempt.stage), None)


def _other_rules(playbook: Playbook, answer: _Answer) -> str:
    """Why the figures may be of other rules than the playbook's."""
    if not playbook.rules_digest:
        return ""
    loaded = {labels.get(names.DIGEST, "") for labels, _ in answer.of(names.RULES_INFO)}
    if loaded == {playbook.rules_digest}:
        return ""
    if not loaded:
        return f"Prometheus has no rules of {playbook.rollout}; load {names.rules_file(playbook.rollout)}"
    return "The rules that Prometheus has loaded are not those of the playbook; load both from one `handrail generate`"
