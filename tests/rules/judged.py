"""A small declaration and series written by hand → what promtool says, the system's and a newer one."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from handrail.declare import Arms, Command, Environment, Guardrail, Rollout, Slo, Stage
from handrail.emit.document import yaml_document
from handrail.emit.groups import rules
from handrail.lower import lower
from handrail.plan import Rollout as Planned
from servers import program

NEWER = Path(__file__).parents[2] / ".tools/newer/usr/bin/promtool"
PROMTOOLS = ["promtool", str(NEWER)]
"""Ranges include their left end before 3.0 and do not since: what holds must hold on both."""

STAGES = [Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]
IN_10 = {
    'handrail_rollout_stage{rollout="shop",stage="10%"}': "1x400",
    'handrail_rollout_stage{rollout="shop",stage="100%"}': "0x400",
}
"""The receiver says that the rollout is in its first stage."""


def shop(*guardrails: Guardrail, arms: bool = False, slos: Sequence[Slo] = ()) -> Planned:
    """A rollout with these guardrails, planned."""
    declared = Rollout(
        "shop",
        "shop",
        stages=STAGES,
        arms=Arms("track", canary="canary", stable="stable") if arms else None,
        guardrails=list(guardrails),
        slos=list(slos),
        rollback=[Command(["undo"], read=["is-undone"])],
    )
    (planned,) = lower([declared], Environment("test")).rollouts
    return planned


@dataclass(frozen=True)
class Asked:
    """A PromQL expression at a time, and its samples by their labels."""

    expr: str
    at: str
    samples: Mapping[str, float]


def firing(at: str, *alerts: str) -> Asked:
    """Exactly these alerts fire at `at`, apart from those about Handrail itself."""
    expr = 'count by (alertname) (ALERTS{alertstate="firing",guardrail!~"heartbeat|receiver"})'
    return Asked(expr, at, {f'{{alertname="{alert}"}}': 1 for alert in alerts})


def value(at: str, samples: Mapping[str, float]) -> Asked:
    """These values of the guardrails are recorded at `at`."""
    return Asked("round(handrail:guardrail:value, 0.0001)", at, samples)


def complaints(
    promtool: str,
    rollout: Planned,
    series: Mapping[str, str],
    *asked: Asked,
    step: str = "15s",
    every: str = "30s",
) -> str:
    """What promtool finds wrong, nothing if all is as asked; rules are evaluated `every` so often."""
    case = {
        "interval": step,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": one.expr,
                "eval_time": one.at,
                "exp_samples": [
                    {"labels": labels, "value": number} for labels, number in one.samples.items()
                ],
            }
            for one in asked
        ],
    }
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "rules.yml").write_text(yaml_document(rules(rollout), "a test"))
        test = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": [case]}
        (root / "test.yml").write_text(yaml.safe_dump(test))
        command = [program(promtool), "test", "rules", "test.yml"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr
