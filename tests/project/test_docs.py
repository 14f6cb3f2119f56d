"""The pages people read → what they name exists, and what exists is named in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import declared
import pytest
import typer
from handrail.cli import app
from handrail.compiler import compile_source, problems_everywhere
from handrail.errors import Severity
from handrail.units import span
from handrail_receiver.settings import Settings
from on_path import handrail_on_path
from project import lint_page
from project.examples import ROOT, Example, examples, pages
from tools.site_hooks import navigation
from typed import typed

TARGET = re.compile(r"^([a-z0-9-]+):.*## ", re.MULTILINE)
ANCHOR = re.compile(r"\[[^\]]*\]\(([^)#:]*\.md)?#([^)]+)\)")
LINK = re.compile(r"\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings have on Git hosts and in the site."""
    outside = "".join(page.read_text().split("```")[::2])
    titles = re.findall(r"^#+ (.+)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def targets() -> list[str]:
    """What `make` alone lists."""
    return TARGET.findall((ROOT / "Makefile").read_text())


def sections(page: str) -> dict[str, str]:
    """Heading of the second level → what is below it."""
    _, *parts = re.split(r"^## (.+)$", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@cache
def options() -> dict[str, set[str]]:
    """Every command as it is typed → its options."""
    found: dict[str, set[str]] = {}
    ahead = [("handrail", typer.main.get_command(app))]
    while ahead:
        typed, command = ahead.pop()
        below = getattr(command, "commands", {})
        ahead += [(f"{typed} {name}", child) for name, child in below.items()]
        if not below:
            found[typed] = {
                name for parameter in command.params for name in parameter.opts if name.startswith("-")
            }
    return found


def commands(example: Example) -> list[list[str]]:
    """The commands of a shell example, continued lines joined, without comments."""
    text = example.text.replace("\\\n", " ")
    return [words for line in text.splitlines() if (words := line.partition("#")[0].split())]


def test_every_target_of_the_makefile_is_described_and_no_other() -> None:
    described = re.findall(
        r"^\| `make ([a-z0-9-]+)` \|", (ROOT / "docs/maintainers/development.md").read_text(), re.MULTILINE
    )
    assert described == targets()


def test_make_alone_lists_every_target() -> None:
    said = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert [line.split()[1] for line in said.splitlines()] == targets()


def test_every_command_is_described_with_every_option_and_no_other() -> None:
    table = re.compile(r"^\| (`-.*?) \|", re.MULTILINE)
    described = {
        command: set(re.findall(r"`(-[a-z-]+)`", "".join(table.findall(text))))
        for command, text in sections("reference/commands.md").items()
    }
    assert described == options()


def test_the_page_of_the_lints_says_what_the_lints_say() -> None:
    written = "PYTHONPATH=tests .venv/bin/python -m project.lint_page"
    assert lint_page.PAGE.read_text() == lint_page.page(), f"write it again: {written}"


def test_every_setting_is_described_with_what_holds_without_it_and_no_other() -> None:
    row = re.compile(r"^\| `(HANDRAIL_[A-Z_]+)` \| (?:`(.*?)`)? ?\|", re.MULTILINE)
    meant = {
        f"HANDRAIL_{name.upper()}": "" if field.default in (None, ()) else _written(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert dict(row.findall(sections("reference/receiver.md")["Settings"])) == meant


def _written(default: object) -> str:
    return span(default) if isinstance(default, timedelta) else str(default)


def test_every_link_leads_to_a_file() -> None:
    broken = {
        f"{page.relative_to(ROOT)} → {link}"
        for page in pages()
        for link in LINK.findall(page.read_text())
        if not (page.parent / link).exists()
    }
    assert broken == set()


def test_every_link_into_a_page_leads_to_one_of_its_headings() -> None:
    broken = {
        f"{page.relative_to(ROOT)} → {link}#{anchor}"
        for page in pages()
        for link, anchor in ANCHOR.findall(page.read_text())
        if anchor not in headings(page.parent / link if link else page)
    }
    assert broken == set()


def test_every_page_is_in_the_site_s_navigation_once() -> None:
    listed = Counter(re.findall(r"[\w/-]+\.md", str(navigation(ROOT / "docs"))))
    assert listed == Counter(str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md"))


@pytest.mark.long
def test_the_site_is_built_and_no_link_in_it_leads_nowhere(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "reference/targets/haproxy.html").is_file()


def test_every_page_can_be_reached_from_the_first() -> None:
    reached: set[Path] = set()
    ahead = {ROOT / "README.md"}
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead |= {
            target
            for link in LINK.findall(page.read_text())
            if (target := (page.parent / link).resolve()).suffix == ".md" and target.is_file()
        } - reached
    assert {str(page.relative_to(ROOT)) for page in set(pages()) - reached} == set()


@pytest.mark.parametrize("example", examples("sh"), ids=str)
def test_a_shell_example_names_targets_that_exist(example: Example) -> None:
    named = {words[1] for words in commands(example) if words[0] == "make" and len(words) > 1}
    assert named - set(targets()) == set()


@pytest.mark.parametrize("example", examples("sh"), ids=str)
def test_a_shell_example_names_commands_and_options_that_exist(example: Example) -> None:
    for words in commands(example):
        if words[0] == "handrail":
            typed = max((c for c in options() if words[: len(c.split())] == c.split()), key=len, default="")
            assert typed, f"no such command: {' '.join(words)}"
            used = {word.partition("=")[0] for word in words if word.startswith("-")}
            assert used - options()[typed] == set()


def test_every_python_example_that_is_no_quote_compiles() -> None:
    for example in examples("python"):
        if not example.quote:
            compile(example.text, str(example), "exec")


def test_the_page_of_declarations_declares_what_can_be_generated(tmp_path: Path) -> None:
    """All of its rollouts in one folder, in both of its environments."""
    written = [example for example in examples("python") if example.page == "docs/reference/declarations.md"]
    files = {f"rollouts/line_{example.line}.py": example.text for example in written[:-1]}
    source = declared.folder(tmp_path, {**files, "environments.py": written[-1].text})
    problems = problems_everywhere(source)
    assert [str(problem) for problem in problems if problem.severity > Severity.info] == []
    for environment in ("production", "staging"):
        made = compile_source(source, environment)
        rules = {path for path in made if path.startswith("prometheus/rules/")}
        assert rules == {
            f"prometheus/rules/{name}.yml" for name in ("checkout-v2", "orders", "relay", "search", "shop")
        }


@pytest.fixture(scope="module", name="repository")
def _repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository with one of its rollouts, and what is generated from it."""
    folder = tmp_path_factory.mktemp("repository")
    rollout = (ROOT / "rules_src/rollouts/checkout.py").read_text()
    place = 'from handrail.declare import *\n\nproduction = Environment("production")\n'
    declared.folder(folder, {"rollouts/checkout.py": rollout, "environments.py": place}).rename(
        folder / "rules_src"
    )
    made = typed("generate", folder=folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module", name="commands_folder")
def _commands_folder() -> Iterator[Path]:
    with handrail_on_path() as folder:
        yield folder


@pytest.mark.parametrize("example", [e for e in (*examples("sh"), *examples("python")) if e.run], ids=str)
def test_an_example_that_asks_for_it_runs(
    example: Example, repository: Path, commands_folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "handrail"
    shutil.copytree(repository, copy)
    shell = ["sh", "-eu", "-c", example.text]
    argv = shell if example.language == "sh" else [sys.executable, "-c", example.text]
    path = f"{commands_folder}:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/bin"
    ran = subprocess.run(
        argv, cwd=copy, env={"PATH": path, "LANG": "C.UTF-8"}, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
