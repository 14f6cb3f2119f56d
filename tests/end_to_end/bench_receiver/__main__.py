"""`python -m end_to_end.bench_receiver [--million]` → requests per second, latency, start-up and memory.

wrk posts Alertmanager's body to the receiver, which stores each before its 2xx, and to Debian's `webhook`,
which answers after `/bin/true`: in one run, in turns, on one machine. Exits 1 when a promise is not kept.
Alertmanager repeats itself byte by byte, and so does wrk; a last line says what a body costs that is new each time.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import servers
from guarded import TOKENS, Guarded, body, guarded

SECONDS = 6
ROUNDS = 2
MILLION = 1_000_000
FINGERPRINT = "0123456789abcdef"
STARTED = ("env",)
"""Started by its command, as users do; tests fork theirs."""
NEW_EACH_TIME = """
local head, tail = wrk.body:match("^(.*)@@(.*)$")
local number = 0
request = function()
  number = number + 1
  return wrk.format(nil, nil, nil, head .. string.format("%016x", number) .. tail)
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk measured: requests per second, the 99th percentile in seconds, requests, and how many failed."""

    per_second: float
    p99: float
    requests: int
    failed: int


def main() -> int:
    """Measure, print a line for each figure, and judge."""
    with (
        tempfile.TemporaryDirectory(prefix="handrail-bench-") as name,
        guarded(Path(name), under=STARTED) as shop,
    ):
        kept = [_start_up(Path(name))]
        shop.call("start")
        shop.deliver()
        shop.until("rollback", "done")
        with other(Path(name)) as url:
            kept.append(_side_by_side(shop, url))
        _new_each_time(shop)
        kept.append(_on_disk(shop))
        if "--million" in sys.argv:
            kept.append(_memory(shop))
    return 0 if all(kept) else 1


def _side_by_side(shop: Guarded, other_url: str) -> bool:
    ours_url, token = f"{shop.server.url}/webhooks/alertmanager", TOKENS["alertmanager"]
    good = True
    for connections in (16, 64):
        pairs = [
            (
                load(shop.folder, ours_url, token, connections),
                load(shop.folder, other_url, token, connections),
            )
            for _ in range(ROUNDS)
        ]
        ours, theirs = (max(side, key=lambda one: one.per_second) for side in zip(*pairs, strict=True))
        ratio = ours.per_second / theirs.per_second
        _say(
            f"{connections} connections: receiver {ours.per_second:.0f}/s p99 {ours.p99 * 1000:.1f} ms, "
            f"webhook {theirs.per_second:.0f}/s p99 {theirs.p99 * 1000:.1f} ms, {ratio:.1f} times; "
            f"{ours.failed} of {ours.requests} not 2xx"
        )
        good &= (ratio >= 5 if connections == 16 else ours.p99 < 0.020) and ours.failed == 0
    return good


def _new_each_time(shop: Guarded) -> None:
    ours = load(
        shop.folder,
        f"{shop.server.url}/webhooks/alertmanager",
        TOKENS["alertmanager"],
        16,
        new_each_time=True,
    )
    _say(
        f"16 connections, every body new: receiver {ours.per_second:.0f}/s p99 {ours.p99 * 1000:.1f} ms; "
        f"{ours.failed} of {ours.requests} not 2xx"
    )


def _on_disk(shop: Guarded) -> bool:
    """Every 2xx is a row, and every row is decided, those of the last moment soon."""
    with closing(sqlite3.connect(f"file:{shop.folder / 'handrail.db'}?mode=ro", uri=True)) as database:

        def counts() -> tuple[int, int]:
            (rows,) = database.execute("SELECT COUNT(*) FROM inbox").fetchone()
            return rows, int(sum(shop.metric("handrail_notifications_total").values()))

        with suppress(TimeoutError):
            servers.until(lambda: len(set(counts())) == 1, "every delivery to be decided", within=10)
        rows, decided = counts()
    _say(f"on disk: {rows} deliveries, {decided} decided")
    return rows == decided


def _start_up(folder: Path) -> bool:
    began = time.monotonic()
    second = folder / "second"
    second.mkdir()
    with guarded(second, proxy=False, under=STARTED):
        took = time.monotonic() - began
    _say(f"start-up: {took:.2f} s from the command to /readyz")
    return took < 1.0


def _memory(shop: Guarded) -> bool:
    """Resident memory after a tenth of a million deliveries, and after all of it."""
    sizes = []
    done = 0
    while done < MILLION:
        done += load(
            shop.folder, f"{shop.server.url}/webhooks/alertmanager", TOKENS["alertmanager"], 64
        ).requests
        sizes.append((done, _resident(shop.server.process.pid)))
    early = next(size for count, size in sizes if count >= MILLION / 10)
    _say(f"memory: {early} MiB after {MILLION // 10}, {sizes[-1][1]} MiB after {sizes[-1][0]} deliveries")
    return sizes[-1][1] < early * 1.2


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found.group(1)) // 1024 if found else 0


@contextmanager
def other(folder: Path) -> Iterator[str]:
    """Debian's `webhook`, answering after /bin/true."""
    hook = {"id": "hook", "execute-command": "/bin/true", "include-command-output-in-response": True}
    (folder / "hooks.json").write_text(json.dumps([hook]))
    address = servers.free_address()
    host, port = address.split(":")
    argv: list[str | Path] = ["webhook", "-hooks", folder / "hooks.json", "-ip", host, "-port", port]
    url = f"http://{address}/hooks/hook"
    with servers.running("webhook", argv, folder=folder, address=address, ready=lambda: servers.answers(url)):
        yield url


def load(folder: Path, url: str, token: str, connections: int, *, new_each_time: bool = False) -> Load:
    """Post as fast as it goes, for some seconds."""
    script = folder / "post.lua"
    text = body().decode()
    script.write_text(
        "wrk.method = 'POST'\n"
        f"wrk.body = [==[{text.replace(FINGERPRINT, '@@') if new_each_time else text}]==]\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
        f"wrk.headers['Authorization'] = 'Bearer {token}'\n"
        f"{NEW_EACH_TIME if new_each_time else ''}"
    )
    argv = [
        servers.program("wrk"),
        "-t1",
        f"-c{connections}",
        f"-d{SECONDS}s",
        "--latency",
        "-s",
        str(script),
        url,
    ]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Load(
        per_second=float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        p99=_seconds(_found(r"\n +99% +(\S+)", said)),
        requests=int(_found(r"(\d+) requests in", said)),
        failed=int(failed.group(1)) if failed else 0,
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk said nothing of {pattern}:\n{text}")
    return found.group(1)


def _seconds(text: str) -> float:
    for unit, factor in (("us", 1e-6), ("ms", 1e-3), ("m", 60.0), ("s", 1.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise SystemExit(f"wrk said {text!r} for a time")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
