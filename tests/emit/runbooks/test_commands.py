"""The commands of this repository's runbooks: each is read by the program that it is for."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cache
from itertools import takewhile
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import psycopg
import servers
import typer
from handrail.cli import app
from typer.core import TyperGroup
from typer.exceptions import TyperException

RUNBOOKS = Path(__file__).parents[3] / "generated/runbooks"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)

TABLES = """
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE audit_logs (actor_id text, actor_email text, user_id text, role text, action text, entity text,
                             hash text, created_at timestamptz DEFAULT now());
    CREATE TABLE users (id text, role text);
    CREATE TABLE user_modules (user_id text, module text);
    CREATE TABLE role_modules (role text, module text);
    CREATE TABLE observability_events (event_type text, success boolean, processing_time_ms float, details jsonb,
                                       cache_key text, cache_hit boolean, created_at timestamptz DEFAULT now());
"""
"""The tables of the teams' databases, as far as their documents name them."""


def blocks(language: str) -> list[str]:
    """Every block of that language, without its indentation."""
    return [
        dedent(text)
        for path in sorted(RUNBOOKS.glob("*.md"))
        for _, named, text in BLOCK.findall(path.read_text())
        if named == language
    ]


def test_a_block_of_a_numbered_step_is_indented_as_its_text_is() -> None:
    wrong, steps = [], 0
    for path in sorted(RUNBOOKS.glob("*.md")):
        width = 0
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if marker := re.match(r"[0-9]+\. ", line):
                width = marker.end()
            if fence := re.match(r"( +)```", line):
                steps += 1
                wrong += [f"{path.name}:{number}"] if fence.end(1) != width else []

    assert (wrong, steps > 100) == ([], True)


def test_bash_reads_every_command() -> None:
    commands = blocks("sh")
    wrong = [
        (command, done.stderr)
        for command in commands
        if (
            done := subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False)
        ).stderr
    ]
    assert (wrong, len(commands) > 50) == ([], True)


def test_promtool_reads_every_query_of_prometheus(tmp_path: Path) -> None:
    queries = blocks("promql")
    rules = [
        f"      - record: by_hand:{number}\n        expr: |\n{indent(query.rstrip(), ' ' * 10)}\n"
        for number, query in enumerate(queries)
    ]
    (tmp_path / "by_hand.yml").write_text(f"groups:\n  - name: by-hand\n    rules:\n{''.join(rules)}")
    done = subprocess.run(
        [servers.program("promtool"), "check", "rules", "--lint=none", "by_hand.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, len(queries) > 40) == (0, "", True)


def test_handrail_has_every_command_of_its_own() -> None:
    lines = [line for text in blocks("sh") for line in text.replace("\\\n", " ").splitlines()]
    commands = [line for line in lines if line.startswith("handrail ")]
    rollouts = {path.stem for path in RUNBOOKS.glob("*.md")}
    wrong = [(line, said) for line in commands if (said := refused(line, rollouts))]
    assert (wrong, len(commands) > 40) == ([], True)


def test_a_command_that_handrail_has_not_is_found() -> None:
    lines = ["handrail rollout anser shop", "handrail rollout check shop --itm 1", "handrail gate shops"]
    assert [refused(line, {"shop"}).partition(" of ")[0] for line in lines] == [
        "Value error, 'anser' is not one",
        "No such option: --itm",
        "no such rollout: {'shops'}",
    ]


@cache
def command_line() -> Any:
    return typer.main.get_command(app)


def refused(line: str, rollouts: set[str]) -> str:
    """What handrail's command line says against a line; empty for nothing."""
    _, *words = takewhile(lambda word: word not in {"|", ">"}, shlex.split(line, comments=True))
    command, context = command_line(), None
    try:
        while isinstance(command, TyperGroup):
            context = command.make_context("handrail", words[:1], parent=context)
            _, found, _ = command.resolve_command(context, words[:1])
            assert found is not None
            command, words = found, words[1:]
        asked = command.make_context("handrail", words, parent=context).params
    except TyperException as error:
        return str(error)
    named = {asked.get("name"), asked.get("rollout"), *(asked.get("rollouts") or ())} - {None, ""}
    return f"no such rollout: {named - rollouts}" if named - rollouts else ""


def test_postgresql_reads_every_query_of_a_runbook(tmp_path: Path) -> None:
    queries = [one.strip() for text in blocks("sql") for one in text.split(";") if one.strip()]
    with (
        servers.postgres(tmp_path) as server,
        psycopg.connect(f"postgresql://handrail@{server.address}/postgres", autocommit=True) as database,
    ):
        database.execute(TABLES)
        for query in queries:
            if query not in {"BEGIN", "ROLLBACK"}:
                database.execute(f"EXPLAIN {query}".encode())
    assert len(queries) > 15
