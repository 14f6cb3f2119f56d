"""Reports → one HTML file: it opens without a server, and nothing in it comes from outside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import jinja2

from handrail_receiver.html import STANDALONE_STYLE, policy_of, standalone, templates_of
from handrail_receiver.reports.reported import Report
from handrail_receiver.reports.wording import local_and_utc

POLICY = policy_of(STANDALONE_STYLE)
"""What the file says of itself, for whoever sends it as a page."""


def html(reports: Sequence[Report]) -> str:
    """All of them, one below the other."""
    title = reports[0].title if len(reports) == 1 else f"{len(reports)} reports"
    return standalone(
        templates().get_template("reports.html"), STANDALONE_STYLE, reports=reports, title=title
    )


@cache
def templates() -> jinja2.Environment:
    """The template of reports."""
    made = templates_of("handrail_receiver.reports")
    made.filters["both"] = local_and_utc
    return made
