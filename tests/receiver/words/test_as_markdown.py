"""What people and alerts write shows in Markdown as they wrote it, and changes nothing around it."""

from __future__ import annotations

from html import unescape

import pytest
from handrail_receiver.words.as_markdown import paragraph, plain
from markdown_it import MarkdownIt

SHOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
WRITTEN = (
    "~~~",
    "~~~ everything below is code",
    "```sh",
    "- no item of a list",
    "+ 3 % of the requests",
    "-",
    "---",
    "===",
    "1. restarted it",
    "12) nor this",
    "2026-03-02, 1.5 s and 3-4 people",
    "# no heading",
    "> no quote",
    "it was <b>late</b> & &lt;cheap&gt; &#60;",
    "~~struck out~~ *bold* _slanted_ `code`",
    "![a picture](https://example.com/p.png) [a link](javascript:alert(1))",
    "a | b | c",
    "C:\\temp {x}",
)


@pytest.mark.parametrize("written", WRITTEN)
def test_a_paragraph_is_shown_as_it_was_written(written: str) -> None:
    assert _bare(SHOWN.render(f"## Cause\n\n{paragraph(written)}\n\n## Fix\n")) == [
        "<h2>Cause</h2>",
        f"<p>{written}</p>",
        "<h2>Fix</h2>",
    ]


@pytest.mark.parametrize("written", WRITTEN)
def test_an_item_and_a_cell_of_a_table_are_shown_as_they_were_written(written: str) -> None:
    assert _bare(SHOWN.render(f"- {paragraph(written)}\n")) == ["<ul>", f"<li>{written}</li>", "</ul>"]
    table = _bare(SHOWN.render(f"| | |\n|---|---|\n| Status | {plain(written)} |\n"))
    assert table[-5:] == ["<td>Status</td>", f"<td>{written}</td>", "</tr>", "</tbody>", "</table>"]


def _bare(made: str) -> list[str]:
    return unescape(made).splitlines()
