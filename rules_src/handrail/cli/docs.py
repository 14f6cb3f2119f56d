"""A page's name → its text: the documentation that came with this version."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from handrail.errors import WrongCall

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "docs", PACKAGE.parents[1] / "docs")
"""Where the pages lie: in what was installed, or beside the sources that an editable install points to."""


def pages() -> dict[str, Path]:
    """Every page by its name: `receiver`, `targets/haproxy`. Raises WrongCall when they did not come along."""
    folder = next((one for one in FOLDERS if one.is_dir()), None)
    if folder is None:
        raise WrongCall(f"the documentation is not in {FOLDERS[0]}; install handrail from its wheel")
    return {str(file.relative_to(folder).with_suffix("")): file for file in sorted(folder.rglob("*.md"))}


def listed() -> str:
    """A line for each page: its name, and its heading."""
    known = pages()
    width = max(map(len, known))
    return "".join(f"{name.ljust(width)}  {_heading(file)}\n" for name, file in known.items())


def page(name: str) -> str:
    """The text of a page. Raises WrongCall when there is none of that name."""
    known = pages()
    wanted = name.removesuffix(".md")
    if wanted not in known:
        like = get_close_matches(wanted, known, 1)
        cure = f"did you mean {like[0]}?" if like else "`handrail docs` lists them"
        raise WrongCall(f"there is no page '{name}'; {cure}")
    return known[wanted].read_text(encoding="utf-8")


def _heading(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
