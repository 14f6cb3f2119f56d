"""Command-line words → the running receiver, or a call to it.

`handrail serve`, `handrail rollout …` and `handrail store …` call these; without the compiler's command
line, `python -m handrail_receiver serve` does the same. Exit codes: 0 done, 1 the answer is no, 2 called wrongly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote

import httpx

from handrail_receiver.client.api_client import ApiClient, api_client, json_of, unknown_token
from handrail_receiver.client.watch import watch
from handrail_receiver.errors import ReceiverError, WrongSettings
from handrail_receiver.evidence.folder import write
from handrail_receiver.terminal import checked, guard_problems, incidents, listed, status

Verb = Literal[
    "list",
    "start",
    "status",
    "watch",
    "check",
    "approve",
    "promote",
    "retry",
    "reduce",
    "hold",
    "resume",
    "rollback",
    "emergency-rollback",
    "drill",
    "adopt",
    "abandon",
    "incident",
    "ack",
    "note",
    "close",
    "postmortem",
    "bundle",
]
VERBS: tuple[Verb, ...] = get_args(Verb)
LONGEST = 60.0
SAID = (
    "cause",
    "fix",
    "prevention",
    "user-impact",
    "follow-up",
    "review",
    "attendees",
    "false-rollback",
)
"""What `note` and `close` say of an incident."""
# What may be said with a verb beside --why and --json; all others take --anyway.
WORDS: dict[Verb, tuple[str, ...]] = {
    "start": ("anyway", "canary", "stable", "artifact"),
    "list": (),
    "status": (),
    "watch": (),
    "bundle": ("folder", "attempt"),
    "check": ("item", "failed"),
    "approve": ("role", "seen", "canary", "stable"),
    "promote": ("anyway", "to"),
    "retry": ("anyway", "to"),
    "incident": ("incident",),
    "postmortem": ("incident",),
    "ack": ("incident",),
    "note": ("incident", *SAID),
    "close": ("incident", *SAID),
}


def serve(*, check: bool = False) -> None:
    """Run the receiver until it is told to end. Settings come from HANDRAIL_* and one file.

    Exits with 2 and every error, one per line on stderr, when it cannot start. With `check` it only looks at what a
    start would find, says all of it, and exits with 0, with 1 where something outside is not ready, or with 2.
    """
    # The client needs none of the server's libraries.
    from handrail_receiver.read_settings import read_settings  # noqa: PLC0415
    from handrail_receiver.server import run  # noqa: PLC0415
    from handrail_receiver.starting import against_start  # noqa: PLC0415

    if check:
        raise SystemExit(asyncio.run(_check()))
    try:
        run(read_settings(against_start))
    except ReceiverError as error:
        print(error, file=sys.stderr)  # noqa: T201  this is the command line
        raise SystemExit(2) from None


async def _check() -> int:
    from handrail_receiver.checking import CheckState, start_findings  # noqa: PLC0415

    worst = CheckState.ready
    async for result in start_findings():
        worst = max(worst, result.state)
        well = result.state is CheckState.ready
        line = f"{result.what}: {result.text}" if result.state is not CheckState.refused else result.text
        print(line, file=sys.stdout if well else sys.stderr, flush=True)
    return worst


def rollout(
    verb: Verb,
    name: str = "",
    *,
    url: str | None = None,
    token: str | None = None,
    why: str = "",
    anyway: bool = False,
    item: str = "",
    failed: bool = False,
    role: str = "",
    seen: str = "",
    to: str = "",
    canary: str = "",
    stable: str = "",
    artifact: str = "",
    folder: str = "",
    attempt: str = "",
    incident: str = "",
    said: Mapping[str, str] | None = None,
    cert: str | None = None,
    key: str | None = None,
    ca: str | None = None,
    as_json: bool = False,
) -> int:
    """Ask a running receiver, print its answer and return the exit code.

    `url` defaults to HANDRAIL_URL or http://127.0.0.1:8080; `token` to HANDRAIL_TOKEN, or the content of the
    file HANDRAIL_TOKEN_FILE; `cert` and `key` to the files HANDRAIL_CERT and HANDRAIL_KEY, by which we are known where
    a certificate is asked for; `ca` to HANDRAIL_CA, an authority that counts beside the public ones. `anyway` goes past a "not ready" and needs `why`, which the evidence keeps. `item` and
    `failed` go with check, `role` and `seen` with approve, and `to`, the stage that is meant, with promote and retry.
    `canary` and `stable` are the versions, where the declaration leaves them open: with start, and with an approval
    before it; `artifact`, with start, is what goes out. `folder` is where bundle
    writes to, of the newest attempt or of the one with the number `attempt`. `incident` says
    which one is meant, with incident, ack, note, close and postmortem, and `said` what is said of it, by the words in SAID. `as_json` prints what the API says, whatever the exit code. All but list need a `name`.
    """
    options: dict[str, str | bool] = {
        "anyway": anyway,
        "item": item,
        "failed": failed,
        "role": role,
        "seen": seen,
        "to": to,
        "canary": canary,
        "stable": stable,
        "artifact": artifact,
        "folder": folder,
        "attempt": attempt,
        "json": as_json,
        "incident": incident,
        **dict.fromkeys(SAID, ""),
        **(said or {}),
    }
    if bool(name) == (verb == "list"):
        which = f"say which: `handrail rollout {verb} NAME`; `handrail rollout list` has the names"
        none = f"list takes no name; `handrail rollout status {name}` says where one stands"
        print(none if name else which, file=sys.stderr)  # noqa: T201
        return 2
    allowed = (*WORDS.get(verb, ("anyway",)), "json")
    wrong = [word for word, value in options.items() if value and word not in allowed]
    if wrong:
        word = "a folder" if wrong[0] == "folder" else f"--{wrong[0]}"
        print(f"{word} does not go with {verb}; leave it out", file=sys.stderr)  # noqa: T201
        return 2
    if verb == "bundle" and not folder:
        print(f"say where to: `handrail rollout bundle {name} FOLDER`", file=sys.stderr)  # noqa: T201
        return 2
    try:
        client = api_client(url, token, cert, key, ca)
        if verb == "watch":
            return watch(client, name, as_json=as_json)
        body, meanwhile = _body(verb, why, options), f"`handrail rollout status {name}` shows the result"
        answer = client.ask(lambda to: _ask(verb, name, to, body), LONGEST, meanwhile, says_slow=True)
    except ReceiverError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2 if isinstance(error, WrongSettings) else 1
    return _show(verb, client, answer, folder=folder, as_json=as_json)


def _body(verb: Verb, why: str, options: Mapping[str, str | bool]) -> dict[str, str | bool]:
    """What is sent with a verb."""
    words = {word: options[word] for word in WORDS.get(verb, ("anyway",))}
    if verb == "check":  # with neither of them it is no answer: a check is made now
        words = ({"item": words["item"]} if words["item"] else {}) | (
            {"passed": False} if words["failed"] else {}
        )
    if verb in {"note", "close"}:
        words = {word.replace("-", "_"): text for word, text in words.items() if text}
        if "false_rollback" in words:
            words["false_rollback"] = words["false_rollback"] == "yes"
    return {"why": why, **words}


def _ask(verb: Verb, name: str, client: httpx.Client, body: dict[str, str | bool]) -> httpx.Response:
    if verb == "list":
        return client.get("/api/rollouts")
    if verb == "bundle":
        asked = {"attempt": str(body["attempt"])} if body["attempt"] else {}
        return client.get(f"/api/rollouts/{name}/bundle", params=asked)
    if verb == "status":
        return client.get(f"/api/rollouts/{name}")
    if verb in {"incident", "postmortem"}:
        return _incidents(verb, name, client, str(body["incident"]))
    return client.post(f"/api/rollouts/{name}/{verb}", json=body)


def _incidents(verb: Verb, name: str, client: httpx.Client, wanted: str) -> httpx.Response:
    """The incidents of a rollout, or the draft of one of them: of the newest where none is named."""
    listed = client.get(f"/api/rollouts/{name}/incidents")
    if verb == "incident" or listed.is_error:
        return listed
    newest = next((one["id"] for one in json_of(listed).get("incidents", ())), "")
    which = wanted or newest or f"{name}-0"  # where there is none, the receiver says so
    return client.get(f"/api/rollouts/{name}/incidents/{quote(which, safe='')}/postmortem")


SEVERAL = frozenset({"not-ready", "not-approved"})
"""The reasons whose text may name much at once: each has a line of its own."""

NEEDED: dict[Verb, tuple[str, ...]] = {
    "list": ("rollouts",),
    "status": ("rollout",),
    "incident": ("incidents",),
    "bundle": ("files",),
    "postmortem": (),
}
"""What the answer of a receiver has; that to every other verb has its verdict."""


def _show(verb: Verb, client: ApiClient, answer: httpx.Response, *, folder: str, as_json: bool) -> int:
    """Print what was said, in words or as JSON, and return the exit code."""
    if verb == "postmortem" and answer.is_success:
        print(_json({"draft": answer.text}) if as_json else answer.text.rstrip())  # noqa: T201
        return 0
    said = json_of(answer, *NEEDED.get(verb, ("verdict",)))
    if answer.status_code == 401:
        print(unknown_token(client), file=sys.stderr)  # noqa: T201
        return 2
    failed = _failed(verb, answer, said)
    if verb == "bundle" and "error" not in said:
        return _written(said, Path(folder), as_json=as_json)
    if as_json:
        print(_json(said))  # noqa: T201
    elif "error" in said:
        print(said["error"], file=sys.stderr)  # noqa: T201
    else:
        refused = failed and "verdict" in said and not said.get("check")
        print(_words(verb, said), file=sys.stderr if refused else sys.stdout)
    for problem in guard_problems(said) if verb == "list" and not as_json else ():
        print(problem, file=sys.stderr)  # noqa: T201
    for name in said.get("unreadable", ()):
        cure = f"`handrail rollout status {name}` says why"
        print(f"{name}: its attempt cannot be read; {cure}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


def _failed(verb: Verb, answer: httpx.Response, said: dict[str, Any]) -> bool:
    """Whether the answer is no."""
    if answer.status_code >= 400 or "error" in said:
        return True
    if verb == "list":
        return bool(said.get("unreadable"))
    if said.get("check"):
        return not said["check"]["ok"]
    return said.get("outcome") in {"failed", "unproved"}


def _words(verb: Verb, said: dict[str, Any]) -> str:
    """What was said, for people."""
    if verb == "list":
        return listed(said)
    if verb == "status":
        return status(said)
    if verb == "incident":
        return incidents(said)
    if said.get("check"):
        return checked(said["check"])
    head, text = f"{said['verdict']} ({said['reason']}):", str(said["text"])
    several = said["reason"] in SEVERAL and text.count("; ") > 1 and "\n" not in text
    lines = [head, *(f"  {part}" for part in text.split("; "))] if several else [f"{head} {text}"]
    if said.get("outcome"):
        lines.append(": ".join(filter(None, (said["outcome"], said.get("outcome_text")))))
    return "\n".join(lines)


def _json(said: dict[str, Any]) -> str:
    return json.dumps(said, indent=2, ensure_ascii=False)


def _written(said: dict[str, Any], folder: Path, *, as_json: bool) -> int:
    """Write a bundle, and say what is missing from it; as JSON with the paths of its files, not with what is in them."""
    try:
        write(folder, said["files"])
    except WrongSettings as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        where = error.filename or folder
        print(f"{where}: {error.strerror}; name a folder that can be written", file=sys.stderr)  # noqa: T201
        return 2
    for one in said["missing"]:
        print(f"missing: {one}", file=sys.stderr)  # noqa: T201
    text = f"attempt {said['attempt']} of {said['rollout']}: {len(said['files'])} files in {folder}"
    text += f"; open {folder / 'report.html'}, check it with `handrail verify {folder}`"
    print(_json({**said, "files": sorted(said["files"])}) if as_json else text)  # noqa: T201
    return 0 if said["complete"] else 1


def main(argv: list[str] | None = None) -> None:
    """`python -m handrail_receiver serve`, or `… rollout VERB NAME` with the options of `handrail rollout`."""
    parser = argparse.ArgumentParser(prog="handrail_receiver", description="The receiver, and calls to it.")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run the receiver")
    serving.add_argument("--check", action="store_true", help="only report what a start would find")
    asking = commands.add_parser("rollout", help="ask a running receiver")
    asking.add_argument("verb", choices=VERBS)
    asking.add_argument("name", nargs="?", default="")
    asking.add_argument("--json", action="store_true", dest="as_json")
    texts = ("cert", "key", "ca", "url", "why", "item", "role", "seen", "to", "canary", "stable", "incident")
    for word in (*texts, *SAID):
        asking.add_argument(f"--{word}", default="")
    for word in ("anyway", "failed"):
        asking.add_argument(f"--{word}", action="store_true")
    said = vars(parser.parse_args(argv))
    if said["command"] == "rollout":
        said["said"] = {word: said.pop(word.replace("-", "_")) for word in SAID}
    if said.pop("command") == "serve":
        serve(check=said["check"])
    else:
        raise SystemExit(rollout(said.pop("verb"), said.pop("name"), **said))
