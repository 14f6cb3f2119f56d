"""generated/ as it is committed → accepted by the newer Prometheus and Alertmanager too.

`make check` asks the system's own.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from servers.newer import newer

GENERATED = Path(__file__).parents[2] / "generated"


def judge(program: str, *arguments: str | Path) -> tuple[int, str]:
    """The exit code, and what was said if that is not 0."""
    done = subprocess.run([newer(program), *arguments], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr if done.returncode else ""


def files(pattern: str) -> list[Path]:
    found = sorted(GENERATED.glob(pattern))
    assert found, f"no {pattern} in {GENERATED}; run `make generate`"
    return found


def version(program: str) -> tuple[int, int]:
    """`promtool, version 3.5.3+ds1 (…)` → (3, 5)."""
    said = subprocess.run([newer(program), "--version"], check=True, capture_output=True, text=True)
    major, minor = (said.stdout or said.stderr).split()[2].split(".")[:2]
    return int(major), int(minor)


def test_the_tools_are_as_new_as_they_are_kept_for() -> None:
    assert version("promtool") >= (3, 5)
    assert version("amtool") >= (0, 33)


def test_the_newer_promtool_has_nothing_to_say_about_the_rules() -> None:
    rules = files("prometheus/rules/*.yml")
    assert judge("promtool", "check", "rules", "--lint=all", "--lint-fatal", *rules) == (0, "")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_generated_tests_pass_with_the_newer_promtool() -> None:
    """Those of checkout in `make test` as well, on its rules as Kubernetes gets them: kubernetes/test_same_rules.py."""
    tests = files("prometheus/tests/*.yml")
    with ThreadPoolExecutor(2) as side_by_side:
        verdicts = side_by_side.map(lambda test: judge("promtool", "test", "rules", test), tests)
        assert dict(zip(tests, verdicts, strict=True)) == dict.fromkeys(tests, (0, ""))


def test_the_newer_prometheus_takes_its_configuration() -> None:
    config = GENERATED / "prometheus/prometheus.yml"
    assert judge("promtool", "check", "config", "--syntax-only", config) == (0, "")


def test_the_newer_alertmanager_takes_its_configuration() -> None:
    assert judge("amtool", "check-config", GENERATED / "alertmanager/alertmanager.yml") == (0, "")
