"""`handrail kill-switch`: stop the receiver from acting automatically, of every rollout, and let it act again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from handrail.cli.receiver_options import Ca, Cert, Key, Url, no_receiver


class Turn(StrEnum):
    """What is asked of the kill switch."""

    on = "on"
    off = "off"
    status = "status"


def kill_switch(
    word: Annotated[
        Turn, typer.Argument(help="Set it, remove it, or show whether it is set.", show_default=False)
    ],
    why: Annotated[str, typer.Option(help="The reason, kept in the evidence of every rollout.")] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="The API's answer as JSON.", show_default=False)
    ] = False,
    url: Url = None,
    cert: Cert = None,
    key: Key = None,
    ca: Ca = None,
) -> None:
    """Stop the receiver's automatic actions, or allow them again.

    While it is stopped, it neither rolls back nor promotes automatically. HANDRAIL_TOKEN_FILE names the file with your token.
    """
    try:
        from handrail_receiver.client.kill_switch_command import kill_switch as turn  # noqa: PLC0415
    except ModuleNotFoundError as error:
        no_receiver(error)
    raise typer.Exit(turn(word.value, why=why, as_json=as_json, url=url, cert=cert, key=key, ca=ca))
