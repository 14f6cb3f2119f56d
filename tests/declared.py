"""Declarations as text → a source folder, and what the compiler says about it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from textwrap import dedent, indent

from handrail.compiler import planned
from handrail.errors import Problem

HEAD = """\
from handrail.declare import *

ERRORS = Ratio(bad='requests_total{status=~"5.."}', of="requests_total")
TIME = Latency("request_seconds", p=95, buckets=[0.1, 0.25, 0.5, 1])
RUNBOOK = Runbook("People wait.", look=["at the log"], fix=["roll back"])
STAGES = [Stage("10%", weight="10%", bake="24h"), Stage("50%", weight="50%", bake="4h"), Stage("100%", weight="100%")]
ARMS = Arms("track", canary="canary", stable="stable")
UNDO = [Command(["undo"], read=["is-undone"])]
"""


def folder(at: Path, files: dict[str, str]) -> Path:
    """Write `files` below `at`/source, which is returned."""
    for name, text in files.items():
        file = at / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return at / "source"


def said(files: dict[str, str]) -> list[tuple[str, Problem]]:
    """Every problem with these files, beside the text of the line it is about."""
    with tempfile.TemporaryDirectory() as temporary:
        source = folder(Path(temporary), files)
        _, problems = planned(source, None)
        lines = {name: dedent(text).splitlines() for name, text in files.items()}
        found = []
        for problem in problems:
            name = str(Path(problem.where.file).resolve().relative_to(source.resolve()))
            found.append((lines[name][problem.where.line - 1].strip(), problem))
    return found


def found(lint: str, *facts: str, environments: str = "") -> list[tuple[str, str]]:
    """What `lint` finds in a rollout of these keyword arguments: (line, severity: what; what to do)."""
    body = indent(",\n".join(dedent(fact).strip() for fact in facts), "    ")
    rollout = f'{HEAD}\nshop = Rollout(\n    name="shop",\n    service="shop",\n{body},\n)\n'
    files = {"rollouts/shop.py": rollout}
    if environments:
        files["environments.py"] = f"from handrail.declare import *\n\n{dedent(environments)}"
    return [
        (line, f"{problem.severity.name}: {problem.what}; {problem.cure}")
        for line, problem in said(files)
        if problem.lint == lint
    ]


def guardrail(*facts: str, measure: str = "ERRORS") -> str:
    """One guardrail named `errors` with these keyword arguments, each on its own lines."""
    body = indent(",\n".join(dedent(fact).strip() for fact in facts), "        ")
    return f'guardrails=[\n    Guardrail(\n        "errors",\n        {measure},\n{body},\n        runbook=RUNBOOK,\n    ),\n]'


def refusals(expression: str) -> list[str]:
    """What is said about one expression: what; what to do."""
    files = {"rollouts/x.py": f"from handrail.declare import *\nx = {expression}\n"}
    return [f"{problem.what}; {problem.cure}" for _, problem in said(files)]
