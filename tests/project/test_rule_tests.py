"""What `make check` asks promtool: all that has not passed before, by the same promtool, rules and test."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from servers import program

TOOL = Path(__file__).parents[1] / "tools/rule_tests"
RULES = "groups: [{name: g, rules: [{record: twice, expr: level * 2}]}]\n"
TEST = """rule_files:
- ../rules/shop.yml
evaluation_interval: 1m
tests:
- interval: 1m
  input_series: [{series: level, values: 2x4}]
  promql_expr_test: [{expr: twice, eval_time: 1m, exp_samples: [{labels: twice, value: 4}]}]
"""


@pytest.fixture(name="shop")
def _shop(tmp_path: Path) -> Path:
    """The tool beside files of a test and its rules, and a promtool that writes down that it was asked."""
    for folder in ("tests/tools", "rules", "cases", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(TOOL, tmp_path / "tests/tools")
    (tmp_path / "rules/shop.yml").write_text(RULES)
    (tmp_path / "cases/shop.test.yml").write_text(TEST)
    asked = tmp_path / "bin/promtool"
    asked.write_text(f'#!/bin/sh\necho >>{tmp_path}/asked\nexec {program("promtool")} "$@"\n')
    asked.chmod(0o755)
    return tmp_path


def judges(shop: Path) -> tuple[int, int]:
    """The exit code, and how often promtool has been asked by then."""
    env = {**os.environ, "PATH": f"{shop}/bin:{os.environ['PATH']}"}
    argv = [str(shop / "tests/tools/rule_tests"), "cases/shop.test.yml"]
    done = subprocess.run(argv, cwd=shop, env=env, check=False, capture_output=True, text=True)
    return done.returncode, len((shop / "asked").read_text().splitlines())


def test_what_has_passed_is_not_asked_again_and_all_else_is(shop: Path) -> None:
    assert [judges(shop), judges(shop)] == [(0, 1), (0, 1)]
    (shop / "rules/shop.yml").write_text(RULES.replace("* 2", "* 3"))
    assert [judges(shop), judges(shop)] == [(1, 2), (1, 3)]
    (shop / "cases/shop.test.yml").write_text(TEST.replace("value: 4", "value: 6"))
    assert [judges(shop), judges(shop)] == [(0, 4), (0, 4)]
    with (shop / "bin/promtool").open("a") as newer:
        newer.write("\n")
    assert judges(shop) == (0, 5)


def test_rules_that_are_not_there_are_an_error(shop: Path) -> None:
    assert judges(shop) == (0, 1)
    (shop / "rules/shop.yml").unlink()
    assert judges(shop) == (1, 1)
