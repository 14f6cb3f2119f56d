"""The repository → a wheel, an sdist and an editable install, each looked at in a fresh environment."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path

import pytest
from project.examples import examples
from project.wheels import ROOT, Environment, built

BUILT = {"handrail", "handrail_receiver"}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of the tree as it is now; the wheel is built from the sdist."""
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    [path] = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install handrail`."""
    return Environment(tmp_path_factory.mktemp("plain"), str(wheel))


@pytest.fixture(scope="module")
def with_receiver(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install handrail[receiver]`."""
    return Environment(tmp_path_factory.mktemp("with-receiver"), f"{wheel}[receiver]")


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`pip install --editable .`."""
    return Environment(tmp_path_factory.mktemp("editable"), "--editable", str(ROOT))


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def requirements(wheel: Path) -> dict[str, set[str]]:
    """Extra → the distributions it brings; the empty name is what everybody gets."""
    brought: dict[str, set[str]] = {"": set()}
    brought |= {extra: set() for extra in metadata(wheel).get_all("Provides-Extra", [])}
    for line in metadata(wheel).get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        [name] = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?", requirement)
        brought[marker.partition("==")[2].strip(" '\"")].add(name)
    return brought


def test_the_wheel_holds_the_two_packages_and_nothing_called_after_their_folders(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    version = metadata(wheel)["Version"]
    assert tops == BUILT | {f"handrail-{version}.dist-info"}


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.partition("/")[0] in BUILT}
    present = {
        str(path.relative_to(source))
        for source in (ROOT / "rules_src", ROOT / "receiver")
        for package in BUILT
        for path in (source / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    pages = {f"handrail/{path.relative_to(ROOT)}" for path in (ROOT / "docs").rglob("*") if path.is_file()}
    assert packed == present | pages


def test_the_sdist_holds_what_the_wheel_is_built_from(dist: Path, wheel: Path) -> None:
    [path] = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = [name.split("/")[1:] for name in archive.getnames()]
    assert {"/".join(parts[:2]) if len(parts) > 1 else parts[0] for parts in inside} == {
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        *{
            f"docs/{path.relative_to(ROOT / 'docs').parts[0]}"
            for path in (ROOT / "docs").rglob("*")
            if path.is_file()
        },
        "pyproject.toml",
        "receiver/handrail_receiver",
        "rules_src/handrail",
    }


def test_each_extra_brings_what_it_says(wheel: Path) -> None:
    assert requirements(wheel) == {
        "": {
            "cryptography",
            "grafana-foundation-sdk",
            "jinja2",
            "promql-parser",
            "pydantic",
            "pyyaml",
            "rich",
            "typer",
        },
        "calendars": {"icalendar", "recurring-ical-events"},
        "receiver": {
            "google-re2",
            "httptools",
            "httpx",
            "prometheus-client",
            "pydantic-settings",
            "stamina",
            "starlette",
            "uvicorn",
            "uvloop",
        },
        "postgres": {"psycopg[binary]"},
    }


def test_the_wheel_says_python_and_licence(wheel: Path) -> None:
    head = metadata(wheel)
    assert (head["Requires-Python"], head["License-Expression"], head.get_all("License-File")) == (
        ">=3.11",
        "Apache-2.0",
        ["LICENSE"],
    )


def test_an_installed_wheel_gives_both_names_and_no_folder_s_name(plain: Environment) -> None:
    assert plain.found(*BUILT, "rules_src", "receiver") == BUILT
    assert plain.says("import handrail, handrail_receiver; print('imported')") == ["imported"]


def test_an_installed_wheel_has_the_documentation_of_its_version(plain: Environment) -> None:
    listed = plain.run("handrail", "docs")
    first = plain.run("handrail", "docs", "first-rollout")
    assert (listed.returncode, first.stdout) == (0, (ROOT / "docs/tutorial/first-rollout.md").read_text())
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page != ROOT / "docs/README.md"}
    assert sum(line.startswith("  ") for line in listed.stdout.splitlines()) == len(pages)


def test_an_editable_install_gives_both_names_and_no_folder_s_name(editable: Environment) -> None:
    assert editable.found(*BUILT, "rules_src", "receiver") == BUILT
    assert editable.says("import handrail, handrail_receiver as r; print(handrail.__file__, r.__file__)") == [
        str(ROOT / "rules_src/handrail/__init__.py"),
        str(ROOT / "receiver/handrail_receiver/__init__.py"),
    ]


def test_without_extras_nothing_of_the_receiver_s_is_installed(plain: Environment) -> None:
    assert plain.found("httpx", "starlette", "sqlalchemy", "uvicorn", "psycopg") == set()


def test_without_the_extra_the_command_works_and_serve_says_what_is_missing(plain: Environment) -> None:
    assert plain.run("handrail", "--help").returncode == 0
    refused = plain.run("handrail", "serve")
    lacking, _, cure = refused.stderr.partition("; ")
    assert (refused.returncode, refused.stdout, cure) == (2, "", "pip install 'handrail[receiver]'\n")
    assert lacking.startswith("handrail: error: the receiver is not installed")


def test_the_extra_receiver_brings_the_service_and_no_postgresql(with_receiver: Environment) -> None:
    service = {"httpx", "starlette", "stamina", "uvicorn"}
    assert with_receiver.found(*service, "psycopg") == service


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed."""
    folder = tmp_path_factory.mktemp("cloned") / "handrail"
    git = ["git", "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)]
    subprocess.run(git, check=True)
    return folder


@pytest.mark.long
def test_the_first_page_s_lines_install_it_from_a_clone(clone: Path, tmp_path: Path) -> None:
    [example] = [one for one in examples("sh") if one.page == "README.md" and one.install]
    argv = ["sh", "-eu", "-c", example.text]
    env = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=clone, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"handrail {version('handrail')}"
    serve = [str(tmp_path / "handrail/bin/handrail"), "serve", "--check"]
    refused = subprocess.run(serve, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert "HANDRAIL_PLAYBOOKS" in refused.stderr


@pytest.mark.long
def test_a_git_address_installs_it(clone: Path, tmp_path: Path) -> None:
    asked = Environment(tmp_path, f"handrail @ git+file://{clone}").run("handrail", "--version")
    assert asked.stdout == f"handrail {version('handrail')}\n"
