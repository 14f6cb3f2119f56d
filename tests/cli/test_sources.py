"""The manifest says of each file which declaration it comes from."""

from __future__ import annotations

import json
from pathlib import Path

from handrail.compiler import compile_source
from handrail.output.write import MANIFEST

ROLLOUT = """
from handrail.declare import *

rollout = Rollout(
    "{name}",
    "relay",
    guardrails=[
        Guardrail(
            "pool",
            Usage("pool_in_use", 50),
            tiers=[Critical(Above("90%"))],
            runbook=Runbook("Requests wait."),
        )
    ],
    dashboards=[Dashboard("rls", panels=[Panel("Pool", {{"pool": Usage("pool_in_use", 50)}})])],
)
"""


def test_a_file_belongs_to_its_rollout_also_where_another_one_s_name_begins_alike(tmp_path: Path) -> None:
    (tmp_path / "rollouts").mkdir()
    files = {"relay": "rollouts/one.py", "relay-r1": "rollouts/two.py"}
    for name, file in files.items():
        (tmp_path / file).write_text(ROLLOUT.format(name=name))
    made = json.loads(compile_source(tmp_path, None)[MANIFEST])["files"]
    wanted = {
        "grafana/dashboards/relay-rls.json": "rollouts/one.py",
        "grafana/dashboards/relay-r1-rls.json": "rollouts/two.py",
        "kubernetes/relay-r1.yaml": "rollouts/two.py",
        "prometheus/prometheus.yml": "rollouts/one.py, rollouts/two.py",
        "alertmanager/alertmanager.yml": "rollouts/one.py, rollouts/two.py",
    }
    assert {path: made[path]["source"] for path in wanted} == wanted
