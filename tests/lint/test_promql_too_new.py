"""promql-too-new: what it finds, with line and words; and both Prometheuses agree about what it leaves alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from declared import found, guardrail
from handrail.lint.common import expressions
from handrail.lint.promql_too_new import NAME
from servers import program
from servers.newer import newer


def said(expr: str) -> list[str]:
    facts = guardrail("tiers=[Warning(Above(0))]", measure=f"PromQL({expr!r})")
    return [what for _, what in found(NAME, facts)]


def test_a_function_that_2_42_lacks_is_named() -> None:
    what = "'errors' uses mad_over_time(), which Prometheus 2.42 or Prometheus 3 does not understand"
    cure = 'write it without, or accept={"promql-too-new": "why"}'
    assert said("max(mad_over_time(x[5m]))") == [f"error: {what}; {cure}"]


NEW = {
    "limitk(2, x)": "limitk",
    "x + fill(0) y": "fill",
    "time() - 5m": "5m as a number",
    "x > bool 1h30m": "1h30m as a number",
    '{"my.metric"}': "a name in quotes",
    'x{"a.b"="c"}': "a name in quotes",
    'sum by ("a.b") (x)': "a name in quotes",
    'x{a="b" or c="d"}': "matchers joined by or",
    "histogram_avg(x)": "histogram_avg()",
}


@pytest.mark.parametrize(("expr", "word"), NEW.items())
def test_syntax_that_2_42_lacks_is_named_and_its_promtool_refuses_it(
    tmp_path: Path, expr: str, word: str
) -> None:
    [what] = said(expr)
    assert f"uses {word}, which" in what
    assert not accepted(tmp_path, program("promtool"), expr)


OLD = [
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
    for name in sorted(expressions.KNOWN):
        takes = "(x[5m])" if name in ranged or name.endswith("_over_time") else "(x)"
        expr = name + calls.get(name, takes)
        assert (name, said(expr)) == (name, [])
        for promtool in (program("promtool"), newer("promtool")):
            assert (name, accepted(tmp_path, promtool, expr)) == (name, True)


def accepted(at: Path, promtool: str | Path, expr: str) -> bool:
    """Whether `promtool check rules` reads a rule of this expression."""
    rules = at / "rules.yml"
    quoted = expr.replace("'", "''")
    rules.write_text(f"groups: [{{name: a, rules: [{{record: b, expr: '{quoted}'}}]}}]\n")
    return (
        subprocess.run([promtool, "check", "rules", rules], check=False, capture_output=True).returncode == 0
    )
