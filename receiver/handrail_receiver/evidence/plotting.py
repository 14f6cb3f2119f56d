"""A bundle's samples → a plot for each guardrail: both arms, each stage's limit, and a mark at each decision."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from handrail.contract import GuardrailFacts, LimitFacts, names

from handrail_receiver.evidence.bundle import Contents, decisions
from handrail_receiver.evidence.snapshot import KeptSeries, Snapshot
from handrail_receiver.plots.timeplot import LimitLine, Line, Mark, TimePlot

MARKED = {"act", "hold", "confirm", "tell"}
MOST_LINES = 8
MOST_MARKS = 40
Stages = Sequence[tuple[str, float, float]]
"""A stage, from when, to when."""


def plots(contents: Contents) -> list[TimePlot]:
    """One for each guardrail, in the playbook's order."""
    stages = stages_of(contents)
    start = contents.attempt.started_at.timestamp()
    end = max(contents.ended_at.timestamp(), start + 60)
    taken = list(contents.taken().values())
    step = max([contents.series.step, *(one.step for one in taken)])
    marks = tuple(_marks(contents, start, end))[:MOST_MARKS]
    return [
        TimePlot(
            name=f"plot-{place}",
            title=f"{guardrail.name} of {contents.attempt.rollout}",
            unit=_unit(guardrail.name, taken),
            start=start,
            end=end,
            step=step,
            lines=tuple(_lines(contents, guardrail.name, taken, start, end))[:MOST_LINES],
            limits=tuple(_limits(guardrail, stages)),
            marks=marks,
        )
        for place, guardrail in enumerate(contents.playbook.guardrails, 1)
    ]


def stages_of(contents: Contents) -> Stages:
    """Each stage that was entered, until the next one was, or the end."""
    entered = [
        (str(said["key"]), record.at.timestamp())
        for record in contents.chain.records
        if record.kind == "outcome"
        for said in [json.loads(record.body)]
        if said.get("attempt") == contents.attempt.id
        and said.get("action") in {"start", "promote"}
        and said.get("outcome") == "done"
    ]
    ends = [at for _, at in entered[1:]] + [contents.ended_at.timestamp()]
    return [(stage, at, end) for (stage, at), end in zip(entered, ends, strict=True)]


def _marks(contents: Contents, start: float, end: float) -> Iterator[Mark]:
    for record, body in decisions(contents.chain.records, contents.attempt.id):
        if body["verdict"] in MARKED and start <= record.at.timestamp() <= end:
            yield Mark(record.at.timestamp(), f"{record.number}: {body['action'] or body['verdict']}")


def _unit(guardrail: str, taken: Sequence[Snapshot]) -> str:
    units = (tier.unit for one in taken for tier in one.tiers if tier.guardrail == guardrail and tier.unit)
    return next(units, "")


def _lines(
    contents: Contents, guardrail: str, taken: Sequence[Snapshot], start: float, end: float
) -> Iterator[Line]:
    """The recorded values: over the whole attempt where they could be had, closer around the decisions."""
    points: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    for series in [*contents.series.series, *(one for snapshot in taken for one in snapshot.measures)]:
        if series.labels.get("__name__") == names.VALUE and series.labels.get(names.GUARDRAIL) == guardrail:
            kept = points.setdefault(_labels(series), {})
            kept |= {at: float(value) for at, value in series.points if start <= at <= end}
    for labels, samples in sorted(points.items()):
        arm, name = _arm(contents, dict(labels))
        yield Line(name, arm, tuple(sorted(samples.items())))


def _labels(series: KeptSeries) -> tuple[tuple[str, str], ...]:
    left_out = {"__name__", names.ROLLOUT, names.GUARDRAIL}
    return tuple(sorted((name, value) for name, value in series.labels.items() if name not in left_out))


def _arm(contents: Contents, labels: dict[str, str]) -> tuple[str, str]:
    """Which arm a series is of, and what to call it."""
    arms = contents.playbook.arms
    value = labels.get(arms.label, "") if arms else ""
    rest = [f"{name} {text}" for name, text in labels.items() if not arms or name != arms.label]
    name = " ".join(filter(None, [value, *rest])) or "all"
    canary, stable = getattr(arms, names.CANARY, None), getattr(arms, names.STABLE, None)
    return (
        names.STABLE if value and value == stable else "other" if value and value != canary else names.CANARY
    ), name


def _limits(guardrail: GuardrailFacts, stages: Stages) -> Iterator[LimitLine]:
    """The limits that are figures of the guardrail's own measure, each in the stages in which it holds."""
    for tier in guardrail.tiers:
        for limit in tier.limits:
            if limit.reference is not None or limit.signal or limit.state:
                continue
            for stage, start, end in stages:
                figure = _figure(limit, stage)
                if figure is not None:
                    yield LimitLine(f"{tier.tier}: {limit.text}", figure, start, end)


def _figure(limit: LimitFacts, stage: str) -> float | None:
    by_stage = {one.stage: one.figure for one in limit.figures}
    figure = by_stage.get(stage, by_stage.get(None))
    return None if figure is None else float(figure)
