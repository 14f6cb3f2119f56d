"""shared-target: two rollouts that set one target are found, and what orders them is known."""

from __future__ import annotations

import pytest
from declared import HEAD, said
from handrail.lint.shared_target import NAME

SPLIT = 'split=HAProxySplit("web", sockets=["unix:/a", "unix:/b"])'
WEIGHTS = 'stages=[Stage("10%", weight="10%", bake="1h"), Stage("100%", weight="100%")]'
FLAG = 'FlagOff("https://flags.example.com", "default", "fast", "production", Secret("unleash"))'
ERRORS = 'Guardrail("errors", Increase("errors_total"), tiers=[Warning(Above(5))], runbook=RUNBOOK)'


def warned(ours: str, theirs: str) -> list[str]:
    files = {
        f"rollouts/{name}.py": f'{HEAD}\n{name} = Rollout(name="{name}", service="shop", guardrails=[{ERRORS}], {facts})\n'
        for name, facts in (("ours", ours), ("theirs", theirs))
    }
    return [
        f"{problem.severity.name}: {problem.what}; {problem.cure}"
        for _, problem in said(files)
        if problem.lint == NAME
    ]


def found(target: str, other: str) -> str:
    what = f"a stage sets {target}, which the rollback of '{other}' sets otherwise"
    return f'warning: {what}; declare one rollout, or say waits_for=["{other}"] or goes_back_with=["{other}"]'


def test_two_that_split_the_same_backend_are_found_by_a_node_of_both() -> None:
    target = "HAProxyWeight(server='web/canary', sockets=['unix:/b'])"
    one_node = SPLIT.replace('"unix:/a", ', "")
    said = warned(f"{SPLIT}, {WEIGHTS}", f"{one_node}, {WEIGHTS}")
    assert said == [found(target, "theirs"), found(target, "ours")]


def test_a_step_of_a_stage_beside_one_of_a_rollback_is_found() -> None:
    canary = 'HAProxyWeight("web/canary", {}, ["unix:/b"])'
    ours = f'stages=[Stage("10%", weight="10%", bake="1h", enter=[{canary.format(10)}])]'
    target = "HAProxyWeight(server='web/canary', sockets=['unix:/b'])"
    assert warned(ours, f"rollback=[{canary.format(0)}]") == [found(target, "theirs")]
    assert warned(ours, f"rollback=[{canary.format(10)}]") == []
    assert warned(ours, f"rollback=[{FLAG}]") == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ('waits_for=["theirs"]', ""),
        ("", 'waits_for=["ours"]'),
        ('goes_back_with=["theirs"]', ""),
        ("", 'goes_back_with=["ours"]'),
    ],
)
def test_what_orders_them_is_enough(ours: str, theirs: str) -> None:
    assert warned(f"{SPLIT}, {WEIGHTS}, {ours}", f"{SPLIT}, {WEIGHTS}, {theirs}") == []


def test_other_backends_and_nodes_are_other_targets() -> None:
    other = SPLIT.replace("web", "api")
    assert warned(f"{SPLIT}, {WEIGHTS}", f"{other}, {WEIGHTS}") == []
    apart = SPLIT.replace("/a", "/c").replace("/b", "/d")
    assert warned(f"{SPLIT}, {WEIGHTS}", f"{apart}, {WEIGHTS}") == []
