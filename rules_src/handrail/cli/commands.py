"""The command line: one function per command, each importing only what it needs."""

from __future__ import annotations

import errno
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handrail.cli.choices import Commands
from handrail.cli.doctor import doctor
from handrail.cli.gate_command import gate
from handrail.cli.kill_switch import kill_switch
from handrail.cli.merge import merge
from handrail.cli.receiver_options import no_receiver
from handrail.cli.report import report
from handrail.cli.rollout_command import rollout
from handrail.cli.store import store
from handrail.cli.verify import verify
from handrail.errors import HandrailError, Problem, Refused, WrongCall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handrail.output.write import Change

app = typer.Typer(
    name="handrail",
    cls=Commands,
    help="Declare a rollout's guardrails once; get the rules, tests, dashboards, runbooks and the rollback.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Source = Annotated[Path, typer.Option(help="Folder with rollouts/ and environments.py.")]
Out = Annotated[Path, typer.Option(help="Folder the files are written to.")]
EnvironmentName = Annotated[
    str | None,
    typer.Option(
        "--environment",
        "-e",
        help="Only this environment; without it generate compiles all, other commands use the first.",
    ),
]


def _say_version(asked: bool) -> None:  # noqa: FBT001  typer's way
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"handrail {version('handrail')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    pass


class Form(StrEnum):
    """How a difference is printed."""

    words = "words"
    patch = "patch"
    markdown = "markdown"
    json = "json"


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where to create it; the current folder by default.")
    ] = Path(),
) -> None:
    """Create a GitOps repository with one rollout to edit.

    It also has its generated files, and the receiver's settings and tokens.
    """
    import contextlib  # noqa: PLC0415

    from handrail.cli.init import AT_THE_TOP, below_the_top, start  # noqa: PLC0415

    written = start(folder)
    with contextlib.chdir(folder):  # paths in generated files are seen from the repository
        generate()
    typer.echo("".join(f"{folder / path}\n" for path in written), nl=False)
    if below_the_top(folder):
        moved = ", ".join(AT_THE_TOP)
        typer.echo(f"move to the top of the repository, where alone they are read: {moved}")
    there = "" if folder == Path() else f"in {folder}: "
    typer.echo(f"{there}edit rules_src/rollouts/my_service.py, then: handrail generate && ./check.sh")


@app.command()
def generate(
    source: Source = Path("rules_src"),
    out: Out = Path("generated"),
    environment: EnvironmentName = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when the files are not up to date.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; say what would change for production.")
    ] = False,
    form: Annotated[
        Form, typer.Option("--format", help="How --diff says it; patch shows the files line by line.")
    ] = Form.words,
    target_version: Annotated[
        list[str] | None,
        typer.Option(help="Oldest version that reads the files, as in alertmanager=0.33; 0.25 by default."),
    ] = None,
) -> None:
    """Compile the declarations into the folder generated/.

    It holds rules with their tests, routes, dashboards, runbooks and playbooks.
    """
    from handrail.compiler import compile_source  # noqa: PLC0415
    from handrail.output.write import apply, changes, has_environments  # noqa: PLC0415
    from handrail.plan.versions import alertmanager  # noqa: PLC0415

    warned: list[Problem] = []
    try:
        oldest = alertmanager(target_version or ())
        files = compile_source(source, environment, oldest, warned.append, _progress)
    finally:
        _progress("")
    differing = changes(files, out)
    if environment is not None and has_environments(out):
        raise WrongCall(
            f"{out} has a folder for each environment; leave out --environment, or give another --out"
        )
    if diff:
        typer.echo(_difference(files, differing, out, form), nl=False)
    if check:
        for change in differing:
            typer.echo(f"{out / change.path}:1: error: {change.problem}", err=True)
    if check or diff:
        raise typer.Exit(1 if check and differing else 0)
    apply(differing, out)
    for problem in warned:
        typer.echo(str(problem), err=True)
    counts = ", ".join(
        f"{sum(c.kind == kind for c in differing)} {kind}" for kind in ("new", "changed", "stale")
    )
    typer.echo(f"{len(files)} files in {out}: {counts}")


def _progress(what: str) -> None:
    """One line on a terminal, which the next one overwrites; nothing in a pipe."""
    if sys.stderr.isatty():
        typer.echo(f"\r\x1b[K{what}", nl=False, err=True)


def _difference(files: Mapping[str, str], differing: Sequence[Change], out: Path, form: Form) -> str:
    from handrail.output.diff import differences  # noqa: PLC0415
    from handrail.output.diff.show import SHOWN  # noqa: PLC0415
    from handrail.output.write import listed_texts  # noqa: PLC0415

    if form is Form.patch:
        return "".join(change.diff() for change in differing)
    return SHOWN[form](differences(listed_texts(out), files), len(differing))


@app.command()
def lint(source: Source = Path("rules_src")) -> None:
    """Report every problem of the declarations, with file and line."""
    from handrail.compiler import problems_everywhere  # noqa: PLC0415
    from handrail.errors import Severity  # noqa: PLC0415

    problems = problems_everywhere(source)
    for problem in problems:
        typer.echo(str(problem), err=True)
    if any(problem.severity >= Severity.error for problem in problems):
        raise typer.Exit(1)


@app.command()
def explain(
    rollout: Annotated[str, typer.Argument(help="Its name.")],
    source: Source = Path("rules_src"),
    environment: EnvironmentName = None,
) -> None:
    """Show when each alert fires, what it does and how fast.

    Tables in a terminal, plain lines in a pipe.
    """
    from handrail.compiler import planned  # noqa: PLC0415
    from handrail.errors import Severity  # noqa: PLC0415
    from handrail.report.explain import explain as tables_of  # noqa: PLC0415
    from handrail.report.tables import coloured, plain  # noqa: PLC0415

    plan, problems = planned(source, environment)
    if plan is None:
        raise Refused([problem for problem in problems if problem.severity >= Severity.error])
    known = {one.name: one for one in plan.rollouts}
    if rollout not in known:
        raise WrongCall(f"rollout '{rollout}' is not declared; use one of: {', '.join(known)}")
    tables = tables_of(known[rollout])
    if sys.stdout.isatty():
        coloured(tables)
    else:
        typer.echo(plain(tables), nl=False)


@app.command()
def schema(
    playbook: Annotated[
        bool, typer.Option("--playbook", help="The schema of the playbook, which the receiver reads.")
    ] = False,
) -> None:
    """Print the JSON Schema of the declarations.

    It is for editors and other programs.
    """
    from handrail.cli.schema import schema_of_declarations, schema_of_playbooks  # noqa: PLC0415

    typer.echo(schema_of_playbooks() if playbook else schema_of_declarations(), nl=False)


@app.command()
def docs(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="The page to print.", show_default=False)
    ] = "",
    show: Annotated[bool, typer.Option("--open", help="Open it as a site in the browser.")] = False,
) -> None:
    """List the documentation's pages, or print one."""
    from handrail.cli.docs import address, listed, page  # noqa: PLC0415

    if not show:
        typer.echo(page(name) if name else listed(), nl=False)
        return
    import webbrowser  # noqa: PLC0415

    page_address = address(name)
    typer.echo(page_address)
    webbrowser.open(page_address)


@app.command()
def serve(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Do not serve; report what a start would find, and which services do not answer."
        ),
    ] = False,
) -> None:
    """Run the receiver.

    Its settings are in handrail.toml or HANDRAIL_* variables (`handrail docs receiver`).
    """
    try:
        from handrail_receiver.cli import serve as run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        no_receiver(error)
    run(check=check)


CURES = {
    errno.ENOENT: "give the path of one that exists",
    errno.EISDIR: "give the path of a file",
    errno.ENOTDIR: "give a path below a folder",
    errno.EEXIST: "move it away, or give another path",
    errno.ENOSPC: "make room there, or give another path",
    errno.EROFS: "give a path that can be written to",
}
"""What to do about what the system says of a file."""

app.command()(doctor)
app.command()(rollout)
app.command()(gate)
app.command("kill-switch")(kill_switch)
app.command()(report)
app.command()(verify)
app.add_typer(store)
app.add_typer(merge)


def main() -> None:
    """The entry point: turns what the compiler raises into lines on stderr and an exit code."""
    try:
        app()
    except Refused as refused:
        typer.echo(str(refused), err=True)
        sys.exit(1)
    except HandrailError as error:
        typer.echo(f"handrail: error: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        cure = CURES.get(error.errno or 0, "make it readable and writable, or give another path")
        what = f"{error.filename or 'a file'}: {error.strerror}"
        typer.echo(f"handrail: error: {what}; {cure}", err=True)
        sys.exit(2)
