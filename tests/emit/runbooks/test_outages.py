"""The queries of this repository's runbooks still answer while the service is down."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from servers import program

RUNBOOKS = Path(__file__).parents[3] / "generated/runbooks"
OK = 'http_requests_total{job="aurigraph",track="stable",status="200"}'
BAD = 'http_requests_total{job="aurigraph",track="stable",status="500"}'
GREEN = 'http_requests_total{job="aurigraph",track="canary",status="200"}'
BEATS = 'ALERTS{alertname="HandrailHeartbeat",alertstate="firing",rollout="checkout"}'


def query(rollout: str, does: str) -> str:
    """The first query below an instruction of these words."""
    text = (RUNBOOKS / f"{rollout}.md").read_text()
    found = re.search(
        rf"^\d+\. {re.escape(does)}\n\n   ```promql\n(.*?)^   ```$", text, re.MULTILINE | re.DOTALL
    )
    assert found is not None, does
    return dedent(found[1]).strip()


NO_SUCCESS = "A full failover, a rolling restart, the loss of a zone: for how long was there no success?"


@pytest.mark.parametrize(
    ("does", "series", "answer"),
    [
        # For ten minutes all targets are gone, and nothing has a sample; for as long all requests fail.
        (NO_SUCCESS, {OK: "0+150x199 _x40 30000+150x160"}, 600),
        (NO_SUCCESS, {OK: "0+150x199 29850x40 30000+150x160", BAD: "0x199 0+150x40 6000x160"}, 600),
        (NO_SUCCESS, {OK: "0+150x400"}, 0),
        (NO_SUCCESS, {}, 3600),
        ("Is blue stable?", {BAD: "0+60x400"}, 0),
        ("Is blue stable?", {OK: "0+60x400"}, 100),
        ("The share of green's that fail with 5xx, in percent.", {GREEN: "0+60x400"}, 0),
        ("Did anything else begin to fail?", {BEATS: "1x400"}, None),
    ],
)
def test_it_answers_to_within_a_minute(
    does: str, series: dict[str, str], answer: float | None, tmp_path: Path
) -> None:
    said_by(tmp_path, query("aurigraph-v12", does), series, answer, within=45)


MEMORY = 'job="relay-memory",instance="relay:8000"'
ERRORS = "How many errors since each process began? A rate or an increase does not show the first one: its series begins with it."
ATTEMPTS = "When, and on which instance?"


@pytest.mark.parametrize(
    ("does", "counter"),
    [(ERRORS, "memory_rls_policy_errors_total"), (ATTEMPTS, "memory_cross_tenant_attempts_total")],
)
@pytest.mark.parametrize(
    ("up", "counted", "answer"),
    [("1x400", "1x400", 1), ("1x400", "_x400", 0), ("0x400", "_x400", None), ("_x400", "_x400", None)],
    ids=["one", "none yet", "it is down", "nothing is scraped"],
)
def test_no_event_is_0_and_no_line_is_that_nobody_knows(
    does: str, counter: str, up: str, counted: str, answer: float | None, tmp_path: Path
) -> None:
    series = {f"up{{{MEMORY}}}": up, f"{counter}{{{MEMORY}}}": counted}
    asked = f"sum({query('relay-r1', does)})"
    said_by(tmp_path, asked, series, answer)


def said_by(
    tmp_path: Path, query: str, series: dict[str, str], answer: float | None, within: float = 0
) -> None:
    """promtool finds this answer, give or take; None: no line."""
    asked, seen = query, []
    if answer is not None:
        asked, seen = f"abs(({asked}) - {answer}) <= bool {within}", [{"labels": "{}", "value": 1}]
    case = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": asked, "eval_time": "90m", "exp_samples": seen}],
    }
    (tmp_path / "rules.yml").write_text("groups: []\n")
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [case]}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
