"""`handrail merge …`: our part of a configuration that somebody has already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from handrail.errors import Problem, Refused, Severity, Where, shown

merge = typer.Typer(
    name="merge",
    help="Add Handrail's part to a configuration, or remove it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@merge.callback()
def _root() -> None:
    pass


@merge.command()
def alertmanager(
    file: Annotated[Path, typer.Argument(help="Its alertmanager.yml.", readable=False, show_default=False)],
    source: Annotated[Path, typer.Option(help="Folder with rollouts/ and environments.py.")] = Path(
        "rules_src"
    ),
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment",
            "-e",
            help="The environment whose part it is; not needed if only one shares an Alertmanager.",
        ),
    ] = None,
    under: Annotated[
        list[str] | None,
        typer.Option(
            help="The parent of Handrail's routes, named by its receiver or a matcher; the root by default."
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when the file is not up to date.")
    ] = False,
    remove: Annotated[
        bool,
        typer.Option(
            "--remove", help="Remove Handrail's part: that of --environment, or of all environments."
        ),
    ] = False,
    target_version: Annotated[
        list[str] | None,
        typer.Option(help="Oldest version that reads the file, as in alertmanager=0.33; 0.25 by default."),
    ] = None,
) -> None:
    """Add routes, receivers and inhibitions to its file.

    The rest of the file stays as it is.
    """
    from handrail.output.merging.merge_alertmanager import environments_in, without  # noqa: PLC0415
    from handrail.output.merging.rewrite import difference, rewrite, text_of  # noqa: PLC0415

    old = text_of(file)
    if remove:
        new = without(old, shown(file), environment)
    else:
        new = _with_ours(old, file, source, environment, under or [], target_version or [])
    typer.echo(difference(file, old, new), nl=False)
    if check and old != new:
        what, cure = "the file is not up to date", "run `handrail merge alertmanager` without --check"
        raise Refused([Problem(Where(shown(file), 1), Severity.error, what, cure)])
    if old != new:
        rewrite(file, new)
    if remove and environment and old == new and (there := environments_in(old, shown(file))):
        typer.echo(f"{shown(file)} has no part of {environment}; it has {', '.join(there)}", err=True)
    typer.echo(f"{shown(file)} {'is up to date' if old == new else 'is rewritten'}")


def _with_ours(
    old: str, file: Path, source: Path, environment: str | None, under: list[str], versions: list[str]
) -> str:
    """The file with our part; says what of theirs and ours may get into each other's way."""
    from handrail.compiler import alertmanager_part  # noqa: PLC0415
    from handrail.output.merging.merge_alertmanager import (  # noqa: PLC0415
        beside_ours,
        conflicts,
        merged,
        of_others,
    )
    from handrail.plan import versions as known  # noqa: PLC0415

    fragment, plan, declared = alertmanager_part(source, environment, known.alertmanager(versions))
    new = merged(old, fragment, plan.environment.name, under, shown(file))
    problems = conflicts(old, plan, under, shown(file))
    errors = [problem for problem in problems if problem.severity >= Severity.error]
    if errors:
        raise Refused(errors)
    # with the lines that it has from now on
    said = [conflicts(new, plan, under, shown(file)), of_others(new, declared, shown(file))]
    for problem in sorted([*said[0], *said[1], *beside_ours(new, shown(file))]):
        typer.echo(str(problem), err=True)
    return new
