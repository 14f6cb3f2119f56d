"""A token file that changes under a running receiver: what counts, what does not, and what is said."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from handrail_receiver.access import tokens as module
from handrail_receiver.access.tokens import Tokens

ALERTMANAGER, ALICE, VIC = "alertmanagers-own-token", "alices-own-token-0123", "vics-own-token-012345"
LINES = {
    "am-1": f"alertmanager am-1 {ALERTMANAGER}",
    "alice": f"operator alice {ALICE}",
    "vic": f"viewer vic {VIC}",
}
Changed = Callable[..., list[str]]


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text("\n".join(LINES.values()))
    return file


@pytest.fixture(name="valid")
def _valid(file: Path, monkeypatch: pytest.MonkeyPatch) -> Changed:
    """Who gets in, each time it is asked: the receiver looks at the file each time."""
    monkeypatch.setattr(module, "LOOK_EVERY", 0.0)
    tokens = Tokens((file,))

    def valid() -> list[str]:
        given = {"am-1": ALERTMANAGER, "alice": ALICE, "vic": VIC}
        tokens.problems  # noqa: B018  a first look: what is in doubt counts at the second
        found = [tokens.caller(f"Bearer {token}") for token in given.values()]
        return [*(caller.name for caller in found if caller), *tokens.problems]

    assert valid() == ["am-1", "alice", "vic"]
    return valid


def test_a_bad_line_does_not_keep_a_revoked_token_alive(file: Path, valid: Changed) -> None:
    file.write_text(f"{LINES['am-1']}\nveiwer vic {VIC}\n")
    roles = "alertmanager, viewer, operator, approver, or approver:ROLE"
    assert valid() == [
        "am-1",
        f"HANDRAIL_TOKENS_FILE: {file}:2: 'veiwer' is not a role; write one of {roles}",
    ]
    file.write_text("\n".join(LINES.values()))
    assert valid() == ["am-1", "alice", "vic"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            b"operator alice \xff\xfe-alices-own-token",
            "it holds letters that nobody can type; write it again",
        ),
        (
            b"operator al\x00ice alices-own-token-0123",
            "it holds letters that nobody can type; write it again",
        ),
        (
            b"operator alice short",
            "the token is shorter than 16 characters; make one with `openssl rand -hex 32`",
        ),
        (b"operator alices-own-token-0123", "a line has three words; write `ROLE NAME TOKEN`"),
    ],
)
def test_whatever_is_wrong_with_a_line_the_others_count(
    file: Path, valid: Changed, line: bytes, problem: str
) -> None:
    file.write_bytes(
        b"\xef\xbb\xbf" + LINES["am-1"].encode() + b"\r\n" + line + b"\n" + LINES["vic"].encode()
    )
    assert valid() == ["am-1", "vic", f"HANDRAIL_TOKENS_FILE: {file}:2: {problem}"]


def test_a_problem_never_shows_a_token_and_is_logged_once(
    file: Path, valid: Changed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "handrail")
    file.write_text(f"{ALICE} operator alice\n{LINES['am-1']}")
    said = [text for _ in range(3) for text in valid()[1:]]
    assert (len(set(said)), ALICE in "".join(said)) == (1, False)
    file.write_text(LINES["am-1"])
    valid()
    assert caplog.messages == [said[0], f"HANDRAIL_TOKENS_FILE: {file} is whole again"]


@pytest.mark.parametrize("lost", ["gone", "a folder"])
def test_without_its_file_people_are_out_and_alertmanager_stays_in(
    file: Path, valid: Changed, lost: str
) -> None:
    file.unlink()
    said = "is not there; correct the path, or write the file: one token a line, `ROLE NAME TOKEN`"
    if lost == "a folder":
        file.mkdir()
        said = "cannot be read (Is a directory); let the receiver's user read it"
    problem = f"HANDRAIL_TOKENS_FILE: {file} {said}; until then only Alertmanager's tokens count"
    assert [valid(), valid()] == [["am-1", problem]] * 2
    if lost == "gone":
        file.write_text(LINES["vic"])
        assert valid() == ["vic"]


def test_who_was_revoked_before_the_file_was_lost_stays_out(file: Path, valid: Changed) -> None:
    file.write_text(LINES["vic"])
    assert valid() == ["vic"]
    file.unlink()
    assert [name for name in valid() if name in LINES] == []


def test_a_file_that_is_replaced_leaves_no_gap(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.0)
    tokens = Tokens((file,))
    bearer = f"Bearer {ALICE}"
    assert tokens.caller(bearer) is not None
    file.write_text("")  # what an editor does before it writes
    assert tokens.caller(bearer) is not None
    file.write_text(LINES["alice"])
    assert tokens.caller(bearer) is not None
    file.write_text("")
    assert [tokens.caller(bearer) is not None for _ in range(2)] == [True, False]
