"""`handrail report daily|weekly`: what happened to the rollouts, as their teams report it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from handrail.cli.receiver_options import Ca, Cert, Key, Url, no_receiver


class ReportKind(StrEnum):
    """What a report is about."""

    daily = "daily"
    weekly = "weekly"


def report(
    kind: Annotated[ReportKind, typer.Argument(help="A day or a week.", show_default=False)],
    name: Annotated[
        str, typer.Option("--rollout", help="Only this rollout; without it all.", show_default=False)
    ] = "",
    date: Annotated[
        str,
        typer.Option(
            help="The day, or a day of the week, like 2026-11-27; without it the last one that is over.",
            show_default=False,
        ),
    ] = "",
    html: Annotated[
        Path | None,
        typer.Option(help="Write HTML into this file instead of printing Markdown.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the fields as JSON.", show_default=False)
    ] = False,
    url: Url = None,
    cert: Cert = None,
    key: Key = None,
    ca: Ca = None,
) -> None:
    """Print the daily or the weekly report.

    A running receiver makes it from its store and Prometheus. HANDRAIL_TOKEN_FILE names the file with your token.
    """
    try:
        from handrail_receiver.client.report_command import report as print_report  # noqa: PLC0415
    except ModuleNotFoundError as error:
        no_receiver(error)
    raise typer.Exit(
        print_report(
            kind.value,
            name=name,
            date=date,
            html=html,
            as_json=as_json,
            url=url,
            cert=cert,
            key=key,
            ca=ca,
        )
    )
