"""What an environment changes, and what it leaves alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from handrail.compiler import planned, problems_everywhere
from handrail.plan import Plan

ROLLOUT = """
from handrail.declare import *

shop = Rollout(
    "shop",
    "shop",
    stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")],
    guardrails=[
        Guardrail(
            name,
            Ratio(bad='errors_total', of="requests_total"),
            tiers=[Critical(Above("1%"), sustained="5m", action="rollback")],
            runbook=Runbook("Requests fail."),
            whole_service=True,
        )
        for name in ("error-rate", "login")
    ],
    split=HAProxySplit("web", sockets=["unix:haproxy.sock"]),
)
"""

ENVIRONMENTS = """
from handrail.declare import *

production = Environment("production")
staging = Environment(
    "staging",
    overrides=[
        ForRollout("shop", stages=[Stage("all", weight="100%")]),
        ForGuardrail("shop", "error-rate", mode="shadow", tiers=[Critical(Above("5%"), action="rollback")]),
    ],
)
"""


def compiled(folder: Path, environments: str, name: str) -> tuple[Plan | None, list[str]]:
    """The plan of one environment, and the problems as lines."""
    (folder / "rollouts").mkdir()
    (folder / "rollouts" / "shop.py").write_text(ROLLOUT)
    (folder / "environments.py").write_text(environments)
    plan, problems = planned(folder, name)
    return plan, [str(problem) for problem in problems if problem.severity > 2]


def facts(plan: Plan | None) -> dict[str, object]:
    """What the tests compare."""
    assert plan is not None
    rollout = plan.rollouts[0]
    return {
        "stages": [stage.name for stage in rollout.stages],
        "limits": [guardrail.alerts[0].conditions[0].limits[0].figure for guardrail in rollout.guardrails],
        "shadow": [guardrail.shadow for guardrail in rollout.guardrails],
    }


def test_production_is_as_declared(tmp_path: Path) -> None:
    plan, problems = compiled(tmp_path, ENVIRONMENTS, "production")
    assert problems == []
    assert facts(plan) == {
        "stages": ["10%", "100%"],
        "limits": [Decimal("0.01"), Decimal("0.01")],
        "shadow": [False, False],
    }


def test_staging_differs_in_what_its_overrides_say_and_in_nothing_else(tmp_path: Path) -> None:
    plan, problems = compiled(tmp_path, ENVIRONMENTS, "staging")
    assert problems == []
    assert facts(plan) == {
        "stages": ["all"],
        "limits": [Decimal("0.05"), Decimal("0.01")],
        "shadow": [True, False],
    }


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            'ForGuardrail("shop", "eror-rate", mode="shadow")',
            (
                "environment 'e' has an override for guardrail 'eror-rate' of 'shop', which does not exist; "
                "did you mean 'error-rate'?"
            ),
        ),
        (
            'ForRollout("shopp", contacts=["me"])',
            "environment 'e' has an override for rollout 'shopp', which does not exist; did you mean 'shop'?",
        ),
    ],
)
def test_an_override_of_something_that_does_not_exist_is_refused(
    tmp_path: Path, written: str, told: str
) -> None:
    text = f'from handrail.declare import *\n\ne = Environment("e", overrides=[\n    {written},\n])\n'
    plan, problems = compiled(tmp_path, text, "e")
    assert plan is None
    assert problems == [f"{tmp_path / 'environments.py'}:4: fatal: {told} [unknown-rollout]"]


def test_what_an_override_says_is_linted_at_its_own_line(tmp_path: Path) -> None:
    text = (
        'from handrail.declare import *\n\ne = Environment("e", overrides=[\n'
        '    ForGuardrail("shop", "login", tiers=[Critical(Above("1%"), sustained="2h", action="rollback")]),\n])\n'
    )
    plan, problems = compiled(tmp_path, text, "e")
    assert plan is None
    assert [problem.partition(": error: ")[0] for problem in problems] == [
        f"{tmp_path / 'environments.py'}:4"
    ]
    assert problems[0].endswith("[stage-too-short]")


@pytest.mark.parametrize(
    ("override", "lints"),
    [
        ('ForRollout("shop", budget=Budget("1s", "1h"))', ["over-budget"]),
        (
            'ForRollout("shop", budget=Budget("1s", "1h"), accept={"over-budget": "nobody waits here"})',
            [],
        ),
        ('ForGuardrail("shop", "login", expected="1/min")', ["thin-traffic", "thin-traffic"]),
        ('ForGuardrail("shop", "login", expected="1/min", accept={"thin-traffic": "at night"})', []),
        ('ForRollout("shop", scrape="0s")', [""]),
    ],
)
def test_times_traffic_and_what_is_accepted_may_differ(
    tmp_path: Path, override: str, lints: list[str]
) -> None:
    text = f'from handrail.declare import *\n\ne = Environment("e", overrides=[{override}])\n'
    _, problems = compiled(tmp_path, text, "e")
    assert [problem.partition(" [")[2].rstrip("]") for problem in problems] == lints


def test_what_is_wrong_in_one_environment_only_names_it(tmp_path: Path) -> None:
    """The declaration has its steps; staging took them away."""
    steps = 'ForRollout("shop", split=None, rollback=[])'
    environments = ENVIRONMENTS.replace('ForRollout("shop", stages=[Stage("all", weight="100%")])', steps)
    rollout = ROLLOUT.replace(
        'split=HAProxySplit("web", sockets=["unix:haproxy.sock"])',
        'rollback=[Command(["undo"], read=["is-undone"])]',
    )
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "rollouts/shop.py").write_text(rollout)
    (tmp_path / "environments.py").write_text(environments)
    assert [problem.what for problem in problems_everywhere(tmp_path) if problem.severity > 2] == [
        "'error-rate' asks for rollback, and the rollout has no step for it",
        "in staging: 'login' asks for rollback, and the rollout has no step for it",
    ]


def test_what_one_environment_needs_is_accepted_in_all(tmp_path: Path) -> None:
    """At 1 event a second production has too few events; staging needs fewer."""
    accepted = 'expected="1/s", accept={"thin-traffic": "judged by the hour"}, whole_service=True'
    rollout = ROLLOUT.replace("whole_service=True", accepted).replace('("error-rate", "login")', '("login",)')
    environments = """
from handrail.declare import *

production = Environment("production", existing=["alertmanager"])
less = Ratio(bad="errors_total", of="requests_total", min_events=1)
staging = Environment(
    "staging", existing=["alertmanager"], overrides=[ForGuardrail("shop", "login", measure=less)]
)
"""
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "rollouts/shop.py").write_text(
        rollout.replace('"requests_total")', '"requests_total", min_events=900)')
    )
    (tmp_path / "environments.py").write_text(environments)
    assert {problem.lint for problem in problems_everywhere(tmp_path)} == {"missing-runbook"}
