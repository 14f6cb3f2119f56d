"""Every generated playbook → a snapshot that a real Prometheus with the generated rules can answer in full."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import servers
from handrail.contract import Playbook
from handrail_receiver.evidence.snapshot import Snapshot
from handrail_receiver.evidence.snapshot_queries import SnapshotSubject, snapshot
from handrail_receiver.evidence.verdicts import rederived
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.prometheus_history import PrometheusHistory
from handrail_receiver.secrets import Secrets
from servers.newer import newer

GENERATED = Path(__file__).parents[3] / "generated"
BOOKS = [
    Playbook.model_validate_json(file.read_bytes()) for file in sorted(GENERATED.glob("playbook/*.json"))
]


def taken(url: str) -> list[Snapshot]:
    now = datetime.now(UTC)

    async def ask() -> list[Snapshot]:
        client = new_client(None)
        recorded = PrometheusHistory(Outside(client, Secrets(None, {})), url)
        try:
            return [await snapshot(recorded, book, moment(book, now)) for book in BOOKS]
        finally:
            await client.aclose()

    return asyncio.run(ask())


def moment(book: Playbook, now: datetime) -> SnapshotSubject:
    return SnapshotSubject(7, "", now, now, gates={gate.into: now for gate in book.gates})


@pytest.mark.parametrize("which", ["debian", pytest.param("newer", marks=pytest.mark.long)])
def test_every_question_about_a_generated_playbook_is_understood(tmp_path: Path, which: str) -> None:
    binary = newer("prometheus") if which == "newer" else "prometheus"
    config = tmp_path / "prometheus.yml"
    config.write_text(json.dumps({"rule_files": [str(GENERATED / "prometheus/rules/*.yml")]}))
    with servers.prometheus(tmp_path, config, binary=binary) as server:
        found = taken(server.url)
    assert [(one.rollout, one.missing, one.rules.text) for one in found] == [
        (book.rollout, (), "") for book in BOOKS
    ]
    assert [list(rederived(one, book)) for one, book in zip(found, BOOKS, strict=True)] == [[] for _ in BOOKS]
