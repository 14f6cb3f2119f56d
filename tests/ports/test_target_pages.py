"""The kinds of steps → a page for each, whose examples are declarations that work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from apis import Inbox
from handrail.contract import STEP_CLASSES, Channel, Step, Tell
from handrail_receiver.targets import TARGETS
from handrail_receiver.telling.render import template_problem
from ports.target_cases import CASES
from pydantic import TypeAdapter
from starlette.responses import JSONResponse

DOCS = Path(__file__).parents[2] / "docs/reference"
PAGES = sorted(page for page in (DOCS / "targets").glob("*.md") if page.name != "README.md")
SECTIONS = ["What it needs", "What is sent and read back", "What a rehearsal finds out", "Beware"]
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| `([a-z-]+)` \| \[([a-z-]+\.md)\]", re.MULTILINE)
CLASSES = STEP_CLASSES


def kind(declared: type) -> str:
    """The `kind` of a step's or a channel's class."""
    word: str = declared.__dataclass_fields__["kind"].default.default  # type: ignore[attr-defined]
    return word


def declared(page: Path) -> list[object]:
    """All that the examples of a page that declare something make."""
    made: list[object] = []
    for example in EXAMPLE.findall(page.read_text()):
        if "from handrail.declare import" in example:
            names: dict[str, object] = {}
            exec(compile(example, str(page), "exec"), names)  # noqa: S102  our own pages
            made += [value for name, value in names.items() if isinstance(value, CLASSES) or name == "tell"]
    return made


def test_every_kind_of_step_has_a_class_a_line_a_page_and_a_case() -> None:
    rows = ROW.findall((DOCS / "targets" / "README.md").read_text())
    kinds = {kind(declared) for declared in CLASSES}
    assert [(name, word) for name, word, _ in rows] == [(one.__name__, kind(one)) for one in CLASSES]
    assert {DOCS / "targets" / page for *_, page in rows} == set(PAGES)
    assert {word for words, _ in TARGETS for word in words} == kinds
    assert set(CASES) - {"fake"} == kinds


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_answers_the_same_questions_in_the_same_order(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    assert headings[: len(SECTIONS)] == SECTIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_s_examples_are_steps_of_its_kind_that_survive_the_playbook(page: Path) -> None:
    rows = ROW.findall((DOCS / "targets" / "README.md").read_text())
    steps = declared(page)
    adapter: TypeAdapter[Step] = TypeAdapter(Step)
    assert {word for _, word, name in rows if name == page.name} <= {step.kind for step in steps}  # type: ignore[attr-defined]
    assert [adapter.validate_json(adapter.dump_json(step)) for step in steps] == steps  # type: ignore[arg-type]


def test_the_page_of_telling_shows_every_channel_and_a_template_that_works() -> None:
    page = DOCS / "telling.md"
    [tells] = declared(page)
    kinds = [kind(one) for one in get_args(get_args(Channel)[0])]
    [template] = re.findall(r"^```jinja\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    assert {tell.channel.kind for tell in tells} == set(kinds)  # type: ignore[attr-defined]
    assert sorted(set(re.findall(r"\| `([a-z-]+)` \|", page.read_text())) & set(kinds)) == sorted(kinds)
    assert (template_problem(template), Tell(tells[0].channel, template).template) == (None, template)  # type: ignore[index]


def test_the_page_s_program_for_flagd_replaces_its_file_and_asks_what_it_answers(tmp_path: Path) -> None:
    [program] = [
        text for text in EXAMPLE.findall((DOCS / "targets/command.md").read_text()) if "ofrep" in text
    ]
    flags = {
        "flags": {"fast-path": {"state": "ENABLED", "defaultVariant": "on", "variants": {"on": 1, "off": 0}}}
    }
    script, file = tmp_path / "flagd-variant", tmp_path / "shop.json"
    script.write_text(program)
    file.write_text(json.dumps(flags))
    file.chmod(0o640)

    def run(*words: str) -> int:
        return subprocess.run([sys.executable, script, *words], check=False, timeout=30).returncode

    with Inbox() as flagd:
        flagd.queue = [JSONResponse({"key": "fast-path", "variant": variant}) for variant in ("on", "off")]
        codes = [run("--is", flagd.url, "fast-path", "off"), run(str(file), "fast-path", "off")]
        codes.append(run("--is", flagd.url, "fast-path", "off"))
    flags["flags"]["fast-path"]["defaultVariant"] = "off"
    assert (codes, json.loads(file.read_text()), file.stat().st_mode & 0o777) == ([1, 0, 0], flags, 0o640)
    assert sorted(os.listdir(tmp_path)) == ["flagd-variant", "shop.json"]  # noqa: PTH208
