"""What every command takes that asks a running receiver: its address, and by which certificates the two know each other."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from handrail.errors import WrongCall

Url = Annotated[
    str | None, typer.Option("--url", help="The receiver's address; HANDRAIL_URL, or http://127.0.0.1:8080.")
]
Cert = Annotated[str | None, typer.Option("--cert", help="The client certificate; HANDRAIL_CERT.")]
Key = Annotated[str | None, typer.Option("--key", help="Its key; HANDRAIL_KEY.")]
Ca = Annotated[
    str | None,
    typer.Option("--ca", help="Your own certificate authority, in addition to the public ones; HANDRAIL_CA."),
]


def no_receiver(error: ModuleNotFoundError) -> NoReturn:
    """What is said where the receiver's half is not there."""
    raise WrongCall(
        f"the receiver is not installed ({error.name} is missing); pip install 'handrail[receiver]'"
    )
