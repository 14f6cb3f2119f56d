"""`python -m end_to_end.ruleiq` → ruleiq's stack until Ctrl-C. Exit code: 0 it ended, 1 it did not start, 2 a program is missing."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import servers

from end_to_end.demo.files import Files, NotGenerated
from end_to_end.demo.stack import Programs
from end_to_end.five.flags import Flags

from .grafana import Grafana
from .stack import FLAGS, Addresses, running, write

SAID = """application    http://{at.stable}/metrics
node_exporter  http://{at.node}/metrics
Prometheus     http://{at.prometheus}
Alertmanager   http://{at.alertmanager}
receiver       http://demo:{viewer}@{at.receiver}/rollouts/ruleiq
flags          {flags.url}: a stand-in for Unleash, in which a rollback switches them off
{dashboards}

Is it able to guard? In another terminal, after a minute:
  export HANDRAIL_TOKEN_FILE={token}
  handrail doctor ruleiq --generated {folder}/generated --prometheus http://{at.prometheus} --alertmanager http://{at.alertmanager} --receiver http://{at.receiver} {asked} --send-alert

Ctrl-C ends all of it."""


def main() -> int:
    """Run the stack as the command line says."""
    call = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    folder = call.folder or Path(tempfile.mkdtemp(prefix="handrail-stack-"))
    at = Addresses(
        stable=call.application,
        node=call.node,
        prometheus=call.prometheus,
        alertmanager=call.alertmanager,
        receiver=call.receiver,
        grafana=call.grafana,
    )
    code = 0
    try:
        for program in (Programs.prometheus, Programs.alertmanager, "prometheus-node-exporter"):
            servers.program(program)
        folder.mkdir(parents=True, exist_ok=True)
        with Flags("ruleiq", *FLAGS) as flags:
            files = write(folder.resolve(), at, flags.url)
            with running(files, at, Programs(), call.per_second, flags.token) as grafana:
                print(
                    SAID.format(
                        at=at, flags=flags, dashboards=_dashboards(grafana), **_shown(files, grafana)
                    ),
                    flush=True,
                )
                if not call.once:
                    signal.pause()
    except servers.Missing as error:
        code = _say(str(error), 2)
    except (servers.NotReady, NotGenerated) as error:
        code = _say("\n".join([str(error), *getattr(error, "__notes__", ())]), 1)
    except KeyboardInterrupt:
        _say("everything it started has ended", 0)
    if not call.folder:
        shutil.rmtree(folder)
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="stack", description="ruleiq's stack, on loopback, until Ctrl-C.")
    parser.add_argument("--folder", type=Path, help="an empty folder to work in, kept; else a new one")
    parser.add_argument("--per-second", type=float, default=10, help="requests a second; default: 10")
    parser.add_argument("--once", action="store_true", help="end as soon as everything is ready")
    places = {
        "application": 8000,
        "node": 9100,
        "prometheus": 9090,
        "alertmanager": 9093,
        "receiver": 8080,
        "grafana": 3000,
    }
    for name, port in places.items():
        default = f"127.0.0.1:{port}"
        parser.add_argument(f"--{name}", default=default, metavar="ADDRESS", help=f"default: {default}")
    return parser.parse_args()


def _dashboards(grafana: Grafana | None) -> str:
    if grafana is None:
        return "Grafana        no grafana-server is on PATH: docs/how-to/compose.md starts one in a container"
    return f"Grafana        {grafana.url}/dashboards, as admin with {grafana.password}"


def _shown(files: Files, grafana: Grafana | None) -> dict[str, str]:
    token, asked = files.token("viewer"), "--without-grafana"
    if grafana is not None:
        asked = f"--grafana {grafana.url.replace('://', f'://admin:{grafana.password}@')}"
    return {
        "viewer": token.read_text(),
        "token": str(token),
        "folder": os.fspath(files.folder),
        "asked": asked,
    }


def _interrupt(number: int, frame: object) -> None:
    """End everything, once: a second Ctrl-C does not stop the ending."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(text: str, code: int) -> int:
    print(f"stack: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
