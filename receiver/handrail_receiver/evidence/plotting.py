"""A bundle's samples → a plot for each guardrail, drawn as the page of its rollout draws it."""

from __future__ import annotations

from datetime import timedelta

from handrail_receiver.evidence.bundle import Contents
from handrail_receiver.plots.timeplot import TimePlot
from handrail_receiver.view_models.guardrail_plots import (
    Plotted,
    RangeSamples,
    Window,
    is_drawn,
    marks_of,
    plots,
)
from handrail_receiver.view_models.timeline import timeline

SHORTEST = timedelta(minutes=1)


def plots_of(contents: Contents) -> list[TimePlot]:
    """One for each guardrail, in the playbook's order, over the whole attempt."""
    attempt, taken = contents.attempt, contents.taken().values()
    window = Window(attempt.started_at, max(contents.ended_at, attempt.started_at + SHORTEST))
    step = max([contents.series.step, *(one.step for one in taken)])
    known = Plotted(
        playbook=contents.playbook,
        begun=(attempt.started_at, attempt.stage),
        runs=contents.runs.runs,
        captured=contents.captured.figures(),
        marks=marks_of(timeline(contents.own.chain(), ())),
        units={tier.guardrail: tier.unit for one in taken for tier in one.tiers if tier.unit},
    )
    return list(plots(known, _samples(contents, window), window, timedelta(seconds=step)).values())


def _samples(contents: Contents, window: Window) -> RangeSamples:
    """Over the whole attempt where they could be obtained, closer around the decisions."""
    start, end = window.start.timestamp(), window.end.timestamp()
    by_labels: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
    measures = (one for snapshot in contents.taken().values() for one in snapshot.measures)
    for series in (*contents.series.series, *measures):
        if is_drawn(series.labels):
            kept = by_labels.setdefault(tuple(sorted(series.labels.items())), {})
            kept |= {at: float(value) for at, value in series.points if start <= at <= end}
    return [(dict(labels), sorted(kept.items())) for labels, kept in by_labels.items()]
