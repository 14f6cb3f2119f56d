"""What Prometheus says it has loaded → the digest that the playbook was generated with, or another one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import servers
from handrail.contract import GroupFacts, Playbook, RuleFacts, names, rules_digest
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.prometheus_history import LoadedRules, PrometheusHistory
from handrail_receiver.secrets import Secrets
from servers.newer import newer

GENERATED = Path(__file__).parents[3] / "generated"
BOOKS = [
    Playbook.model_validate_json(file.read_bytes()) for file in sorted(GENERATED.glob("playbook/*.json"))
]


def loaded(url: str, groups: Sequence[str]) -> list[LoadedRules]:
    async def ask() -> list[LoadedRules]:
        client = new_client(None)
        try:
            return await PrometheusHistory(Outside(client, Secrets(None, {})), url).rules(groups)
        finally:
            await client.aclose()

    return asyncio.run(ask())


@pytest.mark.parametrize("which", ["debian", "newer"])
def test_the_generated_rules_have_the_playbooks_digest_once_prometheus_has_loaded_them(
    tmp_path: Path, which: str
) -> None:
    binary = newer("prometheus") if which == "newer" else "prometheus"
    config = tmp_path / "prometheus.yml"
    config.write_text(json.dumps({"rule_files": [str(GENERATED / "prometheus/rules/*.yml")]}))
    with servers.prometheus(tmp_path, config, binary=binary) as server:
        found = {book.rollout: loaded(server.url, book.rule_groups) for book in BOOKS}
    digests = {name: [rules_digest(file.groups) for file in files] for name, files in found.items()}
    assert digests == {book.rollout: [book.rules_digest] for book in BOOKS}


RULE = RuleFacts(
    "Slow", 'x{b="1",a="2"} > 0.5', alert=True, sustained=60, keep=300, labels={"tier": "critical"}
)
GROUPS = (GroupFacts("shop/latency", 30, (RULE, RuleFacts(names.RULES_INFO, "vector(1)"))),)


@pytest.mark.parametrize(
    "query", ['x{a="2", b="1"} > .5', "x{a='2',b='1'}>0.50", 'x{b="1",a="2"}\n  > 0.5  # why']
)
def test_the_same_expression_in_another_hand_has_the_same_digest(query: str) -> None:
    assert rules_digest([GroupFacts("shop/latency", 30.0, (replace(RULE, query=query),))]) == rules_digest(
        GROUPS
    )


@pytest.mark.parametrize(
    "changed",
    [
        replace(RULE, query='x{b="1",a="2"} > 0.6'),
        replace(RULE, query='x{b="1"} > 0.5'),
        replace(RULE, name="Slower"),
        replace(RULE, alert=False),
        replace(RULE, sustained=120),
        replace(RULE, keep=0),
        replace(RULE, labels={"tier": "warning"}),
    ],
)
def test_whatever_changes_what_a_rule_does_changes_the_digest(changed: RuleFacts) -> None:
    assert rules_digest([GroupFacts("shop/latency", 30, (changed,))]) != rules_digest(GROUPS)


def test_a_group_that_is_missing_or_evaluated_more_seldom_changes_the_digest() -> None:
    seldom, none = (replace(GROUPS[0], interval=60),), ()
    assert len({rules_digest(GROUPS), rules_digest(seldom), rules_digest(none)}) == 3
