"""`handrail kill-switch on|off|status` → a call to the receiver, and its answer."""
# ruff: noqa: T201  this is the command line

from __future__ import annotations

import json
import sys
from typing import Any

import httpx

from handrail_receiver.client.api_client import api_client, json_of, unknown_token
from handrail_receiver.errors import ReceiverError, WrongSettings

LONGEST = 60.0
PATH = "/api/kill-switch"


def kill_switch(
    word: str,
    *,
    why: str = "",
    as_json: bool = False,
    url: str | None = None,
    token: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    ca: str | None = None,
) -> int:
    """Set the kill switch of a receiver (`on`), take it away (`off`) or say whether it is set (`status`).

    Returns the exit code: of `status` 0 when it is not set, 1 when it is.
    """

    def call(to: httpx.Client) -> httpx.Response:
        return to.get(PATH) if word == "status" else to.post(PATH, json={"on": word == "on", "why": why})

    try:
        client = api_client(url, token, cert, key, ca)
        answer = client.ask(call, LONGEST, "`handrail kill-switch status` shows the result", says_slow=True)
    except ReceiverError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, WrongSettings) else 1
    said = json_of(answer)
    if answer.status_code == 401:
        print(unknown_token(client), file=sys.stderr)
        return 2
    failed = answer.is_error or "error" in said
    if as_json:
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        print(_words(said), file=sys.stderr if failed else sys.stdout)
    return 1 if failed or said.get("on") else 0


def _words(said: dict[str, Any]) -> str:
    if "error" in said:
        return str(said["error"])
    if "on" not in said:
        return f"{said['verdict']} ({said['reason']}): {said['text']}"
    state = f"set{': ' if said['text'] else ''}{said['text']}" if said["on"] else "not set"
    return "\n".join(filter(None, (f"the kill switch is {state}", said["cannot"])))
