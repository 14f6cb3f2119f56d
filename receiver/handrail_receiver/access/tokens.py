"""Token files → who is calling and what they may do.

One line for each token: `ROLE NAME TOKEN`; `#` begins a comment. `approver:lead` may approve as `lead` only.
Several tokens of one role are valid at once, which is how a token is exchanged without a gap. A changed file
counts within a second, line by line: one that is wrong is said, and the others count. Of a file that is gone or
cannot be read, Alertmanager's tokens go on as they were read last, since without them nobody is guarded and they
can do nothing but submit alerts; people's end.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import hmac
import logging
import secrets
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from handrail_receiver.gates.gate import NO_TOKEN, Approver

log = logging.getLogger("handrail")
Role = Literal["alertmanager", "viewer", "operator", "approver"]
ROLES: tuple[Role, ...] = get_args(Role)
SHORTEST = 16
LOOK_EVERY = 0.5
REPLACED = "\N{REPLACEMENT CHARACTER}"

# What each role may do: an operator and an approver may also look; only Alertmanager's token submits alerts.
MAY: dict[Role, frozenset[Role]] = {
    "alertmanager": frozenset({"alertmanager"}),
    "viewer": frozenset({"viewer"}),
    "operator": frozenset({"viewer", "operator"}),
    "approver": frozenset({"viewer", "approver"}),
}


@dataclass(frozen=True)
class Caller:
    """Who is calling, as the evidence names them, and the roles they have; `approvers`: as whom they may approve."""

    name: str
    may: frozenset[Role]
    approvers: tuple[Approver, ...] = (NO_TOKEN,)

    def approver_as(self, role: str) -> Approver:
        """What they approve with as `role`; what may not, where none of it may."""
        return next((one for one in self.approvers if one.may(role)), self.approvers[0])

    def approves_as(self, role: str) -> bool:
        """Whether they may approve as `role`."""
        return "approver" in self.may and self.approver_as(role).may(role)


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
        return Caller(self.name, MAY[self.role], (self.approver,))


ANYONE = Caller("anyone", frozenset(ROLES))


def read_tokens(path: Path) -> tuple[list[Token], list[str]]:
    """The tokens of one file, and one line for each thing wrong with it (which never shows a token).

    Raises OSError when it cannot be read.
    """
    tokens, wrong = [], []
    for number, line in enumerate(path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines(), 1):
        words = line.split(b"#", 1)[0].decode(errors="replace").split()
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


def unreadable(path: Path, error: OSError) -> str:
    """What is said of a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return (
            f"HANDRAIL_TOKENS_FILE: {path} is not there; correct the path, or write the file: "
            "one token a line, `ROLE NAME TOKEN`"
        )
    return f"HANDRAIL_TOKENS_FILE: {path} cannot be read ({error.strerror}); let the receiver's user read it"


def _problem(words: list[str]) -> str | None:
    if len(words) != 3:
        return "a line has three words; write `ROLE NAME TOKEN`"
    role, colon, only = words[0].partition(":")
    if role not in ROLES or (colon and not (role == "approver" and only)):
        word = repr(words[0]) if len(words[0]) < SHORTEST else "its first word"  # which may be a token
        return f"{word} is not a role; write one of {', '.join(ROLES)}, or approver:ROLE"
    if not " ".join(words).isprintable() or REPLACED in " ".join(words):
        return "it holds letters that nobody can type; write it again"
    if len(words[2]) < SHORTEST:
        return f"the token is shorter than {SHORTEST} characters; make one with `openssl rand -hex 32`"
    return None


@dataclass
class _File:
    """A token file as it was read last. `doubtful`: it is gone, unreadable or empty, which may be for a moment."""

    path: Path
    tokens: tuple[Token, ...] = ()
    problems: tuple[str, ...] = ()
    doubtful: bool = False
    stamp: object = ()

    def look(self) -> None:
        """Read it again when it changed. Whoever replaces it may have taken it away first: doubt counts at a second look."""
        stamp = _stamp(self.path)
        if stamp == self.stamp and not self.doubtful:
            return
        try:
            tokens, problems = read_tokens(self.path)
            doubtful = not tokens and not problems
        except OSError as error:
            tokens = [token for token in self.tokens if token.role == "alertmanager"]
            problems = [f"{unreadable(self.path, error)}; until then only Alertmanager's tokens count"]
            doubtful = True
        passing = doubtful and not self.doubtful and bool(self.tokens)
        self.stamp, self.doubtful = stamp, doubtful
        if not passing:
            self._say(problems)
            self.tokens, self.problems = tuple(tokens), tuple(problems)

    def _say(self, problems: list[str]) -> None:
        for problem in problems:
            if problem not in self.problems:
                log.warning("%s", problem)
        if self.problems and not problems:
            log.info("HANDRAIL_TOKENS_FILE: %s is whole again", self.path)


class Tokens:
    """The valid tokens of some files, read again when a file changes."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files = [_File(file) for file in files]
        self._looked_at = -LOOK_EVERY
        self._tokens: tuple[Token, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the files now, a line each."""
        self._current()
        return tuple(problem for file in self._files for problem in file.problems)

    def caller(self, authorization: str | None) -> Caller | None:
        """Who sent this Authorization header (Bearer, or Basic with the token as password), or None."""
        sent = _given(authorization)
        if sent is None:
            return None
        digest = _digest(sent)
        matching = None
        for token in self._current():  # every one is compared, so that the time says nothing
            if hmac.compare_digest(token.digest, digest):
                matching = token
        return matching.caller if matching else None

    def approvers(self) -> frozenset[Approver]:
        """The tokens that may approve now."""
        return frozenset(token.approver for token in self._current() if "approver" in MAY[token.role])

    def secret(self) -> bytes:
        """What only those know who have these files: all receivers of one store."""
        digests = sorted(token.digest for token in self._current())
        return hashlib.sha256(b"secret:" + b"".join(digests)).digest()

    def _current(self) -> tuple[Token, ...]:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            for file in self._files:
                file.look()
            self._tokens = tuple(token for file in self._files for token in file.tokens)
        return self._tokens


class NoTokens:
    """Everybody may do everything: only on a loopback address, and only when the settings say so."""

    problems: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def secret(self) -> bytes:
        """Nobody else knows it."""
        return self._secret

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
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


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
