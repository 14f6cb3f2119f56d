"""Debian's Chromium, driven over its own protocol by two pipes: pages, keys, pictures, what a script says."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .process import GIVE_UP, program

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
KEYS = {"Tab": 9, "Enter": 13}
# Until the fonts are there and two frames were drawn.
DRAWN = (
    "document.fonts.ready.then(() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))))"
)


class BrowserError(Exception):
    """The browser refused a call, or a script in a page failed."""


@dataclass
class Pipe:
    """A conversation with the browser: JSON, each message ended by a zero byte."""

    to: int
    back: int
    _left: bytes = b""
    _number: int = 0
    _events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Ask for something, and wait for the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + GIVE_UP
        while True:
            said = self._next(deadline)
            if said.get("id") == self._number:
                if "error" in said:
                    raise BrowserError(f"{method}: {said['error']['message']}")
                result: dict[str, Any] = said["result"]
                return result
            self._events.append(said)

    def event(self, method: str, session: str) -> None:
        """Wait until the browser says that something happened."""
        deadline = time.monotonic() + GIVE_UP
        while True:
            for place, said in enumerate(self._events):
                if (said.get("method"), said.get("sessionId")) == (method, session):
                    del self._events[: place + 1]
                    return
            self._events = [self._next(deadline)]

    def forget(self) -> None:
        """What happened before no longer counts."""
        self._events.clear()

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select.select([self.back], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self.back, 1 << 20) if ready else b""
            if not chunk:
                raise BrowserError("the browser does not answer")
            self._left += chunk
        whole, _, self._left = self._left.partition(b"\0")
        said: dict[str, Any] = json.loads(whole)
        return said


@dataclass(frozen=True)
class Tab:
    """One tab of a browser."""

    pipe: Pipe
    session: str

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A call about this tab."""
        return self.pipe.call(method, self.session, **params)

    def size(self, width: int, height: int = 900) -> None:
        """So many CSS pixels; below 600 it is a phone."""
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )

    def prefers(self, scheme: str) -> None:
        """`light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def headers(self, given: Mapping[str, str]) -> None:
        """What is sent with every request."""
        self.call("Network.setExtraHTTPHeaders", headers=dict(given))

    def go(self, url: str) -> None:
        """Open a page, and wait until it is there."""
        self.pipe.forget()
        self.call("Page.navigate", url=url)
        self.loaded()

    def loaded(self) -> None:
        """Wait until the page that is being opened is there."""
        self.pipe.event("Page.loadEventFired", self.session)
        self.run(DRAWN)

    def run(self, script: str) -> Any:
        """What an expression comes to in the page."""
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True}
        said = self.call("Runtime.evaluate", **asked)
        if "exceptionDetails" in said:
            raise BrowserError(json.dumps(said["exceptionDetails"])[:2000])
        return said["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, as somebody without a mouse does."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def tab_to(self, label: str, most: int = 60) -> None:
        """Press Tab until something with this label has the focus."""
        for _ in range(most):
            self.press("Tab")
            if self.run("document.activeElement.innerText || ''").strip() == label:
                return
        raise BrowserError(f"{label!r} cannot be reached by the keyboard")

    def picture(self, path: Path, height: int | None = None) -> None:
        """The whole page, or so much of its top, as a PNG or whatever the file's name says."""
        whole = self.run("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": whole[0], "height": min(whole[1], height or whole[1]), "scale": 1}
        kind = path.suffix.removeprefix(".")
        quality = {} if kind == "png" else {"quality": 30}
        said = self.call(
            "Page.captureScreenshot", format=kind, captureBeyondViewport=True, clip=clip, **quality
        )
        path.write_bytes(base64.b64decode(said["data"]))


@contextmanager
def browser(folder: Path, timezone: str = "UTC") -> Iterator[Tab]:
    """A browser with one tab, whose profile is in `folder`."""
    their_in, to = os.pipe()
    back, their_out = os.pipe()
    flags = [*FLAGS, f"--user-data-dir={folder / 'profile'}"]
    # It reads from 3 and writes to 4.
    shell = ["bash", "-c", f'exec "$@" 3<&{their_in} 4>&{their_out}', "browser", program("chromium"), *flags]
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            shell, pass_fds=(their_in, their_out), stdout=log, stderr=log, start_new_session=True
        )
    os.close(their_in)
    os.close(their_out)
    pipe = Pipe(to, back)
    try:
        target = pipe.call("Target.createTarget", url="about:blank")["targetId"]
        session = pipe.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(pipe, session)
        for domain in ("Page", "Network", "Runtime"):
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setTimezoneOverride", timezoneId=timezone)
        yield tab
    finally:
        os.close(to)
        os.close(back)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
