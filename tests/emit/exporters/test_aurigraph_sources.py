"""The lines that aurigraph's pipeline writes, by the runbook's own commands → the real mtail → the figures of its builds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from emit.runbooks.test_pipelines import command
from servers import until

from .sources import generated, metrics, mtail

PIPELINE = generated()["exporters/aurigraph-v12.mtail"]
WRITES = (
    "Its last step, of a build that failed as well, writes what came of it. The figures go into the variables; "
    "the lines of tests stand there once for each suite (unit, integration, smoke), that of the coverage once for each component."
)
FIGURES = {
    "TOOK": "504.5",
    "COMPILE": "150",
    "TEST": "290",
    "PUSH": "64",
    "PASSED": "1210",
    "FAILED": "3",
    "COVERAGE": "0.963",
    "SIZE": "189000000",
}


def built(log: Path, result: str, **figures: str) -> None:
    """A build's last step, as the runbook has it."""
    env = {"PATH": "/usr/bin:/bin", "BUILDS": str(log), "RESULT": result, **FIGURES, **figures}
    subprocess.run(["bash", "-ec", command("aurigraph-v12", WRITES)], env=env, check=True)


def test_before_the_first_build_nothing_is_known_of_any(tmp_path: Path) -> None:
    log = tmp_path / "builds.log"
    log.touch()
    with mtail(tmp_path, log, PIPELINE) as server:
        assert metrics(server.url, "build") == {}


def test_the_runbook_s_lines_become_every_figure_of_a_build(tmp_path: Path) -> None:
    log = tmp_path / "builds.log"
    log.touch()
    with mtail(tmp_path, log, PIPELINE) as server:
        built(log, "success")
        built(log, "failure", TOOK="31", PASSED="1000", FAILED="213", COVERAGE="0.95")
        failed = 'builds_total{result="failure"}'
        until(lambda: metrics(server.url, "builds_total").get(failed) == 1, "the second build")
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
            failed: 1,
            'build_tests_total{result="passed",suite="unit"}': 2210,
            'build_tests_total{result="failed",suite="unit"}': 216,
            'build_duration_seconds{result="success"}': 504.5,
            'build_step_duration_seconds{step="compile"}': 150,
            'build_step_duration_seconds{step="test"}': 290,
            'build_step_duration_seconds{step="image"}': 64,
            'build_coverage_ratio{component="ConsensusService"}': 0.95,
            'build_image_bytes{image="aurigraph"}': 189000000,
        }
