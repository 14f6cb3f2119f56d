"""`python -m end_to_end.demo` → exit code: 0 the whole story was seen, 1 a step failed, 2 it cannot run here."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import servers

from . import bad, bundles, files, good, stack, times
from .playing import playing
from .screen import Drawn, Plain, screen
from .story import Failed, Step
from .view import ROLLOUT

PARTS: tuple[tuple[str, tuple[Step, ...]], ...] = (
    ("A good version goes out", good.STEPS),
    ("A bad version is rolled back", bad.STEPS),
    ("What is left is evidence", bundles.STEPS),
)


def main() -> int:
    """Run the demo as the command line says."""
    call = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    programs = stack.Programs(call.prometheus, call.alertmanager, call.haproxy, call.handrail)
    folder = call.folder or Path(tempfile.mkdtemp(prefix="handrail-demo-"))
    try:
        programs.check()
        folder.mkdir(parents=True, exist_ok=True)
        with screen(plain=call.plain) as shown:
            code = _run(folder.resolve(), programs, call, shown)
    except servers.Missing as error:
        _say(str(error))
        code = 2
    except KeyboardInterrupt:
        _say("interrupted; everything it started has ended")
        code = 130
    if code == 1:
        _say(f"all logs and files are in {folder}")
    elif not call.folder:
        shutil.rmtree(folder)
    return code


def _interrupt(number: int, frame: object) -> None:
    """End everything, once: a second Ctrl-C does not stop the ending."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    raise KeyboardInterrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description="The whole life of a rollout while you watch.")
    parser.add_argument("--folder", type=Path, help="an empty folder to work in, kept; else a new one")
    parser.add_argument(
        "--plain", action="store_true", default=bool(os.environ.get("CI")), help="lines instead of a picture"
    )
    parser.add_argument("--bad-only", action="store_true", help="leave out the good version")
    parser.add_argument("--orders", type=int, default=50, metavar="NUMBER", help="a second; default: 50")
    for name, binary in vars(stack.Programs()).items():
        parser.add_argument(f"--{name}", default=binary, metavar="PROGRAM", help=f"default: {binary}")
    return parser.parse_args()


def _run(folder: Path, programs: stack.Programs, call: argparse.Namespace, shown: Plain | Drawn) -> int:
    at = files.Addresses()
    title, began = "everything starts", time.monotonic()
    shown.begin(title)
    try:
        made = files.write(folder, at, handrail=programs.handrail)
        with playing(made, at, programs, call.orders, shown) as demo:
            shown.done(
                title, "application, HAProxy, receiver, Alertmanager, Prometheus", time.monotonic() - began
            )
            shown.say(
                f"Watch its page: http://demo:{made.token('viewer').read_text()}@{at.receiver}/rollouts/{ROLLOUT}"
            )
            for part, steps in PARTS[1:] if call.bad_only else PARTS:
                shown.say(f"\n{part}")
                for title, step in steps:
                    began = time.monotonic()
                    shown.begin(title)
                    shown.done(title, step(demo), time.monotonic() - began)
                if steps is bad.STEPS:
                    shown.table(times.table(demo.moments))
    except (Failed, files.NotGenerated) as error:
        shown.failed(title, str(error))
        return 1
    except servers.NotReady as error:
        shown.failed(title, "\n".join([str(error), *error.__notes__]))
        return 1
    return 0


def _say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
