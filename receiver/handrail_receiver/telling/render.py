"""An incident and a template → the text people read.

A template is jinja2 in a sandbox; it knows `incident` and nothing else, a misspelled name is an error, and each
value it prints is escaped for the channel. A template that fails never keeps anybody from being told: the
default text goes out and says so.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from handrail.contract import TEMPLATE_FILTERS
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import TOLD_ONCE, IncidentEntry, Link, ToldIncident
from handrail_receiver.telling.shorten import fitted, middle_out

DEFAULT = """\
{{ incident.title | strong }}
{{ incident.rollout }} ({{ incident.service }}) · {{ incident.status }}\
{% if incident.resolved %} after {{ (incident.resolved - incident.opened) | duration }}{% endif %}

{% if incident.lines | length > 10 %}… {{ incident.lines | length - 10 }} earlier
{% endif %}
{% for line in incident.lines[-10:] %}
{{ line.at | clock }} {{ line.text }}
{% endfor %}
{% for link in incident.links %}
{{ link | link }}
{% endfor %}
"""
TOLD_LINE_BY_LINE = """\
{{ incident.title | strong }}
{{ incident.rollout }} ({{ incident.service }})

{% for line in incident.lines %}
{{ line.text }}
{% endfor %}
{% for link in incident.links %}
{{ link | link }}
{% endfor %}
"""
FAILURES = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def render(template: str | None, incident: ToldIncident, writing: Writing, longest: int) -> str:
    """The text of `template`, or of the default one where there is none or where it fails, fitted into `longest`."""
    if template is not None:
        try:
            return fitted(incident, lambda shown: _rendered(template, shown, writing), longest)
        except FAILURES as error:
            note = "\n" + writing.escape(f"(this rollout's template failed: {middle_out(str(error), 300)})")
            return _default(incident, writing, longest - len(note)) + note
    return _default(incident, writing, longest)


def _default(incident: ToldIncident, writing: Writing, longest: int) -> str:
    template = TOLD_LINE_BY_LINE if incident.status in TOLD_ONCE else DEFAULT
    return fitted(incident, lambda shown: _rendered(template, shown, writing), longest)


def template_problem(template: str) -> str | None:
    """What is wrong with a template, found by rendering it; None when it works for an incident open and over."""
    try:
        for incident in _specimens():
            _rendered(template, incident, Plain())
    except FAILURES as error:
        return f"{error}; `handrail docs telling` says what a template knows"
    return None


class _Finished(str):
    """Text that a filter has escaped already."""

    __slots__ = ()


def _rendered(template: str, incident: ToldIncident, writing: Writing) -> str:
    def finalize(value: object) -> str:
        return value if isinstance(value, _Finished) else writing.escape(str(value))

    jinja = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, finalize=finalize
    )
    filters = (
        lambda at: f"{at.astimezone(UTC):%H:%M:%S}",
        _duration,
        lambda link: _Finished(writing.link(link.text, link.url)),
        lambda text: _Finished(writing.strong(str(text))),
    )
    jinja.filters |= dict(zip(TEMPLATE_FILTERS, filters, strict=True))
    return jinja.from_string(template).render(incident=incident).strip()


def _duration(span: timedelta) -> str:
    """`90061 s` → `25 h 1 min 1 s`; parts that are zero are left out."""
    minutes, seconds = divmod(max(0, round(span.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def _specimens() -> tuple[ToldIncident, ToldIncident]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    lines = (IncidentEntry(at, "decided"), IncidentEntry(at, "acted"))
    links = (Link("runbook", "https://runbooks.invalid/"),)
    common = ("key", "rollout", "service", "title")
    return (
        ToldIncident(*common, "open", "critical", lines, links, at, at),
        ToldIncident(*common, "resolved", "info", lines, links, at, at, at),
    )
