"""A plan of one rollout → what promtool says against its rules, asked by its own generated tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from handrail.emit import promtool, rules
from handrail.plan import Plan


def refused(folder: Path, program: str | Path, plan: Plan) -> str:
    """Nothing where they hold. The files are written into `folder`; `program` is the promtool that is asked."""
    [rollout] = plan.rollouts
    tests = promtool.tests(rollout)
    for path, text in (rules.emit(rollout, plan.environment) | tests).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    command = [str(program), "test", "rules", *sorted(tests)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""
