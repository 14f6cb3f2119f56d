"""A rollout's generated tests → the part of them that is about one group of its rules: what only other groups answer is left out.

So promtool says of a group what it says of it beside all others, in a tenth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import promql_parser as promql
from handrail.emit.document import Data
from handrail.emit.promtool.series import Key, matches
from handrail.plan import Selector

from .kinds import below

ALERTS = "ALERTS"
_OPS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}

Tests = dict[str, Data]
"""Test files by name."""


def about(group: Data, every: Iterable[Data], tests: Tests) -> tuple[list[Data], Tests]:
    """The recordings of other groups that one of `every` group reads, and the part of the tests about it."""
    beside, names = list[Data](), {rule["alert"] for rule in group["rules"] if "alert" in rule}
    others = {rule["alert"] for one in every for rule in one["rules"] if "alert" in rule} - names
    read, known = _read([group]), [group]
    while more := [one for one in every if one not in known and _records(one, read)]:
        known += more
        beside += [{**one, "rules": [rule for rule in one["rules"] if "record" in rule]} for one in more]
        read = _read([group, *beside])
    metrics, found = {one.metric for one in read}, {}
    for file, data in tests.items():
        cases = [_part(case, group["rules"], others, metrics) for case in data["tests"]]
        if some := [one for one in cases if one is not None]:
            found[file] = {**data, "tests": some}
    return beside, found


def _read(groups: Iterable[Data]) -> set[Selector]:
    return {one for group in groups for rule in group["rules"] for one in selectors(rule["expr"])}


def _records(group: Data, read: set[Selector]) -> bool:
    return any(_answers(rule, one) for rule in group["rules"] if "record" in rule for one in read)


def _part(case: Data, own: list[Data], others: set[str], metrics: set[str]) -> Data | None:
    alerts = {rule.get("alert") for rule in own}
    texts = [one for one in case.get("alert_rule_test", ()) if one["alertname"] in alerts]
    asked = [
        {**one, "exp_samples": [each for each in one["exp_samples"] if _alert(each) not in others]}
        for one in case.get("promql_expr_test", ())
        if any(_answers(rule, selector) for selector in selectors(one["expr"]) for rule in own)
    ]
    if not texts and not asked:
        return None
    metrics = metrics.union(one.metric for each in asked for one in selectors(each["expr"]))
    series = [one for one in case.get("input_series", ()) if one["series"].partition("{")[0] in metrics]
    part = {**case, "input_series": series, "alert_rule_test": texts, "promql_expr_test": asked}
    return {name: some for name, some in part.items() if some}


def _alert(sample: Data) -> str:
    found = re.search(r'alertname="([^"]*)"', sample["labels"])
    return found[1] if found else ""


def _answers(rule: Data, selector: Selector) -> bool:
    """Whether what the rule shows may be what the selector asks for."""
    metric, more = (rule["record"], {}) if "record" in rule else (ALERTS, {"alertname": rule["alert"]})
    labels = {**rule["labels"], **more}
    known = tuple(matcher for matcher in selector.matchers if matcher[0] in labels)
    return selector.metric == metric and matches(Selector(metric, known), Key.of(metric, labels))


def selectors(expr: str) -> set[Selector]:
    """Every series that a query asks for."""
    return set(_selectors(promql.parse(expr)))


def _selectors(node: promql.Expr) -> Iterator[Selector]:
    if isinstance(node, promql.VectorSelector):
        matchers = node.matchers.matchers
        yield Selector(
            str(node.name), tuple((m.name, _OPS[str(m.op).rpartition(".")[2]], m.value) for m in matchers)
        )
    for part in below(node):
        yield from _selectors(part)
