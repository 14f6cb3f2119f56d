"""An incident and a template → the text people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from handrail_receiver.telling.channel import Plain
from handrail_receiver.telling.incident import IncidentEntry, Link, ToldIncident
from handrail_receiver.telling.render import render, template_problem
from handrail_receiver.telling.slack import Mrkdwn

from .conftest import NOON, OPEN

RESOLVED = replace(OPEN, status="resolved", resolved=NOON + timedelta(minutes=61, seconds=5))
NASTY = ToldIncident(
    key="k",
    rollout="checkout",
    service="shop",
    title="<!channel> & <https://evil.example|click>",
    status="open",
    severity="critical",
    lines=(IncidentEntry(NOON, "{{ 7 * 7 }} <b> *bold* | `x`"),),
    links=(Link("a>b|c", "https://r.example/?q=<x>|y&z"),),
    opened=NOON,
    updated=NOON,
)


def test_the_default_text_says_what_happened_when_and_where_to_look() -> None:
    assert render(None, RESOLVED, Plain(), 5000) == (
        "checkout: rolled back because error-rate > 1 %\n"
        "checkout (shop) · resolved after 1 h 1 min 5 s\n"
        "12:00:00 error-rate was 3.2 % for 5 min\n"
        "12:00:02 web/canary has weight 0\n"
        "Runbook: https://runbooks.example/checkout?a=1&b=2"
    )


def test_in_slack_it_has_slack_s_marks() -> None:
    assert render(None, OPEN, Mrkdwn(), 5000) == (
        "*checkout: rolled back because error-rate &gt; 1 %*\n"
        "checkout (shop) · open\n"
        "12:00:00 error-rate was 3.2 % for 5 min\n"
        "12:00:02 web/canary has weight 0\n"
        "<https://runbooks.example/checkout?a=1&amp;b=2|Runbook>"
    )


def test_what_others_wrote_can_neither_call_the_channel_nor_be_a_link_or_a_template() -> None:
    assert render(None, NASTY, Mrkdwn(), 5000) == (
        "*&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;*\n"
        "checkout (shop) · open\n"
        "12:00:00 {{ 7 * 7 }} &lt;b&gt; *bold* | `x`\n"
        "<https://r.example/?q=&lt;x&gt;%7Cy&amp;z|a&gt;b|c>"
    )


def test_a_template_s_own_marks_stay_and_its_values_are_escaped() -> None:
    assert render("<!here> *{{ incident.title }}*", NASTY, Mrkdwn(), 5000) == (
        "<!here> *&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;*"
    )


def test_a_long_story_shows_its_end_and_says_how_much_came_before() -> None:
    lines = tuple(IncidentEntry(NOON + timedelta(seconds=number), f"line {number}") for number in range(25))
    shown = render(None, replace(OPEN, lines=lines), Plain(), 5000).splitlines()
    assert (shown[2], shown[3], shown[12]) == ("… 15 earlier", "12:00:15 line 15", "12:00:24 line 24")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (
            "{{ incident.titel }}",
            "'handrail_receiver.telling.incident.ToldIncident object' has no attribute 'titel'",
        ),
        ("{{ rollout }}", "'rollout' is undefined"),
        ("{{ incident.lines[9].text }}", "handrail_receiver.telling.incident.Line"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{% for x in incident %}{% endfor %}", "'ToldIncident' object is not iterable"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "access to attribute '__class__'"),
        ("{{ incident.lines.append(1) }}", "has no attribute 'append'"),
        ("{% include '/etc/passwd' %}", "no loader for this environment specified"),
        ("{{ incident.title ", "unexpected end of template"),
        ("{% macro more() %}{{ more() }}{% endmacro %}{{ more() }}", "maximum recursion depth exceeded"),
    ],
)
def test_a_template_that_fails_still_lets_the_default_text_out(template: str, why: str) -> None:
    text = render(template, OPEN, Plain(), 5000)
    found = template_problem(template)
    assert text.startswith(f"{render(None, OPEN, Plain(), 5000)}\n(this rollout's template failed: ")
    if "lines[9]" not in template:
        assert why in text
    assert found is not None
    assert found.endswith("; `handrail docs telling` says what a template knows")


@pytest.mark.parametrize(
    "template", ["{{ incident.title | strong }}", "{% if incident.resolved %}over{% endif %}"]
)
def test_a_template_that_works_has_no_problem(template: str) -> None:
    assert template_problem(template) is None
