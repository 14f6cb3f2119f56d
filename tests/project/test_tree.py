"""The repository as it is committed → the layout that docs/README.md promises."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs",
    "generated",
    "mkdocs.yml",
    "pyproject.toml",
    "receiver",
    "rules_src",
    "tests",
    "uv.lock",
}
LONGEST = 400


def committed() -> list[Path]:
    """Every file git keeps here, whoever owns the clone."""
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(git, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_is_what_a_newcomer_is_told_and_nothing_else() -> None:
    assert {path.parts[0] for path in committed()} == TOP


def test_the_source_roots_hold_the_packages_and_the_declarations_and_nothing_else() -> None:
    roots = {path.parts[:2] for path in committed() if path.parts[0] in {"rules_src", "receiver"}}
    assert roots == {
        ("rules_src", "environments.py"),
        ("rules_src", "handrail"),
        ("rules_src", "rollouts"),
        ("receiver", "handrail_receiver"),
    }


def test_no_python_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        str(path): len((ROOT / path).read_text().splitlines())
        for path in committed()
        if path.suffix == ".py" and "golden" not in path.parts
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_every_package_says_that_it_is_typed() -> None:
    packages = [ROOT / "rules_src/handrail", ROOT / "receiver/handrail_receiver"]
    assert [package.name for package in packages if not (package / "py.typed").is_file()] == []


def test_no_file_of_the_compiler_is_called_like_another() -> None:
    package = ROOT / "rules_src/handrail"
    counted = Counter(path.name for path in package.rglob("*.py") if path.name != "__init__.py")
    assert [name for name, count in counted.items() if count > 1] == []


def test_no_two_files_of_the_receiver_are_called_alike() -> None:
    files = [path.name for path in committed() if path.parts[0] == "receiver" and path.suffix == ".py"]
    assert {name for name, times in Counter(files).items() if times > 1} == {"__init__.py"}


def classes(package: Path) -> dict[str, list[str]]:
    """The name of each class that has one for others → the subpackages that define one."""
    subpackages: dict[str, list[str]] = {}
    for path in package.rglob("*.py"):
        if "promtool" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    subpackages.setdefault(node.name, []).append(path.relative_to(package).parts[0])
    return subpackages


def test_a_class_of_the_compiler_has_its_name_for_itself() -> None:
    """What is declared is called the same in the plan and in the playbook; nothing else shares a name."""
    one_thing = {"declare", "plan", "contract"}
    twice = {name: where for name, where in classes(ROOT / "rules_src/handrail").items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if set(where) - one_thing} == {}


def test_a_class_of_the_receiver_has_its_name_for_itself() -> None:
    defined = classes(ROOT / "receiver/handrail_receiver")
    assert {name: where for name, where in defined.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    ("package", "tests"),
    [("rules_src/handrail", "tests"), ("receiver/handrail_receiver", "tests/receiver")],
    ids=["compiler", "receiver"],
)
def test_every_package_has_a_folder_of_tests_of_its_name(package: str, tests: str) -> None:
    files = [str(path) for path in committed() if path.suffix == ".py"]
    subpackages = {
        file.removeprefix(f"{package}/").split("/")[0] for file in files if file.startswith(f"{package}/")
    }
    subpackages = {subpackage for subpackage in subpackages if not subpackage.endswith(".py")}
    tested = {
        subpackage
        for subpackage in subpackages
        if any(re.match(f"{tests}/{subpackage}/.*test_[^/]+$", file) for file in files)
    }
    assert subpackages - tested == set()
