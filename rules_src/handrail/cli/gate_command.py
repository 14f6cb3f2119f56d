"""`handrail gate ROLLOUT`: is its gate open? For pipelines."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.cli.receiver_options import Ca, Cert, Key, Url, no_receiver
from handrail.errors import WrongCall


def gate(
    name: Annotated[str, typer.Argument(metavar="ROLLOUT", help="Its name.", show_default=False)],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it is open, or can no longer open.", show_default=False)
    ] = False,
    timeout: Annotated[
        str,
        typer.Option(help="With --wait: the longest time, like 90s, 45m or 2h; without it no limit."),
    ] = "",
    to: Annotated[
        str,
        typer.Option(help="The gate into this stage (`complete` after the last); the next one without it."),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="The API's last answer as JSON.", show_default=False)
    ] = False,
    url: Url = None,
    cert: Cert = None,
    key: Key = None,
    ca: Ca = None,
) -> None:
    """Show whether the gate to the next stage is open.

    Exits with 0: open; 1: closed; 2: called wrongly; 3: unknown.
    """
    from handrail.units import duration  # noqa: PLC0415

    try:
        from handrail_receiver.client.api_client import api_client  # noqa: PLC0415
        from handrail_receiver.client.gate_wait import Wait  # noqa: PLC0415
        from handrail_receiver.client.gate_wait import gate as ask  # noqa: PLC0415
        from handrail_receiver.errors import WrongSettings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        no_receiver(error)
    if timeout and not wait:
        raise WrongCall("--timeout limits --wait, which is not given; add --wait")
    try:
        seconds = duration(timeout).total_seconds() if timeout else None
        client = api_client(url, None, cert, key, ca)
    except ValueError as error:
        raise WrongCall(f"--timeout: {error}") from None
    except WrongSettings as error:
        raise WrongCall(str(error)) from None
    raise typer.Exit(ask(client, name, to, Wait(seconds if wait else 0.0), as_json=as_json))
