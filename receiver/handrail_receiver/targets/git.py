"""GitValue → a commit on the remote branch that holds the pinned value; fast-forward only, never forced.

Works on a bare, shallow copy in a folder of its own, made for each call and thrown away: no work tree, no hooks
of ours, nothing of an earlier call.
"""

from __future__ import annotations

import asyncio
import base64
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from handrail.contract import GitValue, Scalar, Written

from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import LONGEST_QUOTE, Outside, meaning_of, within
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.document import value_at, with_value
from handrail_receiver.targets.process import Finished, inherited, run
from handrail_receiver.targets.rehearsal import rehearsed
from handrail_receiver.targets.scalars import says

# What git says (in the C locale) → what it means; the first that is found counts.
SAID: tuple[tuple[str, type[Permanent | Retryable], Cause], ...] = (
    ("couldn't find remote ref", Permanent, Cause.missing),
    ("Authentication failed", Permanent, Cause.refused),
    ("could not read Username", Permanent, Cause.refused),
    ("Permission denied", Permanent, Cause.refused),
    ("Host key verification failed", Permanent, Cause.refused),
    ("dubious ownership", Permanent, Cause.refused),
    ("fetch first", Retryable, Cause.conflict),
    ("non-fast-forward", Retryable, Cause.conflict),
    ("cannot lock ref", Retryable, Cause.conflict),
    ("failed to update ref", Retryable, Cause.conflict),
    ("not found", Permanent, Cause.missing),
    ("does not appear to be a git repository", Permanent, Cause.missing),
    ("does not exist", Permanent, Cause.missing),
    ("Could not resolve host", Retryable, Cause.unreachable),
    ("Connection refused", Retryable, Cause.unreachable),
    ("unable to access", Retryable, Cause.unreachable),
    ("Could not read from remote repository", Retryable, Cause.unreachable),
    ("hung up unexpectedly", Retryable, Cause.unreachable),
)
STATUS = re.compile(r"(?:returned error: |HTTP )(\d{3})\b")
DOWN = re.compile(
    r"internal (server )?error|internal api|unavailable|unreachable|time[d -]*out|try again|temporar|gateway|"
    r"connection (refused|reset)|(could not|cannot|failed to|unable to) connect|failed to report status|"
    r"resolve host|name resolution|no route to host|deadline exceeded|database is locked|no space left|"
    r"read-only file system|unpacker error|overloaded|too many requests|\b50[0-4]\b",
    re.IGNORECASE,
)
"""What a server, or one of its hooks, says in refusing a push when something behind it is down, not against the push."""
KEPT = ("GIT_SSH", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_SSL_", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")
QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "http.followRedirects=false")


class Git:
    """A file in a Git repository, as its remote branch holds it."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: GitValue) -> Rehearsal:
        """Pin the value of the remote head, and try to push beside it (`push --dry-run`)."""
        return await rehearsed(step, self._checks, _call)

    async def read(self, step: GitValue) -> Reading:
        """Fetch the remote head and read the value there."""
        async with self._copy(step) as copy:
            value = await asyncio.to_thread(value_at, await copy.text(), step.key)
            return Reading(done=_is(value, step), found=f"{_where(step)} is {value.text} at {copy.head[:12]}")

    async def act(self, step: GitValue) -> None:
        """Commit the value on top of the remote head and push it; Retryable when somebody pushed in between."""
        async with self._copy(step) as copy:
            text = await copy.text()
            if not _is(await asyncio.to_thread(value_at, text, step.key), step):
                changed = await asyncio.to_thread(with_value, text, step.key, step.value)
                message = f"Set {step.key} to {_shown(step.value)}, rolled back by Handrail"
                await copy.push(await copy.commit(changed, message))

    async def _checks(self, step: GitValue) -> tuple[GitValue, str]:
        async with self._copy(step) as copy:
            text = await copy.text()
            value = await asyncio.to_thread(value_at, text, step.key)
            pinned = replace(step, value=value) if step.value is None else step
            # What cannot be changed is found out now.
            await asyncio.to_thread(with_value, text, step.key, "changed")
            await asyncio.to_thread(with_value, text, step.key, pinned.value)
            await copy.push(await copy.commit(text, "a rehearsal"), dry_run=True)
        return pinned, (
            f"{_where(step)} is {value.text} at {copy.head[:12]}; {step.branch} would take a push, unless a rule or a "
            f"hook of the server refuses it, which only a real push asks"
        )

    @asynccontextmanager
    async def _copy(self, step: GitValue) -> AsyncIterator[_Copy]:
        """The remote head, fetched; all that is done with it has the step's time."""
        with tempfile.TemporaryDirectory(prefix="handrail-git-") as folder:
            async with within(step.timeout, "git"):
                copy = _Copy(self._outside, step, folder)
                await copy.fetch()
                yield copy


class _Copy:
    """A bare repository in `folder` with the remote branch's head and nothing older."""

    def __init__(self, outside: Outside, step: GitValue, folder: str) -> None:
        self._outside = outside
        self._step = step
        self._environment = _environment(outside, step, folder)
        self.head = ""

    async def fetch(self) -> None:
        step = self._step
        await self._git("init", "--quiet", "--bare", "--template=")
        await self._git(
            "fetch", "--quiet", "--depth=1", "--no-tags", step.repository, f"refs/heads/{step.branch}"
        )
        self.head = (await self._git("rev-parse", "FETCH_HEAD")).out.decode().strip()

    async def text(self) -> str:
        """The file's text; raises Permanent when it is none, or not a file."""
        blob = (await self._entry()).blob
        finished = await self._git("cat-file", "blob", blob)
        try:
            if not finished.cut:
                return finished.out.decode()
        except UnicodeDecodeError:
            pass
        raise Permanent(Cause.invalid, f"{self._step.path} is too long or not UTF-8; give another path")

    async def commit(self, text: str, message: str) -> str:
        """A commit on top of the head in which the file holds `text`."""
        entry = await self._entry()
        blob = await self._said("hash-object", "-w", "--stdin", stdin=text.encode())
        await self._git("read-tree", self.head)
        await self._git("update-index", "--cacheinfo", f"{entry.mode},{blob},{self._step.path}")
        tree = await self._said("write-tree")
        signed = ("-S",) if await self._setting("commit.gpgSign", "--type=bool") == "true" else ()
        self._environment |= await self._identity()
        try:
            return await self._said("commit-tree", *signed, tree, "-p", self.head, "-m", message)
        except Retryable as error:  # a key or its agent, which no server can help
            raise Permanent(Cause.refused, str(error)) from None

    async def push(self, commit: str, *, dry_run: bool = False) -> None:
        dry = ("--dry-run",) if dry_run else ()
        await self._git(
            "push", "--porcelain", *dry, self._step.repository, f"{commit}:refs/heads/{self._step.branch}"
        )

    async def _identity(self) -> dict[str, str]:
        """Who commits: the environment and the user's configuration say it, Handrail where they do not."""
        names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
        wanted = ("user.name", "Handrail", names[0]), ("user.email", "handrail@localhost", names[1])
        return {
            name: ours
            for setting, ours, variables in wanted
            if not await self._setting(setting)
            for name in variables
            if name not in self._environment
        }

    async def _setting(self, name: str, *words: str) -> str:
        """What the receiver's user has configured; empty when nothing."""
        argv = ["git", *QUIET, "config", *words, "--get", name]
        return (await run(argv, environment=self._environment)).out.decode().strip()

    async def _entry(self) -> _TreeEntry:
        listed = (await self._git("ls-tree", "-z", self.head, "--", self._step.path)).out.decode()
        mode, _, kind_and_blob = listed.partition("\t")[0].partition(" ")
        if mode not in {"100644", "100755"}:
            raise Permanent(
                Cause.missing, f"{self._step.path} is not a file on {self._step.branch}; correct the path"
            )
        return _TreeEntry(mode, kind_and_blob.partition(" ")[2])

    async def _said(self, *words: str, stdin: bytes = b"") -> str:
        return (await self._git(*words, stdin=stdin)).out.decode().strip()

    async def _git(self, *words: str, stdin: bytes = b"") -> Finished:
        finished = await run(["git", *QUIET, *words], environment=self._environment, stdin=stdin)
        if finished.code == 0:
            return finished
        said = f"{finished.out.decode(errors='replace')} {finished.err.decode(errors='replace')}"
        raise _failure(said, f"git {words[0]} failed: {self._outside.clean(said)[-LONGEST_QUOTE:]}")


@dataclass(frozen=True)
class _TreeEntry:
    mode: str
    blob: str


def _environment(outside: Outside, step: GitValue, folder: str) -> dict[str, str]:
    """The receiver's environment made deaf to prompts and to other repositories, with the token for https."""
    kept = {
        name: value
        for name, value in inherited().items()
        if not name.startswith("GIT_") or name.startswith(KEPT)
    }
    defaults = {
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    }
    ours = {
        "GIT_DIR": folder,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "LC_ALL": "C",
    }
    return defaults | kept | ours | _authorization(outside, step)


def _authorization(outside: Outside, step: GitValue) -> dict[str, str]:
    """The token as basic authorization, for this repository alone and never in an argv."""
    if step.token is None:
        return {}
    address = urlsplit(step.repository)
    pair = f"{address.username or 'git'}:{outside.secrets.value(step.token)}"
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{step.repository}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}",
    }


def _failure(said: str, text: str) -> TargetError:
    if "[remote rejected]" in said and not any(words in said for words in ("cannot lock ref", "update ref")):
        return Retryable(Cause.broken, text) if DOWN.search(said) else Permanent(Cause.refused, text)
    if status := STATUS.search(said):
        passes, cause = meaning_of(int(status[1]))
        return Retryable(cause, text) if passes else Permanent(cause, text)
    for words, kind, cause in SAID:
        if words in said:
            return kind(cause, text)
    return Retryable(Cause.broken, text)


def _where(step: GitValue) -> str:
    return f"{step.key} in {step.path} on {step.branch}"


def _is(written: Written, step: GitValue) -> bool:
    if step.value is None:
        raise Permanent(Cause.invalid, f"{_where(step)} has no pinned value; rehearse the step first")
    return says(written, step.value)


def _shown(value: Scalar | Written) -> str:
    return value.text if isinstance(value, Written) else str(value)


def _call(step: GitValue) -> str:
    value = "what stands there when the attempt begins" if step.value is None else _shown(step.value)
    push = f"git push {step.repository} COMMIT:refs/heads/{step.branch}"
    return f"{push}, where COMMIT, on top of what is there, sets {step.key} in {step.path} to {value}"
