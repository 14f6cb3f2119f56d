"""Values → HTML: the templates, their filters, and the security headers of every page."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from handrail_receiver.html import LOCAL_TIMES, allowed, instant, templates_of, with_instants
from handrail_receiver.plots.timeplot import STYLE, TimePlot, svg
from handrail_receiver.view_models.summary import TONES
from handrail_receiver.words.times import clock, took
from handrail_receiver.words.whose import asked_by, whose

FOLDER = Path(__file__).parent / "templates"


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _style() -> str:
    """The style of the pages and of their plots."""
    return STYLE + _text("style.css")


def _script() -> str:
    return LOCAL_TIMES + _text("live.js")


def headers() -> dict[str, str]:
    """The headers of every page."""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {allowed(_style())}; script-src {allowed(_script())}; "
            "connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        ),
        "Cache-Control": "no-store",
        # Not "no-referrer": browsers then hide from us which page sent a form.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


@cache
def templates() -> jinja2.Environment:
    """The templates of the pages."""
    made = templates_of("handrail_receiver.web")
    made.filters |= {"when": instant, "clock": clock, "took": took, "typed": typed, "svg": _svg}
    made.filters |= {"asked_by": asked_by, "whose": whose}
    made.globals |= {
        "tones": TONES,
        "style": Markup(_style()),  # noqa: S704  a file of this package
        "script": Markup(_script()),  # noqa: S704
    }
    return made


@lru_cache(4096)
def typed(text: str) -> Markup:
    """A sentence as HTML: text between backticks as code, an instant as a time."""
    parts = [with_instants(part) for part in text.split("`")]
    shown = (
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )
    return Markup().join(shown)


def _svg(plot: TimePlot) -> Markup:
    return Markup(svg(plot))  # noqa: S704  it escapes what it is given
