"""`handrail doctor`: is the running stack able to guard?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.receiver_options import Ca, Cert, Key, no_receiver
from handrail.errors import WrongCall


def doctor(
    rollouts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROLLOUT]...", help="Only these; all by default.", show_default=False),
    ] = None,
    generated: Annotated[
        Path, typer.Option(help="What `handrail generate` made; of several environments, the folder of one.")
    ] = Path("generated"),
    prometheus: Annotated[str | None, typer.Option(help="Prometheus' address; HANDRAIL_PROMETHEUS.")] = None,
    alertmanager: Annotated[
        list[str] | None,
        typer.Option(help="Each Alertmanager's address; HANDRAIL_ALERTMANAGERS.", show_default=False),
    ] = None,
    receiver: Annotated[
        str | None, typer.Option(help="The receiver's address; HANDRAIL_URL, or http://127.0.0.1:8080.")
    ] = None,
    grafana: Annotated[
        str | None, typer.Option(help="Grafana's address; HANDRAIL_GRAFANA.", show_default=False)
    ] = None,
    without_grafana: Annotated[
        bool,
        typer.Option("--without-grafana", help="Do not check Grafana.", show_default=False),
    ] = False,
    send_alert: Annotated[
        bool,
        typer.Option(
            "--send-alert",
            help="Send a test alert: the receiver records it, and does nothing.",
            show_default=False,
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="All findings as JSON.", show_default=False)
    ] = False,
    cert: Cert = None,
    key: Key = None,
    ca: Ca = None,
) -> None:
    """Check that the running stack can guard a rollout.

    Exits with 0: it can; 1: it cannot; 2: called wrongly; 3: something could not be asked.
    """
    from handrail.output.read_stack_needs import NoneGenerated, needed  # noqa: PLC0415

    try:
        from handrail_receiver.doctor.doctor_command import doctor as ask  # noqa: PLC0415
    except ModuleNotFoundError as error:
        no_receiver(error)
    if grafana and without_grafana:
        raise WrongCall("--grafana and --without-grafana exclude each other; give one of them")
    try:
        needs = needed(_files(generated), rollouts or ())
    except NoneGenerated as error:
        raise WrongCall(f"{generated}: {error}") from None
    code = ask(
        needs,
        prometheus=prometheus,
        alertmanagers=alertmanager or (),
        receiver=receiver,
        grafana=grafana,
        without_grafana=without_grafana,
        cert=cert,
        key=key,
        ca=ca,
        send_alert=send_alert,
        as_json=as_json,
    )
    raise typer.Exit(code)


def _files(generated: Path) -> dict[str, str]:
    """The text files below a folder, by their paths in it."""
    wanted = (".json", ".yml")
    return {
        path.relative_to(generated).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(generated.rglob("*"))
        if path.suffix in wanted and path.is_file()
    }
