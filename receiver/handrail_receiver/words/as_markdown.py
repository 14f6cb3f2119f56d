"""A text that people, alerts or programs wrote → the same in Markdown, where it shows as it is and is no markup. Pure."""

from __future__ import annotations

import re

INLINE = re.compile(r"[\\`*_\[\]<>#|~]|&(?=#?\w+;)")
"""What is markup wherever it stands: emphasis, links, tables, HTML and its entities, strikethrough, fences of code."""
BLOCK = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[-+=]))")
"""What is markup at the beginning of a paragraph or an item: lists, rules, underlines of headings."""


def plain(text: str) -> str:
    """A text on one line, where something stands before it."""
    return INLINE.sub(r"\\\g<0>", " ".join(text.split()))


def paragraph(text: str) -> str:
    """The same, where it stands at the beginning of a paragraph or an item of a list."""
    return BLOCK.sub(r"\1\\", plain(text))
