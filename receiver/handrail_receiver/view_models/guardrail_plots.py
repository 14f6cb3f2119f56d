"""What is known of an attempt + the samples of a span → a plot for each guardrail, for a page and for a bundle's report. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from handrail.contract import GuardrailFacts, LimitFacts, OpenArms, Playbook, names

from handrail_receiver.model import ENTERING, WORKED, Attempt, Captured, History
from handrail_receiver.plots.timeplot import Curve, LimitLine, Mark, TimePlot
from handrail_receiver.view_models.compared import NOT_TOLD_APART
from handrail_receiver.view_models.reference_figures import (
    ABOUT,
    STABLE_WORDS,
    figure_in,
    past_of,
    past_questions,
    references,
)
from handrail_receiver.view_models.timeline import Entry

POINTS = 150
FINEST = timedelta(seconds=5)
BEFORE = timedelta(minutes=15)
"""How much is shown of what was before the stage, at least."""
MOST_LINES, MOST_MARKS = 12, 40
MARKED = frozenset({"decided", "held", "told people", "asks again first"})
"""The words of the decisions that are marked."""
FAR = 4.0
"""How many times the largest value a limit may be and still be drawn."""
WIDTH, HEIGHT = 360, 160
"""So small that its words can be read on a phone."""
ALONE, OTHER = names.CANARY, "other"
"""How a line is drawn that is of no arm, and one of another version than those two."""
Points = Sequence[tuple[float, float]]
RangeSamples = Sequence[tuple[Mapping[str, str], Points]]


@dataclass(frozen=True)
class Window:
    """What is drawn: from when to when, and how far apart samples are."""

    start: datetime
    end: datetime

    @property
    def step(self) -> timedelta:
        """A hundred samples and some, however long it is."""
        return max(FINEST, timedelta(seconds=math.ceil((self.end - self.start).total_seconds() / POINTS)))


class Carried(Protocol):
    """An action that was carried out, as the store has it or as a bundle does."""

    @property
    def action(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def finished_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Plotted:
    """What stages, limits and marks are drawn from. `begun` is when an attempt began, and in which stage it is.

    `units` are those of guardrails whose playbook does not have them yet.
    """

    playbook: Playbook
    begun: tuple[datetime, str] | None
    runs: Sequence[Carried]
    captured: Sequence[Captured] = ()
    marks: Sequence[Mark] = ()
    units: Mapping[str, str] = field(default_factory=dict)


def plotted(
    playbook: Playbook, history: History, entries: Sequence[Entry], units: Mapping[str, str]
) -> Plotted:
    """The same of an attempt in the store."""
    attempt = history.attempt
    begun = (attempt.started_at, attempt.stage) if attempt is not None else None
    return Plotted(playbook, begun, history.runs, history.captured, marks_of(entries), units)


def marks_of(entries: Sequence[Entry]) -> list[Mark]:
    """The decisions in a timeline, by the numbers of their records."""
    return [Mark(one.at.timestamp(), f"{one.number}: {one.text}") for one in entries if one.word in MARKED]


@dataclass(frozen=True)
class _Stay:
    """How long an attempt was in one stage."""

    stage: str
    start: float
    end: float


def range_question(playbook: Playbook, *, past: bool = False) -> str:
    """The one expression that asks for every guardrail's own measure; `past`: also for the figures of some time ago."""
    own = f'{{__name__="{names.VALUE}",{names.ROLLOUT}="{playbook.rollout}",{names.SIGNAL}=""}}'
    return " or ".join([own, *(past_questions(playbook) if past else ())])


def is_drawn(labels: Mapping[str, str]) -> bool:
    """Whether a series is one that `range_question` asks for."""
    own = labels.get("__name__") == names.VALUE and not labels.get(names.SIGNAL)
    return own or bool(labels.get(ABOUT))


def window_of(attempt: Attempt, ended: datetime | None, now: datetime) -> Window:
    """The stage of a live attempt with some of what was before it; all of one that is over."""
    end = max(min(ended or now, now), attempt.started_at + FINEST)
    if not attempt.live:
        return Window(attempt.started_at, end)
    inside = max(timedelta(), now - attempt.stage_entered_at)
    return Window(max(attempt.started_at, attempt.stage_entered_at - 2 * inside - BEFORE), end)


def plots(known: Plotted, samples: RangeSamples, window: Window, step: timedelta) -> dict[str, TimePlot]:
    """A plot for each guardrail, by its name; `step` is how far apart the samples are."""
    start, end = window.start.timestamp(), window.end.timestamp()
    stays = _stays(known, window)
    entered = (Mark(stay.start, f"stage {stay.stage} entered") for stay in stays[1:])
    marks = sorted(
        (one for one in (*entered, *known.marks) if start <= one.at <= end), key=lambda one: one.at
    )
    drawn = {}
    for place, facts in enumerate(known.playbook.guardrails, 1):
        lines = _lines(known.playbook, facts.name, samples)
        near, far = _near(_limit_lines(known, facts, stays, lines, samples), lines)
        drawn[facts.name] = TimePlot(
            name=f"plot-{place}",
            title=facts.name,
            unit=facts.unit or known.units.get(facts.name, ""),
            start=start,
            end=end,
            step=step.total_seconds(),
            lines=lines,
            limits=near,
            marks=tuple(marks[-MOST_MARKS:]),
            far=far,
            width=WIDTH,
            height=HEIGHT,
        )
    return drawn


def _near(
    limits: Sequence[LimitLine], lines: Sequence[Curve]
) -> tuple[tuple[LimitLine, ...], tuple[LimitLine, ...]]:
    """The limits that can be drawn without flattening the lines, the nearest one always; and the others."""
    values = [abs(value) for line in lines for _, value in line.points if math.isfinite(value)]
    nearest = min((abs(limit.figure) for limit in limits), default=0.0)
    reach = max(FAR * max(values, default=0.0), nearest)
    near: list[LimitLine] = []
    far: list[LimitLine] = []
    moving: list[LimitLine] = []
    for limit in limits:
        moving.append(limit)
        if limit.text:
            shown = [one for one in moving if abs(one.figure) <= reach]
            near += [*shown[:-1], *(replace(one, text=limit.text) for one in shown[-1:])]
            far += [] if shown else moving
            moving = []
    return tuple(near), tuple(far)


def _lines(playbook: Playbook, guardrail: str, samples: RangeSamples) -> tuple[Curve, ...]:
    curves = [
        _line(playbook, labels, points)
        for labels, points in samples
        if labels.get(names.GUARDRAIL) == guardrail
    ]
    return tuple(sorted(curves, key=lambda line: (line.arm != names.CANARY, line.name))[:MOST_LINES])


def _line(playbook: Playbook, labels: Mapping[str, str], points: Sequence[tuple[float, float]]) -> Curve:
    arms = playbook.arms
    told = arms if arms is not None and not isinstance(arms, OpenArms) else None
    arm = ALONE
    if told is not None:
        value = labels.get(told.label, "")
        arm = {told.canary: names.CANARY, told.stable: names.STABLE}.get(value, ALONE if not value else OTHER)
    apart = NOT_TOLD_APART | ({arms.label, names.ARM} if arms is not None else set())
    others = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in apart)
    shown = arm if told is not None and labels.get(told.label) else ""
    return Curve(" ".join(filter(None, (shown, others))) or "value", arm, tuple(points))


def _stays(known: Plotted, window: Window) -> list[_Stay]:
    """The stages in the window, one after the other."""
    entered = sorted(
        (run.finished_at, run.key)
        for run in known.runs
        if run.action in ENTERING and run.state in WORKED and run.finished_at is not None
    )
    if not entered:
        entered = [known.begun] if known.begun is not None else []
    start, end = window.start, window.end
    ends = [*(at for at, _ in entered[1:]), end]
    return [
        _Stay(stage, max(at, start).timestamp(), min(until, end).timestamp())
        for (at, stage), until in zip(entered, ends, strict=False)
        if until > start and at < end
    ]


def _limit_lines(
    known: Plotted,
    facts: GuardrailFacts,
    stays: Sequence[_Stay],
    lines: Sequence[Curve],
    samples: RangeSamples,
) -> list[LimitLine]:
    """Each tier's limit in each stage; where it moves with the stable arm or the past, as that moved."""
    stable = [line.points for line in lines if line.arm == names.STABLE]
    drawn: list[LimitLine] = []
    for stay in stays:
        figures = references(known.playbook, facts, stay.stage, known.captured)
        for tier in facts.tiers:
            for limit in tier.limits:
                at = figure_in(limit, stay.stage, figures, None)
                if at is not None:
                    drawn.append(LimitLine(tier.tier, at, stay.start, stay.end))
                elif limit.reference is not None:
                    moved = stable if limit.reference == STABLE_WORDS else _past(facts, limit, samples)
                    if len(moved) == 1:
                        drawn += _moving(tier.tier, limit, stay, moved[0])
    return drawn


def _past(facts: GuardrailFacts, limit: LimitFacts, samples: RangeSamples) -> list[Points]:
    """What the measure was some time ago, at each moment that is drawn."""
    name = past_of(facts.name, limit.reference or "")
    return [points for labels, points in samples if labels.get(ABOUT) == name]


def _moving(tier: str, limit: LimitFacts, stay: _Stay, points: Points) -> Iterator[LimitLine]:
    """A limit as its reference moved, named once, where it ends."""
    inside = [
        (at, here, then)
        for (here, value), (then, _) in pairwise(points)
        if stay.start <= here < stay.end and math.isfinite(value)
        for at in [figure_in(limit, stay.stage, {limit.reference or "": value}, value)]
        if at is not None
    ]
    for place, (at, here, then) in enumerate(inside, 1):
        yield LimitLine(tier if place == len(inside) else "", at, here, min(then, stay.end))
