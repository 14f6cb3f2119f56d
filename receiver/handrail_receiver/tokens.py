"""Token files → who is calling and what they may do.

One line for each token: `ROLE NAME TOKEN`; `#` begins a comment. `approver:lead` may approve as `lead` only.
Several tokens of one role are valid at once, which is how a token is exchanged without a gap. A changed file
counts within half a second.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from handrail_receiver.gates import NO_TOKEN, Approver

Role = Literal["alertmanager", "viewer", "operator", "approver"]
ROLES: tuple[Role, ...] = get_args(Role)
SHORTEST = 16
LOOK_EVERY = 0.5

# What each role may do: an operator and an approver may also look; only Alertmanager's token submits alerts.
MAY: dict[Role, frozenset[Role]] = {
    "alertmanager": frozenset({"alertmanager"}),
    "viewer": frozenset({"viewer"}),
    "operator": frozenset({"viewer", "operator"}),
    "approver": frozenset({"viewer", "approver"}),
}


@dataclass(frozen=True)
class Caller:
    """Who is calling, as the evidence names them, and the roles they have; `approver`: as whom they may approve."""

    name: str
    may: frozenset[Role]
    approver: Approver = NO_TOKEN


@dataclass(frozen=True)
class Token:
    """One line of a token file; the token itself is kept only as its digest."""

    role: Role
    name: str
    digest: bytes
    only: str = ""

    @cached_property
    def approver(self) -> Approver:
        """Who it is where approvals are judged: a fingerprint that says nothing of the token."""
        return Approver(hashlib.sha256(b"fingerprint:" + self.digest).hexdigest()[:16], self.only)

    @cached_property
    def caller(self) -> Caller:
        """Who calls with it."""
        return Caller(self.name, MAY[self.role], self.approver)


ANYONE = Caller("anyone", frozenset(ROLES))


def read_tokens(path: Path) -> tuple[list[Token], list[str]]:
    """The tokens of one file, and one line for each thing wrong with it (which never shows a token)."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return [], [f"HANDRAIL_TOKENS_FILE: {path} cannot be read ({type(error).__name__}); make it readable"]
    tokens, wrong = [], []
    for number, line in enumerate(lines, 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        problem = _problem(words)
        if problem:
            wrong.append(f"HANDRAIL_TOKENS_FILE: {path}:{number}: {problem}")
        else:
            known, _, only = words[0].partition(":")
            role = next(role for role in ROLES if role == known)
            tokens.append(Token(role, words[1], _digest(words[2]), only))
    return tokens, wrong


def _problem(words: list[str]) -> str | None:
    if len(words) != 3:
        return "a line has three words; write `ROLE NAME TOKEN`"
    role, colon, only = words[0].partition(":")
    if role not in ROLES or (colon and not (role == "approver" and only)):
        return f"{words[0]!r} is not a role; write one of {', '.join(ROLES)}, or approver:ROLE"
    if len(words[2]) < SHORTEST:
        return f"the token is shorter than {SHORTEST} characters; make one with `openssl rand -hex 32`"
    return None


class Tokens:
    """The valid tokens of some files, read again when a file changes."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files = files
        self._state: object = None
        self._looked_at = -LOOK_EVERY
        self._tokens: tuple[Token, ...] = ()

    def caller(self, authorization: str | None) -> Caller | None:
        """Who sent this Authorization header (Bearer, or Basic with the token as password), or None."""
        given = _given(authorization)
        if given is None:
            return None
        digest = _digest(given)
        found = None
        for token in self._current():  # every one is compared, so that the time says nothing
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found.caller if found else None

    def approvers(self) -> frozenset[Approver]:
        """The tokens that may approve now."""
        return frozenset(token.approver for token in self._current() if "approver" in MAY[token.role])

    def _current(self) -> tuple[Token, ...]:
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY:
            return self._tokens
        self._looked_at = now
        state = tuple(_stamp(file) for file in self._files)
        if state != self._state:
            read = [read_tokens(file) for file in self._files]
            if not any(wrong for _, wrong in read):  # a half-written file leaves the old tokens valid
                self._tokens = tuple(token for tokens, _ in read for token in tokens)
            self._state = state
        return self._tokens


class NoTokens:
    """Everybody may do everything: only on a loopback address, and only when the settings say so."""

    def caller(self, authorization: str | None) -> Caller | None:  # noqa: ARG002  the same signature as Tokens
        """Anyone."""
        return ANYONE

    def approvers(self) -> frozenset[Approver]:
        """Anyone; four eyes cannot be told apart here."""
        return frozenset({NO_TOKEN})


def _stamp(file: Path) -> object:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _given(authorization: str | None) -> str | None:
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
