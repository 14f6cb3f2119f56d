"""Many guardrails in one file → work that grows with their number and no faster."""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path

import pytest
from declared import HEAD, folder
from handrail.base import where_of
from handrail.lint import lint
from handrail.loading.load import read

ONE = """\
        Guardrail(
            "errors-{n}",
            Ratio(bad='errors_total{{shard="{n}"}}', of="requests_total", min_events=1000),
            tiers=[
                Warning(Above("1%"), sustained="2m"),
                Critical(Above({{"10%": "{limit}", "50%": "4%"}}), sustained="1m", action="rollback"),
            ],
            runbook=RUNBOOK,
        ),
"""


def written(at: Path, count: int, limit: str) -> Path:
    """A source folder with one rollout of so many guardrails."""
    many = "".join(ONE.format(n=n, limit=limit) for n in range(count))
    rollout = f"""
shop = Rollout(
    "shop",
    "shop",
    stages=STAGES,
    arms=ARMS,
    rollback=UNDO,
    guardrails=[
{many}    ],
)
"""
    return folder(at / f"{count}{limit}", {"rollouts/shop.py": HEAD + rollout})


def calls(source: Path, problems: int) -> int:
    """How many calls it takes to read and lint the folder, and to say where everything in it stands."""
    profile = cProfile.Profile()
    with profile:
        loaded = read(source)
        found = lint(loaded.rollouts)
        for guardrail in loaded.rollouts[0].guardrails:
            where_of(guardrail)
    assert len(found) == problems
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("limit", "wrong"), [("5%", False), ("0.5%", True)])
def test_four_times_the_guardrails_are_four_times_the_work(tmp_path: Path, limit: str, wrong: bool) -> None:
    calls(written(tmp_path, 10, limit), 10 * wrong)  # what is imported or compiled once is done here
    few = calls(written(tmp_path, 100, limit), 100 * wrong)
    many = calls(written(tmp_path, 400, limit), 400 * wrong)
    assert many / few < 4.2
