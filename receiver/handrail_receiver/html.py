"""A folder of templates → HTML: what is the same in the pages of the receiver and in files that open without it."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime

import jinja2
from markupsafe import Markup, escape

from handrail_receiver.words.times import when

STANDALONE_STYLE = """\
:root { color-scheme: light dark; --ink: #1b2230; --paper: #fff; --link: #1f4fc4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --paper: #101319; --link: #8db2ff; } }
html { background: var(--paper); color: var(--ink); } body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem;
  margin: 0 auto; padding: 1rem; } a { color: var(--link); overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left;
  padding: .25rem .75rem .25rem 0; border-top: 1px solid #8886; vertical-align: top; }
td { overflow-wrap: anywhere; min-width: 5rem; } td.fit, td.time { min-width: 0; overflow-wrap: normal; }
td.time time { white-space: nowrap; } code { overflow-wrap: anywhere; font-size: .85em; } dt { font-weight: 600; }
dd { margin: 0 0 .4rem; } figure { margin: 1rem 0; } figcaption { font-weight: 600; } .far { font-weight: 400; }
.plots { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
.plots svg { width: 100%; } h2 { margin-top: 2rem; } h1, h2, h3 { overflow-wrap: anywhere; }
.missing { border: 2px solid currentColor; padding: .5rem 1rem; } .unknown { font-style: italic; }
@media (max-width: 40rem) { table, tbody, tr, td, tr > th[scope=row] { display: block; } tr.head, thead { display: none; }
  th, td { border-top: 0; padding: .05rem 0; } tr { border-top: 1px solid #8886; padding: .4rem 0; }
  td[data-label]:not(:empty)::before { content: attr(data-label) ": "; font-weight: 600; } }
"""
"""The style of a file that opens without a server. On a phone each cell is a line of its own, with the head of its column."""

LOCAL_TIMES = """\
"use strict";
const localTimes = () => {
  for (const one of document.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(one.dateTime);
    one.dataset.local = "";
    if (isNaN(at) || at.getTimezoneOffset() === 0) continue;
    const day = at.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
    one.append(` (${at.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" })} here)`);
  }
};
"""
"""A script that writes the reader's own time beside each instant that is in UTC."""
AN_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC")
"""An instant as `when` writes it, wherever it is in a sentence."""


def instant(at: datetime) -> Markup:
    """An instant, which LOCAL_TIMES writes the reader's own time beside."""
    return _time(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", when(at))


def with_instants(text: str) -> Markup:
    """A text, and each instant in it."""
    made, last = Markup(), 0
    for match in AN_INSTANT.finditer(text):
        made += escape(text[last : match.start()]) + _time(f"{match[1]}T{match[2]}Z", match[0])
        last = match.end()
    return made + escape(text[last:])


def _time(machine: str, shown: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(machine, shown)


def templates_of(package: str) -> jinja2.Environment:
    """The templates in a package's folder `templates`: what they print is escaped, a misspelled name is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def allowed(text: str) -> str:
    """What a browser compares an inline style or script with: no other one is obeyed."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy_of(style: str, script: str = "") -> str:
    """The policy of a file with this style, and this script or none: nothing comes from outside, and nothing else runs."""
    runs = f"; script-src {allowed(script)}" if script else ""
    return f"default-src 'none'; style-src {allowed(style)}{runs}"


def standalone(template: jinja2.Template, style: str, script: str = "", **values: object) -> str:
    """A file that opens without a server, and into which nothing comes from outside."""
    trusted, runs = Markup(style), Markup(script)  # noqa: S704  our own
    return template.render(style=trusted, script=runs, policy=policy_of(style, script), **values)
