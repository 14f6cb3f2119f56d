"""A bundle → a report as one HTML file: it opens without a server, and nothing in it comes from outside."""

from __future__ import annotations

import base64
import hashlib
import json

import jinja2
from markupsafe import Markup

from handrail_receiver.evidence.bundle import BundleIndex, Contents
from handrail_receiver.evidence.plotting import plots
from handrail_receiver.model import EvidenceRecord
from handrail_receiver.plots.timeplot import STYLE, svg
from handrail_receiver.views.timeline import timeline
from handrail_receiver.words.figures import figure
from handrail_receiver.words.times import took, when

PAGE_STYLE = """\
:root { color-scheme: light dark; } body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto;
  padding: 1rem; } table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left;
  padding: .25rem .75rem .25rem 0; border-top: 1px solid #8886; vertical-align: top; overflow-wrap: anywhere; }
td.time { white-space: nowrap; } code { overflow-wrap: anywhere; font-size: .85em; } dt { font-weight: 600; }
dd { margin: 0 0 .4rem; } figure { margin: 1rem 0; } figcaption { font-weight: 600; } h2 { margin-top: 2rem; } .missing { border: 2px solid currentColor; padding: .5rem 1rem; }
"""


def report(contents: Contents, index: BundleIndex) -> str:
    """The report, the newest last."""
    style = PAGE_STYLE + STYLE
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    taken = contents.taken()
    return (
        _environment()
        .get_template("report.html")
        .render(
            style=Markup(style),  # noqa: S704  our own
            policy=f"default-src 'none'; style-src 'sha256-{allowed}'",
            index=index,
            attempt=contents.attempt,
            playbook=contents.playbook,
            plots=[(plot.title, Markup(svg(plot))) for plot in plots(contents)],  # noqa: S704  made of elements, which escape
            snapshots=sorted(taken.items()),
            entries=timeline(_own(contents), ())[::-1],
            runs=contents.runs.runs,
        )
    )


def _own(contents: Contents) -> list[EvidenceRecord]:
    """The records about the attempt; those about none as well."""
    known = {contents.attempt.id, 0}
    return [one for one in contents.chain.chain() if json.loads(one.body).get("attempt", 0) in known]


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("handrail_receiver.evidence"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"when": when, "took": took, "figure": figure, "percent": _percent}
    return made


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share * 100:.3g} %"
