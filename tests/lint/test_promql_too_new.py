"""promql-too-new: what it reports, with line and message; both Prometheus versions accept what it does not report."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from declared import HEAD, folder, found, guardrail
from handrail.compiler import problems_everywhere
from handrail.declare import Environment
from handrail.lint.common import expressions
from handrail.lint.promql_too_new import NAME
from pydantic import ValidationError
from servers import program
from servers.newer import newer

AVERAGE = "PromQL('histogram_avg(x)')"
FACTS = "tiers=[Warning(Above(0))]"


def said(expr: str, version: str = "") -> list[str]:
    facts = guardrail("tiers=[Warning(Above(0))]", measure=f"PromQL({expr!r})")
    here = f'here = Environment("here", prometheus_version="{version}")\n' if version else ""
    return [what for _, what in found(NAME, facts, environments=here)]


def test_a_function_that_2_42_lacks_is_named_with_the_version_that_has_it() -> None:
    what = "'errors' uses histogram_avg(), which Prometheus 2.42 does not understand"
    cure = (
        'write it without, or accept={"promql-too-new": "why"}; '
        'or say Environment(prometheus_version="2.53") where all are as new'
    )
    assert said("histogram_avg(x)") == [f"error: {what}; {cure}"]


def test_an_experiment_is_no_way_out_however_new_they_are() -> None:
    what = "'errors' uses mad_over_time(), which is experimental or removed: no Prometheus understands it by default"
    cure = 'write it without, or accept={"promql-too-new": "why"}'
    for version in ("2.42", "3.5", "9.9"):
        assert said("max(mad_over_time(x[5m]))", version) == [f"error: {what}; {cure}"]


NEW = {
    "time() - 5m": "5m as a number",
    "x > bool 1h30m": "1h30m as a number",
    "avg_over_time(x[300])": "300 as a duration",
    "max_over_time(x[5m:60])": "60 as a duration",
    "max_over_time(x[ 300 : 1m])": "300 as a duration",
    "x offset 300": "300 as a duration",
    "x offset -300.5": "300.5 as a duration",
    '{"my.metric"}': "a name in quotes",
    'x{"a.b"="c"}': "a name in quotes",
    'sum by ("a.b") (x)': "a name in quotes",
    "histogram_avg(x)": "histogram_avg()",
    "histogram_stddev(x)": "histogram_stddev()",
    "histogram_stdvar(x)": "histogram_stdvar()",
}
EXPERIMENTS = {
    "limitk(2, x)": "limitk",
    "x + fill(0) y": "fill",
    'x{a="b" or c="d"}': "matchers joined by or",
    "info(x)": "info()",
    'sort_by_label(x, "a")': "sort_by_label()",
    "double_exponential_smoothing(x[5m], 0.5, 0.5)": "double_exponential_smoothing()",
    "first_over_time(x[5m])": "first_over_time()",
}


@pytest.mark.parametrize(("expr", "word"), NEW.items())
def test_what_2_42_lacks_is_for_an_environment_whose_prometheus_has_it(
    tmp_path: Path, expr: str, word: str
) -> None:
    [what] = said(expr)
    assert f"uses {word}, which" in what
    assert said(expr, "3.5.1") == []
    assert not accepted(tmp_path, program("promtool"), expr)
    assert accepted(tmp_path, newer("promtool"), expr)


@pytest.mark.parametrize(("expr", "word"), EXPERIMENTS.items())
def test_what_needs_a_flag_is_for_none(tmp_path: Path, expr: str, word: str) -> None:
    [what] = said(expr, "3.5")
    assert f"uses {word}, which" in what
    assert not accepted(tmp_path, newer("promtool"), expr)


def test_each_environment_has_its_own(tmp_path: Path) -> None:
    rollout = f'{HEAD}\nshop = Rollout("shop", "shop", {guardrail(FACTS, measure=AVERAGE)})\n'
    here = 'Environment("new", prometheus_version="3.5")\nEnvironment("old")\n'
    files = {
        "rollouts/shop.py": rollout,
        "environments.py": f"from handrail.declare import *\n\n{here}",
    }
    problems = problems_everywhere(folder(tmp_path, files))
    assert [problem.what for problem in problems if problem.lint == NAME] == [
        "in old: 'errors' uses histogram_avg(), which Prometheus 2.42 does not understand"
    ]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("2.41", "'2.41' is older than what Handrail writes for; 2.42 is the oldest"),
        ("new", "'new' is not a version"),
    ],
)
def test_a_version_is_one_that_handrail_writes_for(version: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Environment("here", prometheus_version=version)


OLD = [
    "x{a='[300]'} offset 5m",
    "max_over_time(x[1h:]) * 300",
    "avg_over_time(x[5m] offset 5m)",
    'x{a="limitk(5m)", b=~`\\d+5m`} # > 5m',
    "max_over_time(x[1h30m:5m] @ end())",
    "0x1F + 1e3 * x",
    "max by (a, b) (x{a='5m'}) / on (a) group_left (b) y",
    'label_replace(x, "a", "", "", "")',
]


@pytest.mark.parametrize("expr", OLD)
def test_what_2_42_has_is_fine_for_both(tmp_path: Path, expr: str) -> None:
    assert said(expr) == []
    assert accepted(tmp_path, program("promtool"), expr)
    assert accepted(tmp_path, newer("promtool"), expr)


def test_both_promtools_have_every_function_that_is_taken_for_known(tmp_path: Path) -> None:
    calls = {"label_join": '(x, "a", "b", "c")', "label_replace": '(x, "a", "b", "c", "d")', "pi": "()"}
    calls |= dict.fromkeys(("vector", "time"), "(1)") | {"time": "()"}
    calls |= dict.fromkeys(("clamp",), "(x, 1, 2)") | dict.fromkeys(
        ("clamp_max", "clamp_min", "round"), "(x, 1)"
    )
    calls |= {
        "histogram_fraction": "(0, 1, x)",
        "histogram_quantile": "(0.5, x)",
        "quantile_over_time": "(0.5, x[5m])",
    }
    calls |= {"predict_linear": "(x[5m], 1)", "quantile": "(0.5, x)", "count_values": '("a", x)'}
    calls |= dict.fromkeys(("topk", "bottomk"), "(1, x)")
    ranged = {"changes", "delta", "deriv", "idelta", "increase", "irate", "rate", "resets"}
    known = []
    for name in sorted(expressions.KNOWN):
        takes = "(x[5m])" if name in ranged or name.endswith("_over_time") else "(x)"
        expr = name + calls.get(name, takes)
        assert (name, said(expr)) == (name, [])
        known.append(expr)
    for promtool in (program("promtool"), newer("promtool")):
        assert refused(tmp_path, promtool, *known) == ""


def accepted(at: Path, promtool: str | Path, expr: str) -> bool:
    """Whether `promtool check rules` reads a rule of this expression."""
    return refused(at, promtool, expr) == ""


def refused(at: Path, promtool: str | Path, *exprs: str) -> str:
    """What `promtool check rules` finds wrong with rules of these expressions, each by its place."""
    made = [{"record": f"b{place}", "expr": expr} for place, expr in enumerate(exprs)]
    rules = at / "rules.yml"
    rules.write_text(json.dumps({"groups": [{"name": "a", "rules": made}]}))
    done = subprocess.run([promtool, "check", "rules", rules], check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr
