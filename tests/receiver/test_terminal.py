"""What `handrail rollout …` says in the terminal of where a rollout stands, and of a receiver that is busy."""

from __future__ import annotations

from pathlib import Path

import pytest
from apis import Inbox
from apis.serving import Trouble
from guarded import TOKENS, Guarded, guarded, playbook
from handrail.contract import Command
from handrail_receiver import cli

DRILL = "`handrail rollout drill shop`"


def status(shop: Guarded, said: pytest.CaptureFixture[str]) -> list[str]:
    assert cli.rollout("status", "shop", url=shop.server.url, token=TOKENS["viewer"]) == 0
    return said.readouterr().out.splitlines()


def test_the_terminal_says_whether_it_can_be_rolled_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(tmp_path) as shop:
        assert status(shop, capsys) == ["shop: no attempt yet"]
        shop.call("start")
        began = ["shop: attempt 1, active, stage 10%"]
        asks = f"; {DRILL} asks anew"
        assert status(shop, capsys)[:2] == [
            *began,
            f"  can it be rolled back, when last rehearsed: yes{asks}",
        ]
        (tmp_path / "haproxy.sock").rename(tmp_path / "elsewhere.sock")
        shop.call("drill")
        no = status(shop, capsys)[1]
        assert no.startswith(
            "  can it be rolled back, when last rehearsed: NO: rollback, haproxy-weight: unix:"
        )
        assert no.endswith(f" (emergency-rollback and security-rollback as well){asks}")


def test_the_terminal_says_that_a_rollout_is_not_guarded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Command(["no-such-program"], ["true"])
    with guarded(tmp_path, playbook(stages=(), steps=[missing]), proxy=False) as shop:
        assert status(shop, capsys) == [
            f"shop: not guarded, although it always should be; {DRILL} says what is missing"
        ]
        shop.call("start", anyway=True, why="people watch")
        assert status(shop, capsys)[0] == "shop: attempt 1, active"


def test_a_receiver_that_takes_long_is_not_called_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "LONGEST", 0.3)
    with Inbox() as silent:
        silent.trouble = Trouble.silent
        assert cli.rollout("start", "shop", url=silent.url, token="x") == 1
        assert capsys.readouterr().err == (
            f"{silent.url} did not answer within 0.3 s and may still be at it; "
            "`handrail rollout status shop` says what came of it\n"
        )
