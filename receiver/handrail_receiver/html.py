"""A folder of templates → HTML: what is the same in the pages of the receiver and in files that open without it."""

from __future__ import annotations

import base64
import hashlib

import jinja2
from markupsafe import Markup

STANDALONE_STYLE = """\
:root { color-scheme: light dark; } body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto;
  padding: 1rem; } table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left;
  padding: .25rem .75rem .25rem 0; border-top: 1px solid #8886; vertical-align: top; overflow-wrap: anywhere; }
td.time { white-space: nowrap; } code { overflow-wrap: anywhere; font-size: .85em; } dt { font-weight: 600; }
dd { margin: 0 0 .4rem; } figure { margin: 1rem 0; } figcaption { font-weight: 600; } .far { font-weight: 400; }
.plots { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
.plots svg { width: 100%; } h2 { margin-top: 2rem; }
.missing { border: 2px solid currentColor; padding: .5rem 1rem; } .unknown { font-style: italic; }
"""
"""The style of a file that opens without a server."""


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


def policy_of(style: str) -> str:
    """The policy of a file with this style: nothing comes from outside, and nothing runs."""
    return f"default-src 'none'; style-src {allowed(style)}"


def standalone(template: jinja2.Template, style: str, **values: object) -> str:
    """A file that opens without a server, and into which nothing comes from outside."""
    trusted = Markup(style)  # noqa: S704  our own
    return template.render(style=trusted, policy=policy_of(style), **values)
