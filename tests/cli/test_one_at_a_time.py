"""The compiler releases the plan of one rollout before it makes the next."""

from __future__ import annotations

import gc
from pathlib import Path

from handrail import plan
from handrail.compiler import compile_source

ROLLOUT = """
from handrail.declare import *

rollout = Rollout(
    "{name}",
    "mill",
    guardrails=[
        Guardrail(
            "pool",
            Usage("pool_in_use", 50),
            tiers=[Critical(Above("90%"))],
            runbook=Runbook("Requests wait."),
        )
    ],
)
"""
NAMES = ("mill-one", "mill-three", "mill-two")


def test_while_the_tests_of_a_rollout_are_made_no_other_has_a_plan(tmp_path: Path) -> None:
    (tmp_path / "rollouts").mkdir()
    for name in NAMES:
        (tmp_path / "rollouts" / f"{name}.py").write_text(ROLLOUT.format(name=name))
    planned: list[list[str]] = []

    def look(_: str) -> None:
        gc.collect()
        found = [one.name for one in gc.get_objects() if type(one) is plan.Rollout]
        planned.append([name for name in found if name in NAMES])

    compile_source(tmp_path, None, tell=look)
    assert planned == [["mill-one"], ["mill-three"], ["mill-two"]]
