"""Lints check what a panel draws as they check what a guardrail judges."""

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
    'Panel("Flow", Distribution("x_seconds_bucket"))': ["histogram-suffix"],
    'Panel("Flow", Distribution("x_ms"))': ["metric-unit"],
    'Panel("Flow", Distribution("x_ms", unit="ms", window="15s"))': ["window-too-short"],
    'Panel("Flow", Distribution("x_seconds"))': [],
    'Panel("Flow", TIME, target=Below("200ms"), limit=Above("5%"))': ["limit-wrong-unit"],
    'Panel("Flow", {"p95": TIME, "errors": ERRORS}, target={"errors": Below("2s")})': ["limit-wrong-unit"],
    'Panel("Flow", {"p95": TIME, "errors": ERRORS}, target={"errors": Below("1%"), "p95": Below("2s")})': [],
    'Panel("Flow", PromQL("sum(x_total)"))': ["counter-as-gauge"],
    'Panel("Flow", PromQL("sum(rate(x_total[5m]))"))': [],
    'Panel("Flow", Rate("machine_load_ratio"))': ["gauge-as-counter"],
    'Row("Machine", [Panel("Flow", Gauge("x_total"))])': ["counter-as-gauge"],
    'Row("Machine", [Text("Logs", "[Newest](https://logs.example.com)"), Panel("Flow", TIME)])': [],
}


@pytest.mark.parametrize(("panel", "lints"), PANELS.items())
def test_a_panel_is_linted(panel: str, lints: list[str]) -> None:
    text = f"""
        shop = Rollout(
            "shop",
            "shop",
            stages=STAGES,
            arms=ARMS,
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


REFUSED = {
    'Panel("Flow", PromQL("sum(x"))': "'sum(x' is not PromQL (unclosed left parenthesis)",
    'Panel("Flow", TIME, target=Below({"10%": "1s"}))': "target= and limit= of a panel are one figure each",
    'Panel("Flow", {"p95": TIME}, limit={"p99": Above("2s")})': "there is no curve 'p99'",
    'Panel("Flow", TIME, show="table", limit=Above("2s"))': "table have no place for target= and limit=",
    'Panel("Flow", TIME, target=Below("3s"), limit=Above("2s"))': "target=3s lies beyond limit=2s",
    'Panel("Flow", ERRORS, target=Above("95%"), limit=Below("99%"))': "target=95% lies beyond limit=99%",
    'Panel("Flow", TIME, show="gauge", target=Below("1s"), limit=Below("2s"))': "are passed on the same side",
    'Panel("Flow", Distribution("x"), by=["path"])': "a Distribution is a heatmap",
    'Dashboard("main", panels=[Row("Machine", [Panel("A", TIME)]), Panel("B", TIME)])': "a panel after a Row",
    'Row("Machine", [])': "Row(panels) is empty",
}


@pytest.mark.parametrize(("panel", "what"), REFUSED.items())
def test_a_panel_that_cannot_be_drawn_is_refused(tmp_path: Path, panel: str, what: str) -> None:
    source = folder(tmp_path, {"rollouts/shop.py": f"{HEAD}PANEL = {panel}\n"})
    [problem] = read(source).problems
    assert what in f"{problem.what}; {problem.cure}"
