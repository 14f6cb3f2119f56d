"""A bundle → a report as one HTML file: it opens without a server, and nothing in it comes from outside."""

from __future__ import annotations

from functools import cache

import jinja2
from markupsafe import Markup

from handrail_receiver.evidence.bundle import BundleIndex, Contents
from handrail_receiver.evidence.burst import BURST, BurstRecord
from handrail_receiver.evidence.declared import declared_lines
from handrail_receiver.evidence.plotting import plots_of
from handrail_receiver.html import (
    LOCAL_TIMES,
    STANDALONE_STYLE,
    instant,
    standalone,
    templates_of,
    with_instants,
)
from handrail_receiver.plots.timeplot import STYLE, far_words, svg
from handrail_receiver.view_models.timeline import timeline
from handrail_receiver.words.figures import figure
from handrail_receiver.words.steps import told
from handrail_receiver.words.times import took


def report(contents: Contents, index: BundleIndex) -> str:
    """The report, the newest last."""
    return standalone(
        templates().get_template("report.html"),
        STANDALONE_STYLE + STYLE,
        f"{LOCAL_TIMES}localTimes();",
        index=index,
        attempt=contents.attempt,
        playbook=contents.playbook,
        plots=[(plot.title, far_words(plot), Markup(svg(plot))) for plot in plots_of(contents)],  # noqa: S704  made of elements, which escape
        snapshots=sorted(contents.taken().items()),
        declared=list(declared_lines(contents.playbook, contents.own.records, contents.attempt.id)),
        bursts=[
            (one.number, BurstRecord.model_validate_json(one.body))
            for one in contents.own.records
            if one.kind == BURST
        ],
        entries=timeline(contents.own.chain(), ())[::-1],
        runs=contents.runs.runs,
    )


@cache
def templates() -> jinja2.Environment:
    """The report's template."""
    made = templates_of("handrail_receiver.evidence")
    made.filters |= {
        "when": instant,
        "instants": with_instants,
        "took": took,
        "figure": figure,
        "percent": _percent,
        "told": told,
    }
    return made


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share * 100:.3g} %"
