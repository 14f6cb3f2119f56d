"""A page's name → its text: the documentation that came with this version."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from handrail.errors import WrongCall

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "docs", PACKAGE.parents[1] / "docs")
"""Where the pages lie: in what was installed, or beside the sources that an editable install points to."""

PARTS = (
    ("Tutorial", ("tutorial",)),
    ("How-to", ("how-to",)),
    ("Reference", ("reference",)),
    ("Explanation", ("concepts.md", "explanation")),
    ("For maintainers", ("maintainers", "decisions")),
)
"""Title of a part → its pages and folders."""


SITE = "site"
"""Below the pages: the same pages for a browser, in a wheel that `make dist` made."""


def pages() -> dict[str, dict[str, Path]]:
    """Title of each part → its pages by name: `receiver`, `targets/haproxy`.

    Raises WrongCall when they did not come along.
    """
    folder = _folder()
    return {
        title: dict(chain.from_iterable(_named(folder, place) for place in places)) for title, places in PARTS
    }


def listed() -> str:
    """Each part's title, and a line for each of its pages: name and heading."""
    parts = pages()
    width = max(len(name) for part in parts.values() for name in part)
    return "\n".join(
        f"{title}\n" + "".join(f"  {name.ljust(width)}  {_heading(file)}\n" for name, file in part.items())
        for title, part in parts.items()
    )


def page(name: str) -> str:
    """The text of a page. Raises WrongCall when there is none of that name."""
    return _file(name).read_text(encoding="utf-8")


def address(name: str) -> str:
    """Where a browser finds a page, or the first one. Raises WrongCall when the site did not come along."""
    folder = _folder()
    file = _file(name) if name else folder / "README.md"
    shown = file.with_name("index.html") if file.name == "README.md" else file.with_suffix(".html")
    built = folder / SITE / shown.relative_to(folder)
    if not built.is_file():
        raise WrongCall("no site came with this installation; `handrail docs` has its pages as text")
    return built.as_uri()


def _folder() -> Path:
    folder = next((one for one in FOLDERS if one.is_dir()), None)
    if folder is None:
        raise WrongCall(f"the documentation is not in {FOLDERS[0]}; install handrail from its wheel")
    return folder


def _file(name: str) -> Path:
    known = {short: file for part in pages().values() for short, file in part.items()}
    wanted = name.removesuffix(".md")
    if wanted not in known:
        like = get_close_matches(wanted, known, 1)
        cure = f"did you mean {like[0]}?" if like else "`handrail docs` lists them"
        raise WrongCall(f"there is no page '{name}'; {cure}")
    return known[wanted]


def _named(folder: Path, place: str) -> Iterator[tuple[str, Path]]:
    """The pages at one place; a folder's README.md has the folder's name."""
    if place.endswith(".md"):
        yield place.removesuffix(".md"), folder / place
        return
    top = folder if place == "decisions" else folder / place
    for file in sorted((folder / place).rglob("*.md")):
        named = file.parent if file.name == "README.md" else file.with_suffix("")
        yield str(named.relative_to(top)), file


def _heading(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
