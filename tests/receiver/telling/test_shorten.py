"""A long story → what a channel takes: links, the newest line and the title's ends stay; nothing is cut in half."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import IncidentEntry, Link, ToldIncident
from handrail_receiver.telling.render import render
from handrail_receiver.telling.shorten import between_marks, middle_out, shortened
from handrail_receiver.telling.slack import Mrkdwn
from hypothesis import given
from hypothesis import strategies as st

from .conftest import NOON, OPEN

LINKS = tuple(
    Link(name, f"https://handrail.example/{name}?a=1&b=2") for name in ("Runbook", "Dashboard", "Rollout")
)
ANSWER = '<b>502 & upstream "web" says no</b> '
HALF = re.compile(r"&(?![a-z]+;)|<(?![^<>]*>)")


def story(lines: int, words: int) -> ToldIncident:
    """Many lines, each a long answer full of what Slack must have escaped; the newest says so."""
    told = [
        IncidentEntry(NOON + timedelta(seconds=n), f"step {n} failed: {ANSWER * words}") for n in range(lines)
    ]
    last = IncidentEntry(NOON + timedelta(minutes=5), f"rollback failed: {ANSWER * words}; people must look")
    return replace(OPEN, title=f"shop: rollback failed: {ANSWER * words}", lines=(*told, last), links=LINKS)


@pytest.mark.parametrize("writing", [Mrkdwn(), Plain()])
@pytest.mark.parametrize("longest", [1000, 3900, 8000, 20_000])
@pytest.mark.parametrize(("lines", "words"), [(0, 500), (12, 12), (29, 1), (29, 300)])
def test_of_a_long_story_the_links_and_the_newest_line_stay(
    writing: Writing, longest: int, lines: int, words: int
) -> None:
    text = render(None, story(lines, words), writing, longest)
    rows = text.splitlines()
    assert (len(text) <= longest, HALF.findall(text) if isinstance(writing, Mrkdwn) else []) == (True, [])
    assert rows[-3:] == [writing.link(link.text, link.url) for link in LINKS]
    assert (rows[-4].startswith("12:05:00 rollback failed: "), rows[-4].endswith("; people must look")) == (
        True,
        True,
    )
    assert writing.escape("shop: rollback failed: <b>502 & upstream") in rows[0]


def test_what_fits_is_not_touched() -> None:
    assert render(None, OPEN, Plain(), 5000) == render(
        None, OPEN, Plain(), len(render(None, OPEN, Plain(), 5000))
    )


def test_how_many_lines_are_left_out_is_said() -> None:
    cut = shortened(story(12, 1), 100, 20, 3)
    assert [line.text for line in cut.lines] == [
        "… 10 earlier",
        "step 10 faile…o</b> ",
        "step 11 faile…o</b> ",
        'rollback failed: <b>502 & upstream "web" says no</b> ; people must look',
    ]


def test_a_template_of_any_length_is_cut_between_its_marks() -> None:
    template = (
        "{{ incident.title | strong }} "
        + "&amp; <https://x.example|x> " * 500
        + "{{ incident.links[0] | link }}"
    )
    text = render(template, replace(OPEN, links=LINKS), Mrkdwn(), 3900)
    assert (len(text) <= 3900, HALF.findall(text), text.endswith("|Runbook>")) == (True, [], True)
    assert text.startswith("*checkout: rolled back because error-rate &gt; 1 %* &amp; <https://x.example|x>")


def test_the_note_of_a_template_that_failed_is_within_the_limit() -> None:
    text = render("{{ incident." + "x" * 5000 + " }}", story(29, 300), Mrkdwn(), 3900)
    assert len(text) <= 3900
    assert text.splitlines()[-1].startswith("(this rollout's template failed: ")
    assert text.splitlines()[-2] == Mrkdwn().link(LINKS[-1].text, LINKS[-1].url)


@given(
    st.lists(st.sampled_from(["<https://a|b>", "&amp;", "&lt;", "x", "\n", "…"]), max_size=60),
    st.integers(3, 80),
)
def test_no_mark_is_ever_cut_in_half(marks: list[str], longest: int) -> None:
    text = "".join(marks)
    cut = between_marks(text, longest)
    assert (len(cut) <= max(longest, 3), HALF.findall(cut)) == (True, [])
    assert cut == text or "\n…\n" in cut


@given(st.text(max_size=50), st.integers(1, 60))
def test_the_ends_of_a_text_stay(text: str, longest: int) -> None:
    cut = middle_out(text, longest)
    head, _, tail = cut.partition("…") if cut != text else (text, "", "")
    assert len(cut) <= max(longest, 1)
    assert text.startswith(head)
    assert text.endswith(tail)


def test_of_a_long_report_the_beginning_stays() -> None:
    lines = tuple(IncidentEntry(NOON, f"• field {number}: {'x' * 60}") for number in range(100))
    text = render(None, replace(OPEN, status="report", lines=lines, links=LINKS), Mrkdwn(), 1500)
    shown = [line for line in text.splitlines() if line.startswith(("•", "…"))]
    assert (shown[0][:9], shown[-1], len(text) <= 1500) == ("• field 0", "… 90 more", True)
