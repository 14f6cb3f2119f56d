"""What a panel draws is looked at as what a guardrail judges is."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from declared import HEAD, folder, said
from handrail.loading.load import read

PANELS = {
    'Panel("Flow", Latency("x_seconds_bucket", p=95))': ["histogram-suffix"],
    'Panel("Flow", {"a": ERRORS, "b": Gauge("x_total")})': ["counter-as-gauge"],
    'Panel("Flow", Rate("x_total", window="15s"))': ["window-too-short"],
    'Panel("Flow", Rate(\'x_total{region="eu"}\'))': ["matcher-clash"],
    'Panel("Flow", Latency(\'x_seconds{le="1"}\', p=95))': ["matcher-clash"],
    'Panel("Flow", SlowerThan("x_seconds", "2s", buckets=[1]))': ["bound-between-buckets"],
    'Panel("Flow", Latency("x_ms", p=95))': ["metric-unit"],
    'Panel("Flow", PromQL("limitk(1, x)"))': ["promql-too-new"],
    'Panel("Flow", While(Rate("x_total", window="15s"), condition=Gauge("y_total")))': [
        "counter-as-gauge",
        "window-too-short",
    ],
    'Panel("Flow", ERRORS, by=["__a"])': ["label-names"],
    'Panel("Flow", ERRORS, by=["track"])': ["label-names"],
    'Panel("Flow", TIME, by=["le"])': ["label-names"],
    'Panel("Flow", TIME, limits_of="errors")': ["unknown-guardrail"],
    'Panel("Flow", ERRORS, limits_of="errors", show="table")': ["unknown-guardrail"],
    'Panel("Flow", ERRORS, limits_of="error")': ["unknown-guardrail"],
    'Panel("Flow", ERRORS, by=["service", "path"], limits_of="errors")': [],
    'Panel("Flow", Gauge("x", by=["namespace"]))': [],
    'Panel("Flow", {"p95": TIME, "errors": ERRORS})': [],
}


@pytest.mark.parametrize(("panel", "lints"), PANELS.items())
def test_a_panel_is_linted(panel: str, lints: list[str]) -> None:
    text = f"""
        shop = Rollout(
            "shop",
            "shop",
            stages=STAGES,
            arms=ARMS,
            rollback=UNDO,
            match={{"region": "eu"}},
            guardrails=[Guardrail("errors", ERRORS, tiers=[Warning(Above("5%"))], runbook=RUNBOOK)],
            dashboards=[Dashboard("main", panels=[{panel}])],
        )
    """
    problems = said({"rollouts/shop.py": HEAD + dedent(text)})
    assert sorted(problem.lint for _, problem in problems) == lints


def test_a_panel_without_a_curve_is_refused(tmp_path: Path) -> None:
    source = folder(tmp_path, {"rollouts/shop.py": f'{HEAD}PANEL = Panel("Flow", {{}})\n'})
    assert [problem.what for problem in read(source).problems] == ["Panel(curves) is empty"]
