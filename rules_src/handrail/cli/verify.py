"""`handrail verify BUNDLE`: the evidence of an attempt, derived again without a receiver or a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.errors import WrongCall

Bundle = Annotated[
    Path,
    typer.Argument(
        metavar="BUNDLE", help="The folder that `handrail rollout bundle` wrote.", show_default=False
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(help="The public key (Ed25519, PEM) that must have signed it.", show_default=False),
]


def verify(bundle: Bundle, key: Key = None) -> None:
    """Check a bundle of evidence, offline.

    Every verdict is derived again from the bundle's samples. Exits with 1 and says what does not follow from them.
    """
    from importlib.metadata import version  # noqa: PLC0415

    from handrail_receiver.errors import ReceiverError  # noqa: PLC0415
    from handrail_receiver.evidence.folder import read  # noqa: PLC0415
    from handrail_receiver.evidence.signing import public_key  # noqa: PLC0415
    from handrail_receiver.evidence.verification import NoBundle  # noqa: PLC0415
    from handrail_receiver.evidence.verification import verify as derive  # noqa: PLC0415

    try:
        known = public_key(key) if key else None
        if not bundle.is_dir():
            raise WrongCall(f"{bundle} is not a folder; give the one that `handrail rollout bundle` wrote")
        verification = derive(read(bundle), known, version("handrail"))
    except NoBundle as error:
        raise WrongCall(f"{bundle}: {error}") from None
    except ReceiverError as error:
        raise WrongCall(str(error)) from None
    except OSError as error:
        raise WrongCall(f"{error.filename or bundle}: {error.strerror}; it has to be readable") from None
    for note in verification.notes:
        typer.echo(note)
    for problem in verification.problems:
        typer.echo(f"handrail: error: {problem}", err=True)
    if verification.problems:
        raise typer.Exit(1)
    typer.echo("every verdict follows from the samples")
