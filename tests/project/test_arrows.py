"""The imports in both packages → the arrows of docs/decisions hold, and importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"handrail": ROOT / "rules_src/handrail", "handrail_receiver": ROOT / "receiver/handrail_receiver"}
STAGES = ["cli", "compiler", "loading", "lint", "lower", "emit", "output"]
"""The way from a command to its files, left to right."""
SHARED = ["report", "declare", "promql", "plan", "contract", "base", "units", "errors"]
"""What the stages have in common, what knows most of the others first."""
LINE = [*STAGES, *SHARED]
"""All of the compiler: each may use those to its right."""
PURE = {
    "__future__",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "itertools",
    "math",
    "re",
    "shlex",
    "typing",
}
"""What a module that only thinks may use of the standard library."""

CONTRACT = {"handrail.contract", "handrail.contract.names"}
"""The contract as everybody has it: by its own name, not by those of its files."""

USES = {
    "model": {"errors"},
    "words": set(),
    "attempt_states": {"model"},
    "outside": {"certificates", "errors", "ports", "secrets", "unreached"},
    "gates": {"model", "words", "outside", "errors", "ports"},
    "access": {"gates"},
    "intake": {"access", "model", "errors", "logs", "metrics", "ports"},
    "decide": {"model", "attempt_states", "words", "ports"},
    "execute": {"model", "words", "outside", "errors", "ports", "tasks"},
    "targets": {"outside", "errors", "ports"},
    "store": {"model", "words", "addresses", "errors", "ports"},
    "operations": {
        "decide",
        "model",
        "attempt_states",
        "words",
        "gates",
        "outside",
        "errors",
        "guard",
        "playbooks",
        "ports",
        "tasks",
    },
    "catch_up": {"model", "intake", "decide", "store", "outside", "errors", "guard", "playbooks", "ports"},
    "telling": {
        *("model", "words", "intake", "evidence", "store", "outside"),
        *("certificates", "errors", "metrics", "playbooks", "ports", "tasks"),
    },
    "plots": {"words"},
    "evidence": {
        *(
            "model",
            "words",
            "view_models",
            "plots",
            "outside",
            "store",
            "errors",
            "html",
            "playbooks",
            "ports",
        )
    },
    "reports": {
        *(
            "model",
            "words",
            "view_models",
            "outside",
            "store",
            "telling",
            "errors",
            "html",
            "playbooks",
            "ports",
        )
    },
    "load_bursts": {
        *("model", "words", "evidence", "outside"),
        *("errors", "guard", "playbooks", "ports", "tasks"),
    },
    "client": {"words", "addresses", "certificates", "errors", "unreached"},
    "doctor": {"app", "catch_up", "client", "outside", "read_settings", "errors", "secrets", "settings"},
    "view_models": {"model", "attempt_states", "words", "gates", "plots"},
    "store_commands": {
        *("model", "words", "view_models", "intake", "outside", "store"),
        *("addresses", "clock", "errors", "secrets", "settings"),
    },
    "web": {
        *("model", "words", "view_models", "access", "intake", "gates", "store", "outside", "operations"),
        *("evidence", "reports", "errors", "html", "logs", "metrics", "playbooks", "plots", "ports"),
    },
}
"""The receiver's subpackages, and which other subpackages and modules beside them each uses."""

HELPERS = {"document", "groups", "messages"}
"""What emitters share: how a file is written down, and what two of them write down."""


@cache
def modules() -> dict[str, set[str]]:
    """Module → all it imports, at its top or inside a function: modules by their full names."""
    sources = {name(package, path): path for package, root in PACKAGES.items() for path in root.rglob("*.py")}
    return {module: set(imported(module, path, set(sources))) for module, path in sources.items()}


def name(package: str, path: Path) -> str:
    """`…/handrail/emit/grafana.py` → `handrail.emit.grafana`."""
    parts = path.relative_to(PACKAGES[package]).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


def imported(module: str, path: Path, known: set[str]) -> list[str]:
    found = []
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = origin(module, path, node)
            whole = [f"{start}.{alias.name}" for alias in node.names]
            found += [name if name in known else start for name in whole]
    return found


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All that stand in a module, one inside another too; no expressions, which are most of what is parsed."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, field, ()):
            yield inner
            yield from statements(inner)


def origin(module: str, path: Path, node: ast.ImportFrom) -> str:
    """The module a `from … import` reads, dots resolved."""
    if not node.level:
        return node.module or ""
    above = node.level - (path.name == "__init__.py")
    parts = module.split(".")
    return ".".join([*parts[: len(parts) - above], *filter(None, [node.module])])


def subpackage(module: str) -> str | None:
    """`handrail.emit.grafana.pages` → `emit`; None for what is no module of the compiler's."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] or None if package == "handrail" else None


def emitter(module: str) -> str:
    """`handrail.emit.grafana.panels` → `grafana`."""
    return module.split(".")[2]


def arrows(forbidden: dict[str, set[str]]) -> list[str]:
    """The imports that should not be there, as one reads them."""
    return sorted(f"{module} → {other}" for module, others in forbidden.items() for other in others)


def test_the_packages_of_the_compiler_use_only_what_is_to_their_right() -> None:
    subpackages = {module: here for module in modules() if (here := subpackage(module))}
    assert set(subpackages.values()) == set(LINE)
    backwards = {
        module: {
            o for o in modules()[module] if (other := subpackage(o)) and LINE.index(other) < LINE.index(here)
        }
        for module, here in subpackages.items()
    }
    assert arrows(backwards) == []


def test_emitters_know_the_plan_and_neither_the_declarations_nor_each_other() -> None:
    known = {
        module: {
            other
            for other in others
            if other.startswith(("handrail.declare", "handrail.base"))
            or (other.startswith("handrail.emit.") and emitter(other) not in {emitter(module)} | HELPERS)
        }
        for module, others in modules().items()
        if module.startswith("handrail.emit.")
    }
    assert arrows(known) == []


def test_the_plan_has_no_words_of_a_target_or_a_file_format() -> None:
    plan = {module for module in modules() if module.startswith("handrail.plan")} | {"handrail.plan.routing"}
    outside = {other for module in plan for other in modules()[module]} - plan
    assert outside <= PURE | {"collections.abc", "handrail.errors", "handrail.units"} | CONTRACT
    sources = (PACKAGES["handrail"] / "plan").glob("*.py")
    nodes = [node for source in sources for node in ast.walk(ast.parse(source.read_text()))]
    words = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)} | {
        node.target.id
        for node in nodes
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    foreign = ("yaml", "json", "grafana", "kubernetes", "haproxy", "promtool")
    assert {word for word in words if any(other in word.lower() for other in foreign)} == set()


def part(module: str) -> str:
    """`handrail_receiver.store.sql` → `store`, `handrail_receiver.guard` → `guard`."""
    return module.split(".")[1] if "." in module else ""


def parts() -> dict[str, set[str]]:
    """Each subpackage of the receiver and each module beside them → the others that it uses."""
    used: dict[str, set[str]] = {}
    for module, others in modules().items():
        if module.startswith("handrail_receiver."):
            there = {part(other) for other in others if other.startswith("handrail_receiver.")}
            used.setdefault(part(module), set()).update(there - {part(module)})
    return used


def test_each_package_of_the_receiver_uses_the_others_that_the_table_names() -> None:
    subpackages = {path.parent.name for path in PACKAGES["handrail_receiver"].glob("*/__init__.py")}
    assert {subpackage: used for subpackage, used in parts().items() if subpackage in subpackages} == USES


def test_no_two_parts_of_the_receiver_use_each_other_however_far_around() -> None:
    graph = TopologicalSorter(parts())
    graph.prepare()  # raises CycleError, which names the circle


def test_nothing_of_the_receiver_but_what_wires_it_uses_the_web() -> None:
    assert {name for name, used in parts().items() if "web" in used} == {"app", "http_routes", "server"}


def test_deciding_knows_values_only() -> None:
    seen: set[str] = set()
    ahead = [module for module in modules() if module.startswith("handrail_receiver.decide")]
    while ahead:
        module = ahead.pop()
        seen.add(module)
        ahead += [other for other in modules()[module] if other in modules() and other not in seen]
    own = {module for module in seen if module.startswith("handrail_receiver.")}
    outside = {other.partition(".")[0] for module in own for other in modules()[module]}
    assert outside - PURE == {"handrail", "handrail_receiver", "json"}  # json: what a record says


def test_the_receiver_knows_the_contract_and_nothing_else_of_the_compiler() -> None:
    known = {
        module: {other for other in others if other.partition(".")[0] == "handrail"} - CONTRACT
        for module, others in modules().items()
        if module.startswith("handrail_receiver")
    }
    assert arrows(known) == []


def test_the_compiler_knows_the_receiver_only_where_the_command_starts_it() -> None:
    known = {
        module: {other for other in others if other.startswith("handrail_receiver")}
        for module, others in modules().items()
        if module.startswith("handrail") and not module.startswith(("handrail_receiver", "handrail.cli"))
    }
    assert arrows(known) == []


WATCHED = """
import sys
done = []
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    acts = event.startswith(("socket.", "subprocess.", "os.", "sqlite3.", "shutil.", "tempfile.", "signal."))
    reads = {"os.listdir", "os.scandir", "os.fwalk", "os.walk"}
    if writes or acts and event not in reads | {"socket.gethostname"}:
        done.append(event)
sys.addaudithook(watch)
import importlib, threading
for module in sys.argv[1:]:
    importlib.import_module(module)
print(*sorted(set(done)), *[thread.name for thread in threading.enumerate()])
"""


def fresh(code: str, *arguments: str) -> list[str]:
    """The words that `code` prints in a process of its own; a failure or a warning shows itself."""
    argv = [sys.executable, "-B", "-W", "error", "-c", code, *arguments]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_importing_any_module_does_nothing() -> None:
    ordinary = [module for module in modules() if not module.endswith("__main__")]
    assert fresh(WATCHED, *sorted(ordinary)) == ["MainThread"]


@pytest.mark.parametrize("package", ["handrail", "handrail_receiver"])
def test_the_packages_themselves_bring_nothing_from_others(package: str) -> None:
    own = set(sys.stdlib_module_names) | set(PACKAGES)
    loaded = fresh(
        f"import sys; before = set(sys.modules); import {package}; print(*set(sys.modules) - before)"
    )
    assert {name.partition(".")[0] for name in loaded} - own == set()


SLOW = {
    "grafana_foundation_sdk",
    "httpx",
    "jinja2",
    "promql_parser",
    "pydantic",
    "rich",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "yaml",
}
"""What a command imports only when it needs it."""


def test_the_command_line_is_there_at_once() -> None:
    loaded = fresh("import sys, handrail.cli; print(*{name.partition('.')[0] for name in sys.modules})")
    assert SLOW & set(loaded) == set()


def test_importing_the_command_line_takes_less_than_half_a_second_of_the_processor() -> None:
    code = "import time; start = time.process_time(); import handrail.cli; print(time.process_time() - start)"
    assert min(float(fresh(code)[0]) for _ in range(3)) < 0.5
