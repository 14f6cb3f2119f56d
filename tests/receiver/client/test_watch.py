"""`handrail rollout watch` follows a real receiver until the attempt ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
import servers
from guarded import TOKENS, Guarded, guarded, playbook
from guarded.playbook import ENVIRONMENT
from handrail_receiver.client.api_client import ApiClient, api_client
from handrail_receiver.client.picture import Picture
from handrail_receiver.client.watch import Bell, watch
from rich.console import Console

BOOK = playbook(environment=ENVIRONMENT)
INSTANT = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


def client(url: str) -> ApiClient:
    return api_client(url, TOKENS["viewer"], None, None, None)


def lets(*happen: Callable[[], object]) -> Callable[[ApiClient, str], Bell]:
    """A bell that does what happens between two looks, and rings then."""
    todo = iter(happen)

    class Scripted(Bell):
        def __init__(self, _client: ApiClient, _name: str) -> None: ...
        def heard(self) -> None: ...
        def end(self) -> None: ...
        def wait(self, seconds: float) -> None:  # noqa: ARG002
            next(todo)()

    return Scripted


def followed(shop: Guarded, *happen: Callable[[], object], as_json: bool = False) -> int:
    return watch(client(shop.server.url), "shop", as_json=as_json, rings=lets(*happen))


def test_in_a_pipe_only_what_changed_is_a_line_and_a_rollback_ends_it_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(tmp_path, BOOK) as shop:
        shop.call("start")
        code = followed(
            shop,
            lambda: None,
            lambda: shop.call("hold", why="lunch"),
            lambda: shop.call("rollback", why="customers wait"),
        )
    assert code == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(map(INSTANT.match, lines))
    said = [INSTANT.sub("", line) for line in lines]
    assert [line for line in said if line.startswith("shop: ")] == [
        "shop: attempt 1, baking, stage 10%",
        "shop: attempt 1, held, stage 10%",
        "shop: attempt 1, rolled-back, stage 10%",
    ]
    assert "  It waits for a person: operator-1: lunch" in said
    assert said.count("  fires: unknown") == 1


def test_a_complete_attempt_ends_it_with_0_and_json_is_a_document_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def to(stage: str) -> Callable[[], object]:
        return lambda: shop.call("promote", to=stage, anyway=True, why="a test")

    with guarded(tmp_path, BOOK) as shop:
        shop.call("start")
        assert followed(shop, to("50%"), lambda: None, to("100%"), to("complete"), as_json=True) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["phase"], one["stage"]) for one in documents] == [
        ("baking", "10%"),
        ("baking", "50%"),
        ("baking", "100%"),
        ("complete", "100%"),
    ]


def test_it_says_that_the_receiver_is_away_and_goes_on_once_it_is_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = servers.free_address()
    with ExitStack() as again, guarded(tmp_path, BOOK, ADDRESS=address) as first:
        first.call("start")

        def back() -> None:
            shop = again.enter_context(guarded(tmp_path, BOOK, proxy=False, ADDRESS=address))
            shop.call("abandon", why="a test")

        code = followed(first, lambda: servers.end(first.server), back)
    said = capsys.readouterr()
    assert code == 1
    assert INSTANT.sub("", said.out.splitlines()[-1]).startswith("  ")
    assert "shop: attempt 1, abandoned, stage 10%" in [
        INSTANT.sub("", line) for line in said.out.splitlines()
    ]
    away, answers = said.err.splitlines()
    assert away.startswith(f"http://{address} did not answer (Connection refused); ")
    assert away.endswith("; still trying")
    assert answers == "the receiver answers again"


def test_before_the_first_attempt_there_is_nothing_to_watch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(tmp_path, BOOK, proxy=False) as shop:
        assert followed(shop) == 3
        assert watch(client(shop.server.url), "shoop", rings=lets()) == 2
    said = capsys.readouterr()
    assert INSTANT.sub("", said.out.splitlines()[0]) == "shop: no attempt was started"
    assert (
        said.err
        == "no playbook declares 'shoop'; correct the name (`handrail rollout list` has all), or generate it\n"
    )
    assert followed(shop) == 3
    assert "did not answer" in capsys.readouterr().err


def rang(bell: Bell) -> bool:
    """Whether it rang; then it is as if it had not."""
    rang = bell.has_rung
    bell.heard()
    return rang


def test_what_happens_rings_the_bell_and_what_happens_elsewhere_does_not(tmp_path: Path) -> None:
    with guarded(tmp_path, BOOK) as shop:
        shop.call("start")
        elsewhere, here = Bell(client(shop.server.url), "another"), Bell(client(shop.server.url), "shop")
        try:
            servers.until(lambda: bool(shop.call("hold")) and rang(here), "the bell to ring")
            servers.until(lambda: bool(shop.call("resume")) and rang(here), "the bell to ring again")
            assert not rang(elsewhere)
        finally:
            here.end()
            elsewhere.end()


def test_ctrl_c_is_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        capsys.readouterr()
        raise KeyboardInterrupt

    with guarded(tmp_path, BOOK) as shop:
        shop.call("start")
        assert followed(shop, interrupted) == 130
    assert capsys.readouterr() == ("", "")


SAID = {
    "rollout": "shop",
    "service": "shop",
    "at": "2026-03-01T03:00:07.5Z",
    "attempt": 1,
    "phase": "baking",
    "stage": "10%",
    "held": "",
    "waits_for": "It waits for its gate into stage 50%.",
    "guardrails": [
        {
            "name": "error-rate",
            "verdict": "within its limits",
            "readings": [
                {"arm": "canary", "labels": "", "value": 0.004, "text": "0.4 %"},
                {"arm": "stable", "labels": "", "value": 0.002, "text": "0.2 %"},
            ],
            "limits": [{"tier": "critical", "text": "above 5 %"}, {"tier": "warning", "text": "above 1 %"}],
        },
        {"name": "latency", "verdict": "no data", "readings": [], "limits": []},
    ],
    "asked": 0.1,
    "traffic": "9.8 % of the events are the canary's; 10 % was asked for",
    "fires": [],
    "unknown": "",
    "other_rules": "",
    "gate": {
        "into": "50%",
        "open": False,
        "asks": [
            {"name": "lead", "met": False, "known": True, "text": "nobody has approved as 'lead'"},
            {"name": "error-rate", "met": False, "known": False, "text": "error-rate: unknown: no answer"},
        ],
    },
}


def drawn(problem: str = "", width: int = 110, **more: object) -> list[str]:
    console = Console(width=width, file=StringIO())
    with console.capture() as text:
        console.print(Picture({**SAID, **more}, problem))
    return [line.strip("│ ").rstrip() for line in text.get().splitlines()]


def test_a_terminal_gets_a_table_with_what_is_known_and_what_is_not() -> None:
    assert drawn() == [
        "╭─ shop: attempt 1, baking, stage 10% ".ljust(109, "─") + "╮",
        "It waits for its gate into stage 50%.",
        "",
        "guardrail   now                         limits                                 verdict",
        "error-rate  canary 0.4 %, stable 0.2 %  critical above 5 %; warning above 1 %  within its limits",
        "latency     no figure                                                          no data",
        "",
        "traffic  9.8 % of the events are the canary's; 10 % was asked for",
        "fires    nothing",
        "gate into 50%: closed",
        "not met  lead: nobody has approved as 'lead'",
        "unknown  error-rate: unknown: no answer",
        "2026-03-01 03:00:07 UTC",
        "╰".ljust(109, "─") + "╯",
    ]


def test_a_narrow_terminal_gets_lines_and_no_broken_words() -> None:
    assert drawn(width=40) == [
        "╭─ shop: attempt 1, baking, stage 10% ─╮",
        "It waits for its gate into stage",
        "50%.",
        "",
        "error-rate: within its limits",
        "canary 0.4 %, stable 0.2 %",
        "critical above 5 %",
        "warning above 1 %",
        "latency: no data",
        "no figure",
        "",
        "traffic  9.8 % of the events are the",
        "canary's; 10 % was asked for",
        "fires    nothing",
        "gate into 50%: closed",
        "not met  lead: nobody has approved",
        "as 'lead'",
        "unknown  error-rate: unknown: no",
        "answer",
        "2026-03-01 03:00:07 UTC",
        "╰──────────────────────────────────────╯",
    ]
    assert drawn(width=39)[:3] == [
        "╭─ shop ──────────────────────────────╮",
        "shop: attempt 1, baking, stage 10%",
        "",
    ]


def test_a_low_terminal_gets_all_but_what_is_well() -> None:
    def lines(height: int) -> list[str]:
        console = Console(width=80, height=height, file=StringIO(), force_terminal=True, no_color=True)
        with console.capture() as text:
            console.print(Picture(SAID, ""))
        return [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("│ ").rstrip() for line in text.get().splitlines()]

    assert any("critical above 5 %" in line for line in lines(20))
    assert lines(12)[1:-1] == [
        "It waits for its gate into stage 50%.",
        "",
        "latency: no data: no figure",
        "1 is within its limits",
        "",
        "traffic  9.8 % of the events are the canary's; 10 % was asked for",
        "fires    nothing",
        "gate into 50%: closed",
        "not met  lead: nobody has approved as 'lead'",
        "unknown  error-rate: unknown: no answer",
        "2026-03-01 03:00:07 UTC",
    ]


@pytest.mark.parametrize("width", [24, 40, 60, 80])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    console = Console(width=width, file=StringIO())
    with console.capture() as text:
        console.print(Picture(SAID, "http://127.0.0.1:8080 did not answer"))
    assert {len(line) for line in text.get().splitlines()} == {width}


def test_it_says_when_what_is_shown_is_old() -> None:
    assert drawn("http://127.0.0.1:8080 did not answer")[-2] == (
        "http://127.0.0.1:8080 did not answer; what you see is of 2026-03-01 03:00:07 UTC"
    )


def test_that_nothing_would_be_rolled_back_automatically_stands_first() -> None:
    problem = "the kill switch is set: nothing would be rolled back automatically"
    assert drawn(guard_problems=[problem])[1:3] == [problem, "It waits for its gate into stage 50%."]
