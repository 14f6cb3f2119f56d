"""Any routing tree in any usual notation, with our routes merged in → their alerts go where they went, ours come to us.

The receiver's own reading of a configuration judges: it is another program than the one that merges.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from emit.guarded_shop import ENVIRONMENT, kiosk, shop
from handrail.declare import Environment
from handrail.emit.alertmanager import emit
from handrail.errors import Refused, Severity
from handrail.lower import lower
from handrail.output.merging.merge_alertmanager import conflicts, merged, without
from handrail.output.read_yaml import read_yaml
from handrail_receiver.catch_up.routes import Routing, Way, routing_in
from hypothesis import assume, given
from hypothesis import strategies as st

PLAN = lower(
    [shop, kiosk], Environment("production", receiver=ENVIRONMENT.receiver, existing=["alertmanager"])
)
FRAGMENT = emit(PLAN.common)["alertmanager/fragment.yml"]
ALERTS = [
    {"alertname": alert.name, "rollout": rollout.name, "service": rollout.service, **dict(alert.labels)}
    for rollout in PLAN.rollouts
    for alert in (*rollout.alerts, rollout.heartbeat)
]
LABELS = ("severity", "team", "rollout", "environment", "action", "alertname", "service")
VALUES = ("critical", "warning", "pay", "shop", "production", "rollback", "ShopErrorsCritical", "")
LISTS = st.sampled_from(["matchers", "match", "match_re", "none"])
RECEIVERS = ("ops", "pay", "audit")


@st.composite
def routes(draw: st.DrawFn, depth: int = 3) -> dict[str, Any]:
    made: dict[str, Any] = {}
    label, value = draw(st.sampled_from(LABELS)), draw(st.sampled_from(VALUES))
    kind = draw(LISTS)
    if kind == "matchers":
        op = draw(st.sampled_from(["=", "!=", "=~", "!~"]))
        made["matchers"] = [f'{label}{op}"{value}"']
    elif kind != "none":
        made[kind] = {label: value}
    if draw(st.booleans()):
        made["receiver"] = draw(st.sampled_from(RECEIVERS))
    if draw(st.booleans()):
        made["continue"] = True
    if depth and draw(st.booleans()):
        made["routes"] = draw(st.lists(routes(depth=depth - 1), max_size=3))
    return made


class Indented(yaml.SafeDumper):
    """Items stand in from their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


@st.composite
def files(draw: st.DrawFn) -> str:
    tree = draw(routes())
    for key in ("matchers", "match", "match_re", "continue"):
        tree.pop(key, None)
    data: dict[str, Any] = {
        "route": {**tree, "receiver": "ops"},
        "receivers": [{"name": name} for name in RECEIVERS],
    }
    if draw(st.booleans()):
        data["inhibit_rules"] = draw(
            st.sampled_from([[], [{"source_match": {"a": "b"}, "target_match": {"c": "d"}}]])
        )
    if draw(st.booleans()):
        data = dict(reversed(data.items()))
    text = yaml.dump(
        data,
        Dumper=draw(st.sampled_from([yaml.SafeDumper, Indented])),
        default_flow_style=draw(st.sampled_from([False, False, None])),
        indent=draw(st.sampled_from([2, 4])),
        sort_keys=False,
    )
    if draw(st.booleans()):
        text = "".join(f"# before {n}\n{line}\n\n" for n, line in enumerate(text.splitlines()))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return text


@cache
def routing(text: str) -> Routing:
    return routing_in(read_yaml(text))


def ways(text: str, labels: dict[str, str]) -> tuple[Way, ...]:
    return routing(text).ways(labels)


THEIRS = st.dictionaries(st.sampled_from(LABELS), st.sampled_from(VALUES), max_size=5)


@given(text=files(), theirs=st.lists(THEIRS, min_size=3, max_size=8))
def test_under_the_root_whatever_their_tree_is(text: str, theirs: list[dict[str, str]]) -> None:
    try:
        after = merged(text, FRAGMENT, "production", [], "am.yml")
    except Refused as refused:
        [problem] = refused.problems
        assert "one item a line" in problem.cure  # a list between brackets
        assert any(sign in text for sign in "[{")
        return
    others = [labels for labels in theirs if not _is_ours(labels)]
    assert [ways(after, labels) for labels in others] == [ways(text, labels) for labels in others]
    for labels in ALERTS:
        told = [way.receiver for way in ways(after, labels)]
        assert told[0].startswith("production/handrail")
        assert all(name.startswith("production/") for name in told)
    assert merged(after, FRAGMENT, "production", [], "am.yml") == after
    assert without(after, "am.yml") == text


@given(text=files(), theirs=st.lists(THEIRS, min_size=3, max_size=8), under=st.sampled_from(["pay", "audit"]))
def test_under_a_route_of_theirs_it_is_refused_or_ours_come_to_us_alone(
    text: str, theirs: list[dict[str, str]], under: str
) -> None:
    try:
        after = merged(text, FRAGMENT, "production", [under], "am.yml")
        problems = conflicts(text, PLAN, [under], "am.yml")
    except Refused:
        return
    assume(all(problem.severity < Severity.error for problem in problems))
    others = [labels for labels in theirs if not _is_ours(labels)]
    assert [ways(after, labels) for labels in others] == [ways(text, labels) for labels in others]
    if not [problem for problem in problems if "Prometheus adds" in problem.what]:
        for labels in ALERTS:
            assert all(way.receiver.startswith("production/") for way in ways(after, labels)), labels
    assert without(after, "am.yml") == text


def _is_ours(labels: dict[str, str]) -> bool:
    return routing(FRAGMENT).routes[0].takes(labels)


def test_the_companies_beside_are_read_as_the_receiver_reads_them() -> None:
    for file in sorted(Path(__file__).with_name("companies").glob("*.yml")):
        assert ways(file.read_text(), {"alertname": "Nothing"}), file
