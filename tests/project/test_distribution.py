"""What is committed → the files of a release: the same bytes each time, an SBOM, and a workflow that publishes them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from handrail.output.read_yaml import read_yaml
from project.wheels import ROOT, Environment

WORKFLOW = ROOT / ".github/workflows/release.yml"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
FILES = {
    "SHA256SUMS",
    f"handrail-{VERSION}-py3-none-any.whl",
    f"handrail-{VERSION}.cdx.json",
    f"handrail-{VERSION}.tar.gz",
}
Files = dict[str, bytes]


def distribution(folder: Path, **environment: str) -> Files:
    """The files that `make dist` makes, by name."""
    argv = [str(ROOT / "tests/tools/distribution"), str(folder)]
    umask = int(environment.pop("UMASK", "022"), 8)
    done = subprocess.run(
        argv,
        env={**os.environ, **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Files]:
    folder = tmp_path_factory.mktemp("dist")
    return folder, distribution(folder)


@pytest.mark.long
def test_a_release_is_the_same_bytes_whoever_makes_it(made: tuple[Path, Files], tmp_path: Path) -> None:
    _, files = made
    again = distribution(tmp_path / "again", TZ="Asia/Tokyo", UMASK="077", TMPDIR=str(tmp_path), LANG="C")
    assert files.keys() == FILES
    assert {name for name in FILES if files[name] != again[name]} == set()


@pytest.mark.long
def test_every_time_in_a_wheel_is_the_commit_s(made: tuple[Path, Files]) -> None:
    folder, _ = made
    git = ["git", "-c", "safe.directory=*", "log", "-1", "--format=%cd", "--date=format-local:%Y %m %d %H %M"]
    at = subprocess.run(
        git, cwd=ROOT, env={**os.environ, "TZ": "UTC"}, check=True, capture_output=True, text=True
    )
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {entry.date_time[:5] for entry in archive.infolist()} == {tuple(map(int, at.stdout.split()))}


@pytest.mark.long
def test_a_released_wheel_brings_the_site(made: tuple[Path, Files], tmp_path: Path) -> None:
    folder, _ = made
    [wheel] = folder.glob("*.whl")
    asked = Environment(tmp_path, str(wheel)).run("handrail", "docs", "--open", "targets/haproxy")
    page = Path(asked.stdout.strip().removeprefix("file://"))
    assert (asked.returncode, page.parts[-4:]) == (0, ("site", "reference", "targets", "haproxy.html"))
    assert "<h1" in page.read_text()


@pytest.mark.long
def test_the_sbom_is_valid_and_names_what_the_lock_file_brings(made: tuple[Path, Files]) -> None:
    _, files = made
    text = files[f"handrail-{VERSION}.cdx.json"].decode()
    # Read here, for it takes a second, of each process that collects the tests.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    bill = json.loads(text)
    wheel = f"handrail-{VERSION}-py3-none-any.whl"
    lines = (line.split() for line in files["SHA256SUMS"].decode().splitlines())
    sums = {name: digest for digest, name in lines}
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": sums[wheel]}]
    named = {(one["name"], one["version"]) for one in bill["components"]}
    assert named == brought()


def brought() -> set[tuple[str, str]]:
    """Name and version of all that the project needs with its extras, and of what that needs, by the lock file."""
    packages: dict[str, list[dict[str, Any]]] = {}
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        packages.setdefault(package["name"], []).append(package)
    [ours] = packages["handrail"]
    ahead = [
        *ours["dependencies"],
        *(one for extra in ours["optional-dependencies"].values() for one in extra),
    ]
    found: set[tuple[str, str]] = set()
    while ahead:
        needed = ahead.pop()
        for package in packages[needed["name"]]:
            one = (package["name"], package["version"])
            if needed.get("version", one[1]) == one[1] and one not in found:
                found.add(one)
                ahead += package.get("dependencies", [])
                ahead += [
                    more
                    for extra in needed.get("extra", [])
                    for more in package.get("optional-dependencies", {}).get(extra, [])
                ]
    return found


def test_the_version_stands_in_one_place() -> None:
    """Pages, code and workflow name no version; the lock file and the manifest are made of it."""
    made_of_it = {"pyproject.toml", "uv.lock", "CHANGELOG.md"}
    git = ["git", "-c", "safe.directory=*", "grep", "-l", "--fixed-strings", f"handrail-{VERSION}"]
    listed = subprocess.run(git, cwd=ROOT, check=False, capture_output=True, text=True).stdout.split()
    assert set(listed) - made_of_it == set()


def test_the_workflow_is_one_that_github_reads() -> None:
    schema = "vendor.github-workflows"
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(WORKFLOW)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n"), done.stdout


def test_every_action_is_pinned_by_its_commit_and_says_its_version() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOW.read_text())
    assert used
    assert [
        one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)
    ] == []


def test_only_the_job_that_publishes_can_and_it_needs_no_password() -> None:
    workflow = read_yaml(WORKFLOW.read_text())
    assert (workflow["permissions"], "secrets." in WORKFLOW.read_text()) == ({}, False)
    assert {name: (job.get("environment") or {}).get("name") for name, job in workflow["jobs"].items()} == {
        "build": None,
        "publish": "pypi",
    }
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "build": {"contents": "read", "id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
    }
