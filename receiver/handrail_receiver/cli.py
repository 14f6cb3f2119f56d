"""Command-line words → the running receiver, or a call to it.

`handrail serve`, `handrail rollout …` and `handrail store …` call these; without the compiler's command
line, `python -m handrail_receiver serve` does the same. Exit codes: 0 done, 1 the answer is no, 2 called wrongly.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Literal, get_args

import httpx

from handrail_receiver.errors import ReceiverError

Verb = Literal["start", "status", "promote", "hold", "resume", "rollback", "drill"]
VERBS: tuple[Verb, ...] = get_args(Verb)


def serve() -> None:
    """Run the receiver until it is told to end. Settings come from HANDRAIL_* and one file.

    Exits with 2 and every error, one per line on stderr, when the settings cannot work.
    """
    # The client needs none of the server's libraries.
    from handrail_receiver.server import run  # noqa: PLC0415
    from handrail_receiver.settings import read_settings  # noqa: PLC0415

    try:
        run(read_settings())
    except ReceiverError as error:
        print(error, file=sys.stderr)  # noqa: T201  this is the command line
        raise SystemExit(2) from None


def rollout(
    verb: Verb,
    name: str,
    *,
    url: str | None = None,
    token: str | None = None,
    why: str = "",
    anyway: bool = False,
) -> int:
    """Ask a running receiver, print its answer and return the exit code.

    `url` defaults to HANDRAIL_URL or http://127.0.0.1:8080; `token` to HANDRAIL_TOKEN, or the content of the
    file HANDRAIL_TOKEN_FILE. `anyway` goes past a "not ready" and needs `why`, which the evidence keeps.
    """
    address = (url or os.environ.get("HANDRAIL_URL") or "http://127.0.0.1:8080").rstrip("/")
    given = token or _token()
    try:
        answer = _ask(
            verb, name, address, {"Authorization": f"Bearer {given}"} if given else {}, why, anyway=anyway
        )
    except httpx.HTTPError as error:
        print(  # noqa: T201
            f"{address} did not answer ({type(error).__name__}); start it with `handrail serve` or set HANDRAIL_URL",
            file=sys.stderr,
        )
        return 1
    return _show(verb, answer)


def _token() -> str:
    file = os.environ.get("HANDRAIL_TOKEN_FILE")
    return Path(file).read_text(encoding="utf-8").strip() if file else os.environ.get("HANDRAIL_TOKEN", "")


def _ask(
    verb: Verb, name: str, address: str, headers: dict[str, str], why: str, *, anyway: bool
) -> httpx.Response:
    with httpx.Client(base_url=address, headers=headers, timeout=60.0) as client:
        if verb == "status":
            return client.get(f"/api/rollouts/{name}")
        return client.post(f"/api/rollouts/{name}/{verb}", json={"why": why, "anyway": anyway})


def _show(verb: Verb, answer: httpx.Response) -> int:
    try:
        said: dict[str, Any] = answer.json()
    except json.JSONDecodeError:
        said = {"error": f"{answer.status_code}: not a Handrail receiver; check the address"}
    if "error" in said:
        print(said["error"], file=sys.stderr)  # noqa: T201
        return 1
    if verb == "status":
        print(_status(said))  # noqa: T201
        return 0
    lines = [f"{said['verdict']} ({said['reason']}): {said['text']}"]
    if said.get("outcome"):
        lines.append(
            f"{said['outcome']}: {said['outcome_text']}" if said.get("outcome_text") else said["outcome"]
        )
    failed = answer.status_code >= 400 or said.get("outcome") in {"failed", "unproved"}
    print("\n".join(lines), file=sys.stderr if failed else sys.stdout)
    return 1 if failed else 0


def _status(said: dict[str, Any]) -> str:
    attempt = said.get("attempt")
    if attempt is None:
        return f"{said['rollout']}: no attempt yet"
    lines = [f"{said['rollout']}: attempt {attempt['number']}, {attempt['state']}, stage {attempt['stage']}"]
    if attempt["held"]:
        lines.append(f"  held: {attempt['held']}")
    lines += [
        f"  {run['action']} {run['key']}: {run['state']}  {run['text']}".rstrip() for run in said["runs"]
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """`python -m handrail_receiver serve`, or `… rollout VERB NAME [--why TEXT] [--anyway]`."""
    words = sys.argv[1:] if argv is None else argv
    match words:
        case ["serve"]:
            serve()
        case ["rollout", verb, name, *options] if verb in VERBS:
            found = next(known for known in VERBS if known == verb)
            why = options[options.index("--why") + 1] if "--why" in options[:-1] else ""
            raise SystemExit(rollout(found, name, why=why, anyway="--anyway" in options))
        case _:
            print(  # noqa: T201
                f"handrail_receiver serve | rollout {'|'.join(VERBS)} NAME [--why TEXT] [--anyway]",
                file=sys.stderr,
            )
            raise SystemExit(2)
