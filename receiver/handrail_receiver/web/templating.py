"""Values → HTML: the templates, what they may write, and the headers by which a browser obeys nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from handrail_receiver.html import allowed, templates_of
from handrail_receiver.plots.timeplot import STYLE, TimePlot, svg
from handrail_receiver.views.summary import TONES
from handrail_receiver.words.times import clock, took, when
from handrail_receiver.words.whose import asked_by, whose

FOLDER = Path(__file__).parent / "templates"
AN_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC")
"""An instant as `when` writes it, wherever it stands in a sentence."""


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _style() -> str:
    """The page's style, and what plots need of it."""
    return STYLE + _text("style.css")


def _script() -> str:
    return _text("live.js")


def headers() -> dict[str, str]:
    """What every page is sent with."""
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


def environment() -> jinja2.Environment:
    """The templates."""
    made = templates_of("handrail_receiver.web")
    made.filters |= {"when": instant, "clock": clock, "took": took, "typed": typed, "svg": _svg}
    made.filters |= {"asked_by": asked_by, "whose": whose}
    made.globals |= {
        "tones": TONES,
        "style": Markup(_style()),  # noqa: S704  a file of this package
        "script": Markup(_script()),  # noqa: S704
    }
    return made


def instant(at: datetime) -> Markup:
    """An instant, which the page's script writes the reader's own time beside."""
    return _time(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", when(at))


@lru_cache(4096)
def typed(text: str) -> Markup:
    """A sentence: what stands between backticks is to be typed, and an instant is one."""
    parts = [_instants(part) for part in text.split("`")]
    shown = (
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )
    return Markup().join(shown)


def _instants(text: str) -> Markup:
    made, last = Markup(), 0
    for found in AN_INSTANT.finditer(text):
        made += escape(text[last : found.start()]) + _time(f"{found[1]}T{found[2]}Z", found[0])
        last = found.end()
    return made + escape(text[last:])


def _time(machine: str, shown: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(machine, shown)


def _svg(plot: TimePlot) -> Markup:
    return Markup(svg(plot))  # noqa: S704  it escapes what it is given
