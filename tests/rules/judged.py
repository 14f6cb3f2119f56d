"""A small declaration and series written by hand → what promtool says, the system's and a newer one.

promtool reads every rule anew at each evaluation: that is what it takes. So it gets the rules that what is asked
reads, as JSON, which is YAML that is quickly written, and evaluates them as seldom as the times that are asked about
allow; what counts evaluations, as declared.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import promql_parser as promql
from handrail.declare import Arms, Command, Environment, Guardrail, Rollout, Slo, Stage
from handrail.emit.document import Data
from handrail.emit.groups import rules
from handrail.lower import lower
from handrail.plan import Rollout as Planned
from handrail.units import duration
from servers import program

from .walk import nodes

NEWER = Path(__file__).parents[2] / ".tools/newer/usr/bin/promtool"
PROMTOOLS = ["promtool", str(NEWER)]
"""Ranges include their left end before 3.0 and do not since: what holds must hold on both."""

STAGES = [Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]
IN_10 = {
    'handrail_rollout_stage{rollout="shop",stage="10%"}': "1x400",
    'handrail_rollout_stage{rollout="shop",stage="100%"}': "0x400",
}
"""The receiver says that the rollout is in its first stage."""


def shop(
    *guardrails: Guardrail, arms: bool = False, slos: Sequence[Slo] = (), evaluate: str = "30s"
) -> Planned:
    """A rollout with these guardrails, planned."""
    declared = Rollout(
        "shop",
        "shop",
        stages=STAGES,
        arms=Arms("track", canary="canary", stable="stable") if arms else None,
        guardrails=list(guardrails),
        slos=list(slos),
        evaluate=evaluate,
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
    every: str | None = None,
    all_rules: bool = False,
) -> str:
    """What promtool finds wrong, nothing if all is as asked.

    Rules are evaluated `every` so often; without it every four minutes, or as often as what is asked demands. With
    `all_rules` those are evaluated as well that nothing asked reads.
    """
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
        own = rules(rollout)
        read = own if all_rules else needed(own["groups"], [one.expr for one in asked])
        (root / "rules.yml").write_text(json.dumps(read))
        interval = every or _seldom(read, asked, rollout)
        test = {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": [case]}
        (root / "test.yml").write_text(json.dumps(test))
        command = [program(promtool), "test", "rules", "test.yml"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def needed(groups: Sequence[Data], exprs: Sequence[str]) -> Data:
    """The rules that such expressions read, directly or not."""
    left = {id(rule): _Series(rule) for group in groups for rule in group["rules"]}
    wanted: set[int] = set()
    read = list(exprs)
    while read:
        for one in _selectors(read.pop()):
            more = [number for number, series in left.items() if series.may_be(one)]
            wanted.update(more)
            read += [left.pop(number).expr for number in more]
    kept = [{**group, "rules": [rule for rule in group["rules"] if id(rule) in wanted]} for group in groups]
    return {"groups": [group for group in kept if group["rules"]]}


@cache
def _selectors(expr: str) -> tuple[promql.VectorSelector, ...]:
    return tuple(node for node, _ in nodes(expr) if isinstance(node, promql.VectorSelector))


class _Series:
    """What is known of the series that a rule gives: their name, and the labels that are the same in all."""

    def __init__(self, rule: Data) -> None:
        labels = {**rule.get("labels", {}), **({"alertname": rule["alert"]} if "alert" in rule else {})}
        self.name: str = rule.get("record") or "ALERTS"
        self.fixed = {label: value for label, value in labels.items() if "{{" not in value}
        self.expr: str = rule["expr"]

    def may_be(self, selector: promql.VectorSelector) -> bool:
        """Whether they may be among those that are selected: none of the labels says otherwise."""
        return selector.name in {None, self.name} and all(
            _holds(matcher, self.fixed[matcher.name])
            for matcher in selector.matchers.matchers
            if matcher.name in self.fixed
        )


def _holds(matcher: promql.Matcher, value: str) -> bool:
    """Whether a label of this value is what a matcher wants."""
    match str(matcher.op).rpartition(".")[2]:
        case "Equal":
            return value == matcher.value
        case "NotEqual":
            return value != matcher.value
        case "Re":
            return re.fullmatch(matcher.value, value) is not None
        case _:
            return re.fullmatch(matcher.value, value) is None


def _seldom(read: Data, asked: Sequence[Asked], rollout: Planned) -> str:
    """The longest of some intervals at whose evaluations all is asked; the declared one where they are counted.

    Never five minutes: Prometheus forgets a value that is so old.
    """
    exprs = [one.expr for one in asked] + [
        rule["expr"] for group in read["groups"] for rule in group["rules"]
    ]
    if any(re.search(r"(count|sum|avg)_over_time\([^\[\]]*\b(handrail:|ALERTS)", expr) for expr in exprs):
        return f"{rollout.evaluate.seconds}s"
    times = [duration(one.at) for one in asked]
    fitting = (
        every
        for every in ("4m", "2m", "1m", "30s", "15s")
        if not any(time % duration(every) for time in times)
    )
    return next(fitting, "1s")
