"""Playbook + History + now → the summary of a rollout that people read first. Pure.

What is not known is called unknown: an attempt whose rollback failed has no traffic figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from handrail.contract import Playbook, StageFacts, names

from handrail_receiver.attempt_states.states import state_of
from handrail_receiver.gates.gate import GateStatus
from handrail_receiver.model import (
    FINISHED,
    OPEN,
    WORKED,
    Attempt,
    AttemptState,
    EffectState,
    History,
    Run,
    RunState,
    given_arms,
)
from handrail_receiver.model.probe_names import FAILING
from handrail_receiver.words.arms import versions_in_words
from handrail_receiver.words.steps import what
from handrail_receiver.words.times import span, when

Tone = Literal["good", "bad", "wait", "calm", "soft"]

# One colour for each word of a state; it is never told by the colour alone.
TONES: dict[str, Tone] = {
    "entering": "wait",
    "baking": "calm",
    "promoting": "wait",
    "guarding": "calm",
    "finishing": "calm",
    "held": "wait",
    "confirming": "wait",
    "complete": "good",
    "rolled-back": "bad",
    "rolling-back": "wait",
    "waiting": "wait",
    "open": "wait",
    "proving": "wait",
    "intended": "wait",
    "done": "good",
    "already": "good",
    "proved": "good",
    "failed": "bad",
    "unproved": "bad",
    "withdrawn": "soft",
    "superseded": "soft",
    "skipped": "wait",
    "left": "soft",
    "abandoned": "soft",
}


@dataclass(frozen=True)
class Firing:
    """A tier that fires, in how many series, and since when; `limits` are the lines it draws, in words."""

    guardrail: str
    tier: str
    action: str
    series: int
    since: datetime
    limits: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One thing to know, with its name."""

    name: str
    text: str
    tone: Tone = "soft"


@dataclass(frozen=True)
class Summary:
    """The headline, what people should do (empty: nothing), the facts, and what fires."""

    tone: Tone
    word: str
    headline: str
    advice: str
    facts: tuple[Fact, ...]
    firing: tuple[Firing, ...]


def summarize(playbook: Playbook, history: History, now: datetime, gate: GateStatus | None = None) -> Summary:
    """The summary at `now`; `gate` is the next one, None where it was not judged."""
    run = last_rollback(history)
    tone, word, headline, advice = _headline(playbook, history, run, now)
    return Summary(
        tone,
        word,
        headline,
        advice,
        tuple(_facts(playbook, history, run, now, gate)),
        _firing(playbook, history),
    )


def last_rollback(history: History) -> Run | None:
    """The newest rollback, of any strength, that was begun in the attempt and not withdrawn."""
    begun = [
        run
        for run in history.runs
        if run.action in names.ACTING and run.state not in {RunState.withdrawn, RunState.superseded}
    ]
    return max(begun, key=lambda run: run.id, default=None)


def stage_of(playbook: Playbook, attempt: Attempt | None) -> StageFacts | None:
    """The stage an attempt is in, or was in when it ended."""
    return next((stage for stage in playbook.stages if attempt and stage.name == attempt.stage), None)


def _headline(
    playbook: Playbook, history: History, run: Run | None, now: datetime
) -> tuple[Tone, str, str, str]:
    attempt = history.attempt
    name, rollback = playbook.rollout, f"handrail rollout rollback {playbook.rollout} --why …"
    if attempt is None and not playbook.stages:
        headline = "It has no stages and should always be guarded, and it is not: nothing is rolled back."
        return (
            "bad",
            "not guarded",
            headline,
            f"The evidence says why; ask again: `handrail rollout drill {name}`.",
        )
    if attempt is None:
        return "soft", "no attempt", "No attempt was started.", ""
    where = f"stage {attempt.stage}" if attempt.stage else "its only stage"
    broken = run is not None and run.state not in OPEN and run.state not in WORKED
    if attempt.state == AttemptState.abandoned:
        back = f"; its {run.action} {_ended(run)}" if run is not None and broken else ""
        return "soft", "abandoned", f"Abandoned in {where}; its targets are left as they were{back}.", ""
    if run is not None and broken:
        word = "rollback failed" if run.state == RunState.failed else "rollback not proved"
        advice = f"People must act now: follow the runbook, then try again with `{rollback}`."
        return "bad", word, f"The {run.action} from {where} {_ended(run)}", advice
    if run is not None and run.state in OPEN:
        return _under_way(run, where)
    if attempt.changed_since:
        advice = f"Look at the target; `{rollback}` reads all of them and corrects what differs."
        return "bad", "changed since", f"Rolled back from {where}, and {attempt.held}", advice
    if attempt.state == AttemptState.rolled_back:
        return "good", "rolled back", _rolled_back(run, where), ""
    if attempt.state == AttemptState.complete:
        return "good", "complete", f"Complete, in {where}.", ""
    if attempt.state == AttemptState.rolling_back:
        return "wait", "rolling back", f"Rolling back from {where}.", ""
    inside = span(now - attempt.stage_entered_at)
    if attempt.held:
        resume = f"`handrail rollout resume {name}`"
        said = f"Held in {where}, which it entered {inside} ago: {attempt.held}"
        if _left_to_people(history, attempt):
            return "bad", "held", said, f"People must act now: `{rollback}`. If nothing is wrong: {resume}."
        return "wait", "held", said, f"Fix it, then {resume}; or `{rollback}`."
    state = state_of(history)
    return TONES[state], state, f"In {where} for {inside}.", ""


def _left_to_people(history: History, attempt: Attempt) -> bool:
    """Whether a rollback of this attempt was asked for that the receiver does not carry out."""
    return any(one.attempt == attempt.id and one.action in names.ACTING for one in history.incidents)


def _rolled_back(run: Run | None, where: str) -> str:
    if run is None or run.finished_at is None:
        return f"Rolled back from {where}."
    proof = "proved" if run.state == RunState.proved else "as its targets read back (no proof is declared)"
    return f"Rolled back from {where} at {when(run.finished_at)}, {proof}. Why: {run.reason}"


def _ended(run: Run) -> str:
    broken = [
        what(effect.step)
        for effect in run.effects
        if effect.state in {EffectState.failed, EffectState.skipped}
    ]
    if run.state == RunState.failed:
        return f"failed: {len(broken)} of {len(run.effects)} steps did not succeed ({'; '.join(broken)})"
    return f"was carried out, but is not proved: {run.text}"


def _under_way(run: Run, where: str) -> tuple[Tone, str, str, str]:
    done = sum(effect.state != EffectState.intended for effect in run.effects)
    if run.state == RunState.waiting:
        return "wait", "confirming", f"In {where}; a {run.action} waits for Prometheus to confirm it.", ""
    if run.state == RunState.proving:
        return "wait", "proving", f"The {run.action} from {where} was carried out; its proof is awaited.", ""
    return "wait", "rolling back", f"Rolling back from {where}: {done} of {len(run.effects)} steps.", ""


def _facts(
    playbook: Playbook, history: History, run: Run | None, now: datetime, gate: GateStatus | None
) -> list[Fact]:
    attempt = history.attempt
    if attempt is None:
        return [Fact("Can I roll back?", _ask_drill(playbook, "not known: rehearsed when an attempt starts"))]
    return [
        Fact("Canary's share", *_share(playbook, attempt, run)),
        Fact("Next", *_next(playbook, history, attempt, now, gate)),
        Fact("Can I roll back?", *_rehearsed(playbook, attempt)),
        *_versions(attempt),
        Fact("Attempt", f"{attempt.number}, started by {attempt.started_by}, {when(attempt.started_at)}"),
    ]


def _versions(attempt: Attempt) -> list[Fact]:
    arms = given_arms(attempt)
    return [] if arms is None else [Fact("Versions", f"{versions_in_words(arms)} ({arms.label})")]


def _share(playbook: Playbook, attempt: Attempt, run: Run | None) -> tuple[str, Tone]:
    stage = stage_of(playbook, attempt)
    if run is not None and run.state not in WORKED and run.state != RunState.waiting:
        return "unknown: the rollback is not proved", "bad" if run.state not in OPEN else "wait"
    if attempt.changed_since:
        return f"unknown: {attempt.held}", "bad"
    if attempt.state == AttemptState.rolled_back:
        none = "0 %" if stage is not None and stage.weight is not None else "none"
        proof = "proved" if run and run.state == RunState.proved else "as the targets read back"
        return f"{none}, {proof}", "good"
    if attempt.state == AttemptState.abandoned:
        return "unknown: the attempt was abandoned", "soft"
    if stage is None or stage.weight is None:
        return "not set by weight", "soft"
    return f"{stage.weight * 100:g} % of traffic, as asked for", "calm"


def _next(
    playbook: Playbook, history: History, attempt: Attempt, now: datetime, gate: GateStatus | None
) -> tuple[str, Tone]:
    stage = stage_of(playbook, attempt)
    if attempt.state == AttemptState.complete:
        return "nothing: it is complete", "good"
    if attempt.state == AttemptState.rolling_back:
        return "the rollback must succeed", "wait"
    if attempt.state == AttemptState.finishing:
        until = history.once.get(FINISHED, now) + timedelta(seconds=playbook.watch_after)
        return f"complete automatically, not before {when(until)}: it is guarded until then", "soft"
    if history.security_incident is not None:
        said = f'`handrail rollout close {playbook.rollout} --cause "…" --why "…"`'
        return f"incident {history.security_incident.id} has to be closed: {said}", "bad"
    if attempt.state != AttemptState.active:
        versions = " --canary … --stable …" if given_arms(attempt) else ""
        return (
            f"fix the canary, then a new attempt: `handrail rollout start {playbook.rollout}{versions}`",
            "soft",
        )
    following = playbook.stage_after(attempt.stage)
    goal = f"stage {following.name}" if following else "complete"
    if attempt.held:
        return f"{goal}, once it is no longer held", "wait"
    itself = " automatically" if stage and stage.advance == "when-met" else ""
    over = attempt.stage_entered_at + timedelta(seconds=stage.takes if stage else 0)
    if now < over:
        return f"{goal}{itself}, not before {when(over)} (in {span(over - now)})", "soft"
    if gate and gate.missing:
        missing = (
            f"{len(gate.missing)} of {len(gate.asks)} {'is' if len(gate.missing) == 1 else 'are'} missing"
        )
        return f"{goal}{itself}, once its gate is open: {missing}", "wait"
    if itself:
        return f"{goal}{itself}: its gate is open", "calm"
    return f"{goal}: `handrail rollout promote {playbook.rollout}`", "calm"


def _rehearsed(playbook: Playbook, attempt: Attempt) -> tuple[str, Tone]:
    if attempt.state == AttemptState.rolled_back:
        return "it is rolled back", "soft"
    if attempt.state == AttemptState.rolling_back:
        return _ask_drill(playbook, "see what became of it below"), "wait"
    if attempt.rollback_ready:
        return f"NO, when last rehearsed: {attempt.rollback_ready}", "bad"
    return _ask_drill(playbook, "yes, when last rehearsed"), "good"


def _ask_drill(playbook: Playbook, text: str) -> str:
    return f"{text}; ask now: `handrail rollout drill {playbook.rollout}`"


def _firing(playbook: Playbook, history: History) -> tuple[Firing, ...]:
    since: dict[str, list[datetime]] = {}
    for said in history.said:
        if said.firing:
            since.setdefault(said.source, []).append(said.at)
    return tuple(
        _tier_firing(playbook, *source.rpartition("/")[::2], times) for source, times in sorted(since.items())
    )


def _tier_firing(playbook: Playbook, guardrail: str, tier: str, times: Sequence[datetime]) -> Firing:
    known = playbook.tier(guardrail, tier)
    if tier == FAILING and known is None:  # a declared probe, of which people are told by the receiver
        return Firing(guardrail, tier, "investigate", len(times), min(times), ())
    limits = tuple(limit.text for limit in known.limits) if known else ()
    return Firing(guardrail, tier, known.action if known else "unknown", len(times), min(times), limits)
