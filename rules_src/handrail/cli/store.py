"""`handrail store …`: one function for each question that the receiver's store answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.errors import WrongCall
from handrail.report.tables import coloured, plain

if TYPE_CHECKING:
    from handrail_receiver.store_commands.checkpoints import Remembering
    from handrail_receiver.store_commands.questions import Inspection, Questions

store = typer.Typer(
    name="store",
    help="Inspect the receiver's store. Nothing is changed, and the receiver may be running.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

UNKNOWN = 3
"""The exit code that says that nobody can know."""
Where = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="sqlite:PATH or postgresql://…; without it the one in the receiver's settings.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]
Name = Annotated[str, typer.Argument(metavar="ROLLOUT", help="Only this rollout.", show_default=False)]
Naming = Annotated[
    str, typer.Option("--rollout", help="Only those that name this rollout.", show_default=False)
]
Attempt = Annotated[int | None, typer.Option(help="Only this attempt, by its number.", show_default=False)]
Since = Annotated[
    str, typer.Option(help="Not before: 90m, 2d, or 2026-03-01T02:30 in UTC.", show_default=False)
]
Limit = Annotated[int, typer.Option(min=1, help="At most this many: the newest ones.")]


@store.command()
def status(where: Where = None, json: AsJson = False) -> None:
    """Location, size, contents, and what is stuck. Exits with 1 when something is."""
    _answer(where, lambda ask: ask.status(), json=json)


@store.command()
def notifications(
    rollout: Naming = "", since: Since = "", limit: Limit = 20, where: Where = None, json: AsJson = False
) -> None:
    """What was delivered, and the result."""
    after = _instant(since)
    _answer(where, lambda ask: ask.notifications(rollout, after, limit), json=json)


@store.command()
def runs(
    rollout: Name = "",
    attempt: Attempt = None,
    since: Since = "",
    limit: Limit = 20,
    where: Where = None,
    json: AsJson = False,
) -> None:
    """What was carried out, step by step.

    Each line says why, how long it took, and how it ended.
    """
    after = _instant(since)
    _answer(where, lambda ask: ask.runs(rollout, attempt, after, limit), json=json)


@store.command()
def evidence(
    rollout: Name = "",
    attempt: Attempt = None,
    kind: Annotated[
        str, typer.Option(help="Only this kind: decision, step or outcome.", show_default=False)
    ] = "",
    since: Since = "",
    limit: Limit = 50,
    where: Where = None,
    json: AsJson = False,
) -> None:
    """What was decided and done, as it was recorded."""
    after = _instant(since)
    _answer(where, lambda ask: ask.evidence(rollout, attempt, kind, after, limit), json=json)


@store.command()
def verify(
    prometheus: Annotated[
        str | None,
        typer.Option(help="Compare with what this Prometheus has scraped of the chains.", show_default=False),
    ] = None,
    since: Annotated[str, typer.Option(help="How far back to compare.")] = "15d",
    http_config: Annotated[
        Path | None,
        typer.Option(help="How to log in there, like HANDRAIL_PROMETHEUS_HTTP_CONFIG.", show_default=False),
    ] = None,
    matching: Annotated[
        str,
        typer.Option(
            help='A matcher of this receiver\'s series, if several are scraped: job="handrail-receiver".',
            show_default=False,
        ),
    ] = "",
    where: Where = None,
    json: AsJson = False,
) -> None:
    """Check that the evidence is whole.

    If it is not, the first wrong record is named and the exit code is 1. It is 3 if that cannot be known.
    """
    after = _instant(since)
    _answer(where, lambda ask: ask.verify(_source(prometheus, after, http_config, matching)), json=json)


@store.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The copy; it must not exist yet.", show_default=False)],
    where: Where = None,
    json: AsJson = False,
) -> None:
    """Copy a SQLite store in use, and check the copy."""
    _answer(where, lambda ask: ask.backup(file), json=json)
    if not json:
        typer.echo(f"copied to {file}")


def _answer(where: str | None, question: Callable[[Questions], Inspection], *, json: bool) -> None:
    """Ask, say the answer, and exit with 1 when something is wrong, with 3 when nobody can know.

    Raises WrongCall when the store cannot be asked.
    """
    answer = _asked(where, question)
    if json:
        typer.echo(answer.document)
    elif sys.stdout.isatty():
        coloured(answer.tables)
    else:
        typer.echo(plain(answer.tables), nl=False)
    for problem in answer.problems:
        typer.echo(f"handrail: error: {problem}", err=True)
    for one in answer.unknown:
        typer.echo(f"handrail: unknown: {one}", err=True)
    if answer.problems or answer.unknown:
        raise typer.Exit(1 if answer.problems else UNKNOWN)


def _asked(where: str | None, question: Callable[[Questions], Inspection]) -> Inspection:
    try:
        from handrail_receiver.errors import ReceiverError  # noqa: PLC0415
        from handrail_receiver.store_commands.questions import Questions  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise WrongCall(
            f"the receiver is not installed ({error.name} is missing); pip install 'handrail[receiver]'"
        ) from None
    try:
        return question(Questions(where))
    except ReceiverError as error:
        raise WrongCall(str(error)) from None


def _source(
    prometheus: str | None, since: datetime | None, login: Path | None, matching: str
) -> Remembering | None:
    """The Prometheus that remembers, None where none is given."""
    from handrail_receiver.store_commands.checkpoints import remembering  # noqa: PLC0415

    if prometheus is None or since is None:
        return None
    return remembering(prometheus, since, login, matching)


def _instant(since: str) -> datetime | None:
    """`90m` ago, or an instant in ISO 8601. Raises WrongCall."""
    from handrail.units import duration  # noqa: PLC0415

    if not since:
        return None
    try:
        return datetime.now(UTC) - duration(since)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        raise WrongCall(f"--since {since}: write 90m, 12h, 2d, 2026-03-01 or 2026-03-01T02:30") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
