"""docs/ → the site: its navigation, as docs/README.md lists the pages; links that leave docs/ are their text alone."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

LINK = re.compile(r"\[([^\]]*)\]\(([^)#:]+)(?:#[^)]*)?\)")
LISTED = re.compile(r"^## (.+)$|^\| \[[^\]]*\]\(([^)]+)\) \|", re.MULTILINE)
FIRST = "README.md"
NO_PAGES = "deploy/"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Called by mkdocs before it looks for pages."""
    config.nav = navigation(Path(config.docs_dir))
    return config


def on_page_markdown(markdown: str, *, page: Page, **_more: object) -> str:
    """Called by mkdocs for each page: nothing is where a link out of docs/ would lead."""
    folder = posixpath.dirname(page.file.src_uri)

    def inside(link: re.Match[str]) -> str:
        leads = posixpath.normpath(posixpath.join(folder, link[2]))
        return link[1] if leads.startswith(("../", NO_PAGES)) else link[0]

    return LINK.sub(inside, markdown)


def navigation(docs: Path) -> list[Any]:
    """The first page, and each of its headings that has pages with them; a folder's first page brings the others."""
    parts: dict[str, list[Any]] = {}
    for heading, page in LISTED.findall((docs / FIRST).read_text(encoding="utf-8")):
        if heading:
            pages = parts.setdefault(heading, [])
        else:
            pages.append(page if posixpath.basename(page) != FIRST else _folder(docs, page))
    return [FIRST, *({heading: pages} for heading, pages in parts.items() if pages)]


def _folder(docs: Path, first: str) -> dict[str, list[str]]:
    title = (docs / first).read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    others = sorted((docs / first).parent.glob("*.md"))
    return {title: [first, *(str(one.relative_to(docs)) for one in others if one.name != FIRST)]}
