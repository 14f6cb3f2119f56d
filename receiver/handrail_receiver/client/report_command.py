"""`handrail report daily|weekly` → the receiver's reports: Markdown or JSON on stdout, HTML into a file."""
# ruff: noqa: T201  this is the command line

from __future__ import annotations

import json
import sys
from pathlib import Path

from handrail_receiver.client.api_client import api_client, json_of, unknown_token
from handrail_receiver.errors import ReceiverError, WrongSettings

LONGEST = 300.0
"""How long all reports may take, in seconds: Prometheus is asked for each figure of each rollout."""


def report(
    kind: str,
    *,
    name: str = "",
    date: str = "",
    html: Path | None = None,
    as_json: bool = False,
    url: str | None = None,
    token: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    ca: str | None = None,
) -> int:
    """Print the reports of the rollout `name`, or of all, and return the exit code.

    `date` is a day like 2026-11-27: the report of that day, or of the week with it. The rest is as for `rollout`.
    """
    asked = {word: text for word, text in (("rollout", name), ("date", date)) if text}
    try:
        client = api_client(url, token, cert, key, ca)
        answer = client.ask(
            lambda to: to.get(f"/api/reports/{kind}", params=asked),
            LONGEST,
            "ask for one rollout: --rollout NAME",
            says_slow=True,
        )
    except ReceiverError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, WrongSettings) else 1
    said = json_of(answer)
    if answer.status_code == 401:
        print(unknown_token(client), file=sys.stderr)
        return 2
    if "error" in said:
        print(said["error"], file=sys.stderr)
        return 2 if answer.status_code == 400 else 1
    for one in said["unreadable"]:
        print(f"{one}; `handrail rollout status` says more", file=sys.stderr)
    if html is not None:
        try:
            html.write_text(said["html"], encoding="utf-8")
        except OSError as error:
            print(f"{html}: {error.strerror}; name a file that can be written", file=sys.stderr)
            return 2
    elif not as_json:
        print(said["markdown"], end="")
    if as_json:
        print(json.dumps(said["reports"], indent=2, ensure_ascii=False))
    return 1 if said["unreadable"] else 0
