"""`handrail rollout watch NAME`: how a rollout goes, until its attempt ends.

Exit codes: 0 complete, 1 rolled back or abandoned, 2 the call is wrong, 3 no attempt was started or no receiver
answers at the first look, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, Self

import httpx
from rich.console import Console
from rich.live import Live

from handrail_receiver.client.api_answers import ask
from handrail_receiver.client.api_client import ApiClient
from handrail_receiver.client.picture import Picture
from handrail_receiver.client.watched_lines import changed, lines_of

ENDS = {"complete": 0, "rolled-back": 1, "abandoned": 1, "none": 3}
WRONG, UNKNOWN, INTERRUPTED = 2, 3, 130
EVERY = 3.0
"""Seconds from one look to the next where nothing happens meanwhile."""
SILENCE = 60.0
"""Seconds without a word after which the receiver's events are asked for again: it says something every 15 s."""


class Display(Protocol):
    """Where it is shown."""

    def now(self, said: Mapping[str, Any]) -> None:
        """How the rollout is now."""

    def away(self, problem: str) -> None:
        """The receiver does not answer; empty: it does again."""


def watch(
    client: ApiClient,
    name: str,
    *,
    as_json: bool = False,
    rings: Callable[[ApiClient, str], Bell] | None = None,
) -> int:
    """Show it until its attempt ends, and return the exit code. A receiver that is away is waited for, once it answered."""
    bell = (rings or Bell)(client, name)
    try:
        with _screen(as_json=as_json) as shown:
            return _watch(client, name, shown, bell)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read has had enough; nothing is left to be said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    finally:
        bell.end()


def _watch(client: ApiClient, name: str, shown: Display, bell: Bell) -> int:
    seen = away = False
    while True:
        bell.heard()
        answered = ask(client, f"/api/rollouts/{name}/now", ("at",))
        if answered.problem and (answered.wrong or not seen):
            print(answered.problem, file=sys.stderr)  # noqa: T201
            return WRONG if answered.wrong else UNKNOWN
        if bool(answered.problem) != away:
            away = not away
            shown.away(answered.problem)
        if not answered.problem:
            seen = True
            shown.now(answered.said)
            if answered.said["phase"] in ENDS:
                return ENDS[answered.said["phase"]]
        bell.wait(EVERY)


class Bell:
    """Rings when something happens to a rollout, as far as the receiver's events say so; who hears nothing looks anyway."""

    def __init__(self, client: ApiClient, name: str) -> None:
        self._client, self._name = client, name
        self._rang, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._listen, name="events", daemon=True).start()

    def heard(self) -> None:
        """What rang until now was heard."""
        self._rang.clear()

    @property
    def has_rung(self) -> bool:
        """Whether it rang since it was heard last."""
        return self._rang.is_set()

    def wait(self, seconds: float) -> None:
        """Until it rings, so long at most."""
        self._rang.wait(seconds)

    def end(self) -> None:
        """Stop listening."""
        self._ended.set()

    def _listen(self) -> None:
        timeout = httpx.Timeout(10, read=SILENCE)
        client = httpx.Client(
            base_url=self._client.address,
            headers=self._client.headers,
            verify=self._client.context,
            timeout=timeout,
        )
        with client:
            while not self._ended.is_set():
                with suppress(httpx.HTTPError):  # whoever looks says that nobody answers
                    self._hear(client)
                self._ended.wait(EVERY)

    def _hear(self, client: httpx.Client) -> None:
        with client.stream("GET", "/events") as answer:
            for line in answer.iter_lines() if answer.is_success else ():
                if self._ended.is_set():
                    return
                if line.startswith("data: ") and json.loads(line[6:]).get("rollout") == self._name:
                    self._rang.set()


def _screen(*, as_json: bool) -> Lines | Drawn | JsonLines:
    if as_json:
        return JsonLines()
    return Drawn() if sys.stdout.isatty() else Lines()


class _Plain:
    """Lines that come one after the other."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def away(self, problem: str) -> None:
        """Said once, on stderr."""
        text = f"{problem}; still trying" if problem else "the receiver answers again"
        print(text, file=sys.stderr, flush=True)  # noqa: T201


class Lines(_Plain):
    """A line for whatever is another than before."""

    def __init__(self) -> None:
        self._before: dict[str, object] = {}

    def now(self, said: Mapping[str, Any]) -> None:
        """What changed."""
        lines = lines_of(said)
        for text in changed(self._before, lines):
            print(text, flush=True)  # noqa: T201
        self._before = {line.about: line.known_by for line in lines}


class JsonLines(_Plain):
    """What the API says, a document a line, whenever something is another than before."""

    def __init__(self) -> None:
        self._before: dict[str, object] = {}

    def now(self, said: Mapping[str, Any]) -> None:
        """All of it, if anything changed."""
        lines = lines_of(said)
        if any(changed(self._before, lines)):
            print(json.dumps(said, ensure_ascii=False), flush=True)  # noqa: T201
        self._before = {line.about: line.known_by for line in lines}


class Drawn:
    """A table that is redrawn; what it came to stays."""

    def __init__(self) -> None:
        self._live = Live(console=Console(), auto_refresh=False)
        self._said: Mapping[str, Any] | None = None

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def now(self, said: Mapping[str, Any]) -> None:
        """Draw it again."""
        self._said = said
        self._live.update(Picture(said, ""), refresh=True)

    def away(self, problem: str) -> None:
        """Say above what was known last that it may not be so any more."""
        if problem and self._said is not None:
            self._live.update(Picture(self._said, problem), refresh=True)
