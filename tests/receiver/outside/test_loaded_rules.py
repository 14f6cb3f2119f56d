"""What Prometheus says it has loaded → the digest that the playbook was generated with, or another one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import servers
from handrail.contract import Playbook, rules_digest
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
