"""docs/maintainers/requirements/: each line of the five rollouts, what holds it, and what shows it.

That the named tests pass is seen at the end of the run that `make test` makes (`pytest --shown`); that the generated
tests do, by its `make check`. Here is what can be seen without running them, and that both can fail.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import shown
from handrail.output.read_yaml import read_yaml

TOP = Path(__file__).parents[2]
GENERATED = TOP / "generated"
PAGES = TOP / "docs/maintainers/requirements"
LINES = {"aidin-hardening": 65, "mem0-redis": 73, "aurigraph-v12": 60, "relay-r1": 43, "ruleiq": 53}
"""How many there are: 294 together."""
ALERT = re.compile(r"`promtool:(\w+)`")
ARGUED = ("Not ours: ", "Otherwise: ")
LEFT_OUT = re.compile(r"pytest\.mark\.(skip\b|long|unleash)")
MATCHER = re.compile(r'alertname(=~|!~|=)"([^"]+)"')


class Row(NamedTuple):
    """One line of a page."""

    rollout: str
    number: str
    line: str
    held: str
    shown: str


def rows(rollout: str) -> list[Row]:
    """Those of one page."""
    text = (PAGES / f"{rollout}.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \| (.*?) ?\|$", text, re.MULTILINE)
    return [Row(rollout, *row) for row in found]


@cache
def rules(rollout: str) -> frozenset[str]:
    """The alerts of a rollout's rules."""
    read = read_yaml((GENERATED / "prometheus" / "rules" / f"{rollout}.yml").read_text())
    return frozenset(rule["alert"] for group in read["groups"] for rule in group["rules"] if "alert" in rule)


@cache
def panels(rollout: str) -> frozenset[str]:
    """The titles of a rollout's panels on all its dashboards."""

    def titles(found: list[dict[str, Any]]) -> set[str]:
        return {panel.get("title", "") for panel in found} | {
            title for panel in found for title in titles(panel.get("panels", []))
        }

    files = GENERATED.glob(f"grafana/dashboards/{rollout}*.json")
    return frozenset(title for file in files for title in titles(json.loads(file.read_text())["panels"]))


def asked(rollout: str) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Each time that the generated tests ask for alerts: which they ask for, and which of these fire."""
    for file in GENERATED.glob(f"prometheus/tests/{rollout}.*yml"):
        read = read_yaml(file.read_text())
        for case in read["tests"]:
            for one in case.get("alert_rule_test", []):
                yield (
                    frozenset([one["alertname"]]),
                    frozenset([one["alertname"]] if one["exp_alerts"] else []),
                )
            for one in case.get("promql_expr_test", []):
                if "ALERTS{" in one["expr"]:
                    told = " ".join(sample["labels"] for sample in one.get("exp_samples") or [])
                    firing = frozenset(re.findall(r'alertname="(\w+)",alertstate="firing"', told))
                    yield selected(rollout, one["expr"]), firing


@cache
def selected(rollout: str, expr: str) -> frozenset[str]:
    """The alerts whose states an expression asks for: these, or all but these."""
    matcher = MATCHER.search(expr)
    if matcher is None:
        return rules(rollout)
    op, text = matcher.groups()
    fits = frozenset(
        name for name in rules(rollout) if (name == text if op == "=" else re.fullmatch(text, name))
    )
    return rules(rollout) - fits if op == "!~" else fits


@cache
def judged(rollout: str) -> tuple[frozenset[str], frozenset[str]]:
    """The alerts that some generated test expects to fire, and those that some expects not to."""
    every = set(asked(rollout))
    fires = frozenset[str]().union(*(firing for _, firing in every))
    return fires, frozenset[str]().union(*(names - firing for names, firing in every))


@cache
def defined(file: str) -> dict[str, bool]:
    """The tests that a file defines, each with whether `make test` runs it."""
    tree = ast.parse((TOP / file).read_text(encoding="utf-8"))
    marked = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    )
    whole = [mark for mark in marked if LEFT_OUT.search(ast.unparse(mark))]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {
        node.name: not whole and not any(LEFT_OUT.match(ast.unparse(one)) for one in node.decorator_list)
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.name.startswith(("test_", "Test"))
    }


def wrong(row: Row) -> list[str]:
    """What is wrong with the proofs of a row, and with the names of what holds it."""
    tests, alerts = shown.NAMED.findall(row.shown), ALERT.findall(row.shown)
    said = []
    if left := re.sub(r"`[^`]+`|[,; ]", "", row.shown):
        said.append(f"{left!r} is neither a test nor an alert")
    if not tests and not alerts and not row.held.startswith(ARGUED):
        said.append("nothing shows it, and nothing is said against it")
    for test in tests:
        file, _, name = test.partition("::")
        if not defined(file).get(name.partition("[")[0]):
            said.append(f"{test} does not run in `make test`")
    fires, silent = judged(row.rollout)
    said += [f"no generated test expects {alert} to fire" for alert in alerts if alert not in fires]
    said += [f"no generated test expects {alert} to be silent" for alert in alerts if alert not in silent]
    return said + [
        f"there is no {name}" for name in re.findall(r"`([^`]+)`", row.held) if not exists(row.rollout, name)
    ]


def exists(rollout: str, name: str) -> bool:
    """Whether a name in `code` is an alert, a panel, a question, a chapter or a file; what is none of these, may be anything."""
    if name.startswith("generated/"):
        return (TOP / name).exists()
    if not name[0].isupper() or "=" in name or "_" in name:
        return True
    texts = (GENERATED / "playbook" / f"{rollout}.json", GENERATED / "runbooks" / f"{rollout}.md")
    return name in rules(rollout) | panels(rollout) or any(name in text_of(text) for text in texts)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("rollout", LINES)
def test_each_line_is_shown_by_what_runs_or_argued_and_what_holds_it_exists(rollout: str) -> None:
    assert {row.number: said for row in rows(rollout) if (said := wrong(row))} == {}


def test_a_row_that_names_what_is_not_there_is_wrong() -> None:
    row = Row(
        "ruleiq",
        "1",
        "a line",
        "`Sign-ins` and `Sign-outs`, `generated/none.yml`",
        "`tests/project/test_requirements.py::test_none`, `promtool:RuleiqNone`, by hand",
    )
    assert wrong(row) == [
        "'byhand' is neither a test nor an alert",
        "tests/project/test_requirements.py::test_none does not run in `make test`",
        "no generated test expects RuleiqNone to fire",
        "no generated test expects RuleiqNone to be silent",
        "there is no Sign-outs",
        "there is no generated/none.yml",
    ]
    assert wrong(row._replace(held="by nobody", shown="")) == [
        "nothing shows it, and nothing is said against it"
    ]
    assert wrong(row._replace(held="Not ours: theirs", shown="")) == []


def test_every_acting_and_warning_alert_of_the_rollouts_stands_on_its_page() -> None:
    every = [row for rollout in LINES for row in rows(rollout)]
    named = {
        name for row in every for name in re.findall(r"`(?:promtool:)?([A-Z]\w+)`", row.held + row.shown)
    }
    told = {alert for rollout in LINES for alert in rules(rollout)}
    told = {
        one
        for one in told
        if not one.endswith(("Blind", "Thin", "Heartbeat", "ReceiverDown")) and "Slo" not in one
    }
    assert told - named == set()


def test_make_test_runs_the_named_tests_and_the_generated_ones() -> None:
    made = (TOP / "Makefile").read_text()
    recipes = dict(re.findall(r"^([\w-]+):[^\n]*\n((?:\t[^\n]*\n)+)", made, re.MULTILINE))
    assert "-j 2 style types pytest check" in recipes["test"]
    assert f"--shown={PAGES.relative_to(TOP)}\n" in recipes["pytest"]
    [command] = re.findall(r"\t\$\(BIN\)/pytest (-n .*)", recipes["pytest"])
    understood = [sys.executable, "-m", "pytest", *shlex.split(command), "--markers"]
    subprocess.run(understood, cwd=TOP, check=True, capture_output=True)
    assert "ls $(RULE_TESTS) | xargs -n 1 -P 2 promtool test rules" in recipes["check"]
    assert "RULE_TESTS := generated/prometheus/tests/*.yml\n" in made


def test_what_was_not_run_skipped_or_failed_is_lacking_and_a_test_stands_for_all_its_cases() -> None:
    outcomes = {"a::x": "passed", "a::y[1]": "passed", "a::y[2]": "failed", "a::z[1]": "skipped"}
    assert shown.lacking(["a::x", "a::y[1]"], outcomes) == {}
    assert shown.lacking(["a::y", "a::z", "a::w", "a::y[3]", "a"], outcomes) == {
        "a": "was not run",
        "a::w": "was not run",
        "a::y": "failed",
        "a::y[3]": "was not run",
        "a::z": "skipped",
    }


SUITE = """
import pytest

def test_good(): pass

@pytest.mark.parametrize("n", [1, 2])
def test_cases(n): pass

def test_skipped(): pytest.skip("no server")

@pytest.mark.long
def test_left_out(): pass
"""


@pytest.mark.parametrize("workers", [pytest.param("0", marks=pytest.mark.long), "2"])
def test_a_run_in_which_a_named_test_did_not_pass_fails_and_names_it(tmp_path: Path, workers: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = long\n")
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(TOP / 'tests')!r})\nimport pytest, shown\n"
        "from pathlib import Path\n"
        "def pytest_addoption(parser): parser.addoption('--shown', type=Path)\n"
        "def pytest_configure(config):\n"
        "    if not hasattr(config, 'workerinput'):\n"
        "        config.pluginmanager.register(shown.Shown(shown.named(config.getoption('--shown'))))\n"
    )
    wrong = ["test_skipped", "test_left_out", "test_renamed", "test_cases[3]"]

    def run(names: list[str]) -> tuple[int, list[tuple[str, str]]]:
        (tmp_path / "page.md").write_text("".join(f"| `tests/test_a.py::{name}` |\n" for name in names))
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            workers,
            "-m",
            "not long",
            "--shown",
            ".",
            "-p",
            "xdist.plugin",
        ]
        env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # no other plugin is asked for
        done = subprocess.run(
            argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, re.findall(r"^tests/test_a\.py::(test_\S+): (.+)$", done.stdout, re.MULTILINE)

    assert run(["test_good", "test_cases", "test_cases[2]"]) == (0, [])
    assert run(["test_good", *wrong]) == (
        1,
        [
            ("test_cases[3]", "was not run"),
            ("test_left_out", "was not run"),
            ("test_renamed", "was not run"),
            ("test_skipped", "skipped"),
        ],
    )
