"""Every command of docs/how-to/walk.md does what the page says, typed in the order of a rollout's life."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from guarded import TOKENS, Guarded, guarded, playbook
from guarded.playbook import ENVIRONMENT, reducible
from handrail.cli.commands import app
from handrail.contract import Approval, Gate
from handrail_receiver.cli import VERBS
from typed import built
from typer.testing import CliRunner

PAGE = Path(__file__).parents[2] / "docs/how-to/walk.md"
LEAD = Approval(role="technical-lead", valid_for=86400, four_eyes=True)
BOOK = reducible(
    playbook(
        environment=ENVIRONMENT, gates=(Gate(into="50%", manual=("Is the log clean?",), approvals=(LEAD,)),)
    )
)
WHY = '--why "…"'
LATE = 'handrail rollout check NAME --item 3 --why "…"'
"""For a question of a check: this rollout has one question alone, and the receiver says which."""
ANSWER, APPROVE = (
    f"handrail rollout check NAME --item 1 {WHY}",
    "handrail rollout approve NAME --role technical-lead",
)
GATE = "handrail gate NAME --wait --timeout 45m --to 50%"
WATCH = "handrail rollout watch NAME"


@dataclass
class Typing:
    """A terminal in which people type, with the token of their role."""

    shop: Guarded
    folder: Path
    typed: set[str] = field(default_factory=set)

    def type(self, command: str, role: str = "operator") -> tuple[int, str]:
        """The exit code, and the first line."""
        code, said = self.whole(command, role)
        return code, said.partition("\n")[0]

    def whole(self, command: str, role: str = "operator") -> tuple[int, str]:
        """The exit code, and all that was said."""
        self.typed.add(command)
        token = self.folder / f"{role}.token"
        token.write_text(TOKENS[role])
        words = command.replace("NAME", "shop").replace("evidence-1", str(self.folder / "evidence-1"))
        argv = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', words)][1:]
        env = {"HANDRAIL_URL": self.shop.server.url, "HANDRAIL_TOKEN_FILE": str(token)}
        done = CliRunner().invoke(app, argv, env=env, catch_exceptions=False)
        return done.exit_code, done.output


@pytest.fixture(name="terminal")
def _terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Typing]:
    monkeypatch.setattr("typer.testing._get_command", built)  # which is made anew for each command otherwise
    with guarded(tmp_path, BOOK) as shop:
        yield Typing(shop, tmp_path)


def on_the_page() -> set[str]:
    """The commands that are asked of a receiver or of its evidence, as they are written."""
    text = PAGE.read_text(encoding="utf-8")
    asks = ("handrail rollout ", "handrail gate ", "handrail verify ")
    blocks = [
        line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    return {one for one in [*re.findall(r"`(handrail [^`]*)`", text), *blocks] if one.startswith(asks)}


def test_each_command_of_the_page_does_what_it_says(terminal: Typing) -> None:
    type_ = terminal.type
    assert type_("handrail rollout list") == (0, "rollout  service  attempt  state           stage  to know")
    code, said = type_(WATCH)
    assert (code, said[len("2026-11-28 03:32:34 ") :]) == (3, "shop: no attempt was started")
    assert type_("handrail rollout start NAME") == (0, "act (asked-for): a new attempt, in stage 10%")
    assert type_("handrail rollout status NAME") == (0, "shop: attempt 1, baking, stage 10%")
    assert type_("handrail rollout check NAME")[0] == 1  # no Prometheus is set: nothing can be seen
    assert type_(APPROVE, "approver")[1].startswith("refuse (not-ready): an approval covers the answers")
    assert type_(ANSWER) == (
        0,
        "note (checked): operator-1 says yes to 'Is the log clean?', of the gate into 50%: …",
    )
    assert type_(LATE)[1].startswith(
        "refuse (unknown-check): say which question of the gate into 50% you mean"
    )
    assert type_(APPROVE, "approver")[1].startswith("note (approved): approver-1 approved stage 50%")
    assert type_(GATE) == (0, "gate of shop into 50%: open")
    assert type_("handrail rollout promote NAME --to 50%") == (0, "act (asked-for): into stage 50%")
    assert type_(GATE)[1].startswith("gate of shop into 50%: passed: ")
    assert type_(f"handrail rollout hold NAME {WHY}") == (0, "hold (asked-for): operator-1: …")
    assert type_("handrail rollout resume NAME")[0] == 0
    assert type_(f"handrail rollout reduce NAME {WHY}") == (
        0,
        (
            "act (asked-for): 5 % instead of stage 50% (operator-1: …); "
            "`handrail rollout retry shop` enters stage 50% again, `handrail rollout rollback shop` goes back"
        ),
    )
    assert type_("handrail rollout retry NAME") == (0, "act (tried-again): attempt 1: entering 50% once more")
    assert type_("handrail rollout drill NAME")[0] == 0
    assert type_(f"handrail rollout adopt NAME {WHY}") == (
        0,
        "repeat (adopted-already): nothing changes: it follows the newest playbook already",
    )
    assert type_(f"handrail rollout rollback NAME {WHY}") == (
        0,
        "act (asked-for): operator-1 asked for a rollback: …",
    )
    assert type_(WATCH)[0] == 1
    assert type_("handrail rollout ack NAME")[0] == 0
    assert type_(f'handrail rollout close NAME --cause "…" {WHY}')[0] == 0
    assert (
        type_("handrail rollout bundle NAME evidence-1")[0] == 1
    )  # without a Prometheus there are no samples
    assert type_("handrail verify evidence-1")[0] == 0
    (terminal.folder / "haproxy.sock").rename(terminal.folder / "elsewhere.sock")
    assert terminal.shop.call("start", anyway=True, why="its target is away")["outcome"] == "failed"
    (terminal.folder / "elsewhere.sock").rename(terminal.folder / "haproxy.sock")
    assert type_("handrail rollout retry NAME")[0] == 0
    assert type_(f"handrail rollout rollback NAME {WHY}")[0] == 0
    terminal.shop.until("rollback", "done")
    assert type_(f"handrail rollout close NAME {WHY}")[0] == 0
    assert type_("handrail rollout start NAME")[0] == 0
    assert type_(f"handrail rollout abandon NAME {WHY}")[0] == 0
    assert terminal.typed == on_the_page()


JSON = {
    "list": (0, "rollouts"),
    "start": (0, "verdict"),
    "status": (0, "attempt"),
    "check": (1, "check"),
    "promote": (1, "verdict"),
    "approve": (1, "error"),
    "retry": (1, "verdict"),
    "hold": (0, "verdict"),
    "resume": (0, "verdict"),
    "reduce": (0, "verdict"),
    "drill": (0, "verdict"),
    "adopt": (0, "verdict"),
    "rollback": (0, "verdict"),
    "emergency-rollback": (0, "verdict"),
    "watch": (1, "phase"),
    "incident": (0, "incidents"),
    "postmortem": (0, "draft"),
    "ack": (0, "verdict"),
    "note": (0, "verdict"),
    "close": (0, "verdict"),
    "abandon": (0, "verdict"),
    "bundle": (1, "missing"),
}
"""Verb → its exit code in the life of one attempt, and a word of what it says as JSON."""


def test_each_verb_says_the_same_as_json_with_the_same_exit_code(terminal: Typing) -> None:
    assert set(JSON) == set(VERBS)
    for verb, (code, word) in JSON.items():
        name = {"list": "", "bundle": "NAME evidence-1", "note": "NAME --cause x"}.get(verb, "NAME")
        why = "" if verb in {"list", "watch"} else WHY
        found, said = terminal.whole(f"handrail rollout {verb} {name} --json {why}")
        document = "".join(
            line for line in said.splitlines(keepends=True) if not line.startswith("missing: ")
        )
        assert (verb, found, word in json.loads(document)) == (verb, code, True)
