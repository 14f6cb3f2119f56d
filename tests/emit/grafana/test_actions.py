"""The receiver's actions, counted by a real Prometheus across restarts of both."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from emit.each import of_each
from emit.grafana.test_dashboards import shop
from handrail.declare import Environment
from handrail.emit import grafana
from handrail.lower import lower
from servers import program
from servers.newer import newer

DONE = 'handrail_actions_total{rollout="shop",action="rollback",outcome="done"}'


def queries() -> tuple[str, str]:
    """The table's query and the annotation's."""
    files = of_each(grafana.emit, lower([shop], Environment("here")))
    page = json.loads(files["grafana/dashboards/shop.json"])
    [table] = [one for one in page["panels"] if one["title"] == "Actions in the last 7d"]
    [event] = [one for one in page["annotations"]["list"] if one["name"] == "Actions"]
    return table["targets"][0]["expr"], event["expr"]


def judged(
    at: Path,
    promtool: str | Path,
    series: dict[str, str],
    asked: list[tuple[str, str, int | None]],
    every: str = "1m",
) -> str:
    """What promtool says of these (query, time, value; None for nothing), with a sample `every` so often."""
    expected = [
        {
            "expr": query,
            "eval_time": time,
            "exp_samples": []
            if value is None
            else [{"labels": '{action="rollback",outcome="done"}', "value": value}],
        }
        for query, time, value in asked
    ]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": every, "input_series": inputs, "promql_expr_test": expected}
    (at / "test.yml").write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))
    ran = subprocess.run(
        [promtool, "test", "rules", at / "test.yml"], check=False, capture_output=True, text=True
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.fixture(params=["2.42", "3"])
def promtool(request: pytest.FixtureRequest) -> str | Path:
    return program("promtool") if request.param == "2.42" else newer("promtool")


def test_an_action_stays_in_the_table_when_the_receiver_starts_again(tmp_path: Path, promtool: str) -> None:
    table, _ = queries()
    lives = {
        "handrail_heartbeat_age_seconds": "1x2000",
        DONE: "_x100 1x100 _x200 1x100 2x100 _x20000",
    }
    asked = [(table, "90m", None), (table, "3h", 1), (table, "5h", 1), (table, "550m", 2), (table, "3d", 2)]
    assert judged(tmp_path, promtool, lives, asked) == ""
    assert judged(tmp_path, promtool, {DONE: "3x2400"}, [(table, "8d", None)], "5m") == ""


def test_an_action_is_marked_when_it_happened_and_no_outage_marks_it_again(
    tmp_path: Path, promtool: str
) -> None:
    _, event = queries()
    lives = {
        "handrail_heartbeat_age_seconds": "1x300 _x60 1x300",
        DONE: "_x100 1x100 2x100 _x60 2x300",
    }
    times = ["95m", "105m", "120m", "205m", "220m", "290m", "365m", "400m"]
    marks = [None, 1, None, 1, None, None, None, None]
    asked = [(f"round({event})", time, mark) for time, mark in zip(times, marks, strict=True)]
    assert judged(tmp_path, promtool, lives, asked) == ""


def test_a_mark_is_wide_enough_to_be_seen_by_who_looks_every_few_minutes(tmp_path: Path) -> None:
    """Grafana asks at most 11,000 times: over thirty days every four minutes."""
    _, event = queries()
    assert "[15m]" in event
