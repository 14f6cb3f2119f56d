"""The commands of this repository's runbooks: each is read by the program that it is for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from textwrap import dedent

import psycopg
import servers

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
