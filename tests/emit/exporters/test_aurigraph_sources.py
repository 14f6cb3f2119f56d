"""The lines that aurigraph's pipeline writes, by the runbook's own commands → the real mtail → the figures of its builds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from emit.runbooks.test_pipelines import command
from servers import until

from .sources import generated, metrics, mtail

PIPELINE = "exporters/aurigraph-v12.mtail"
WRITES = (
    "Its last step, of a build that failed as well, writes what came of it; what it did not come to is left out. STEPS has a line "
    "for each step (compile, test, image) with its seconds, TESTS one for each suite (unit, integration, smoke) with how "
    "many passed and how many failed, COVERED one for each component with its ratio."
)
WHOLE = {
    "RESULT": "success",
    "TOOK": "504.5",
    "STEPS": "compile 150\ntest 290\nimage 64",
    "TESTS": "unit 1210 3\nintegration 81 19\nsmoke 12 0",
    "COVERED": "ConsensusService 0.963\nCryptoService 0.971",
    "SIZE": "189000000",
}
UNTESTED = {"RESULT": "failure", "TOOK": "31"}
"""It does not compile: it has neither tests nor an image."""
FAILING = {
    "RESULT": "failure",
    "TOOK": "400",
    "STEPS": "compile 160\ntest 240",
    "TESTS": "unit 1000 213",
    "COVERED": "ConsensusService 0.95",
}


def built(log: Path, figures: dict[str, str]) -> None:
    """A build's last step, as the runbook has it."""
    env = {"PATH": "/usr/bin:/bin", "BUILDS": str(log), **figures}
    for shell in ("bash", "sh"):
        text = [shell, "-euc", command("aurigraph-v12", WRITES)]
        subprocess.run(text, env={**env, "BUILDS": f"{log}.{shell}"}, check=True)
    [said] = {Path(f"{log}.{shell}").read_text() for shell in ("bash", "sh")}
    for shell in ("bash", "sh"):
        Path(f"{log}.{shell}").unlink()
    with log.open("a") as written:
        written.write(said)


def test_before_the_first_build_nothing_is_known_of_any(tmp_path: Path) -> None:
    log = tmp_path / "builds.log"
    log.touch()
    with mtail(tmp_path, log, generated(PIPELINE)) as server:
        assert metrics(server.url, "build") == {}


def test_the_runbook_s_lines_become_every_figure_of_a_build_and_one_that_does_not_compile_counts_as_failed(
    tmp_path: Path,
) -> None:
    log = tmp_path / "builds.log"
    log.touch()
    with mtail(tmp_path, log, generated(PIPELINE)) as server:
        for figures in (WHOLE, UNTESTED, FAILING):
            built(log, figures)
        failed = 'builds_total{result="failure"}'
        until(lambda: metrics(server.url, "builds_total").get(failed) == 2, "the last build")
        until(
            lambda: (
                metrics(server.url, "build_coverage").get(
                    'build_coverage_ratio{component="ConsensusService"}'
                )
                == 0.95
            ),
            "its coverage",
        )
        assert metrics(server.url, "build") == {
            'builds_total{result="success"}': 1,
            failed: 2,
            'build_tests_total{result="passed",suite="unit"}': 2210,
            'build_tests_total{result="failed",suite="unit"}': 216,
            'build_tests_total{result="passed",suite="integration"}': 81,
            'build_tests_total{result="failed",suite="integration"}': 19,
            'build_tests_total{result="passed",suite="smoke"}': 12,
            'build_tests_total{result="failed",suite="smoke"}': 0,
            'build_duration_seconds{result="success"}': 504.5,
            'build_step_duration_seconds{step="compile"}': 160,
            'build_step_duration_seconds{step="test"}': 240,
            'build_step_duration_seconds{step="image"}': 64,
            'build_coverage_ratio{component="ConsensusService"}': 0.95,
            'build_coverage_ratio{component="CryptoService"}': 0.971,
            'build_image_bytes{image="aurigraph"}': 189000000,
        }
