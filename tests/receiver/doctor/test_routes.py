"""Where the generated routes lead, by Alertmanager's own word: the commands of docs/how-to/troubleshooting.md."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from handrail.contract import Playbook
from handrail_receiver.doctor.delivery import alert
from servers import program

GENERATED = Path(__file__).parents[3] / "generated"
PLAYBOOKS = sorted((GENERATED / "playbook").glob("*.json"))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def leads_to(*labels: str) -> str:
    """The receivers of an alert with these labels."""
    config = f"--config.file={GENERATED / 'alertmanager/alertmanager.yml'}"
    argv = [program("amtool"), "config", "routes", "test", config, *labels]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("file", PLAYBOOKS, ids=[file.stem for file in PLAYBOOKS])
def test_the_test_alert_of_each_rollout_goes_to_the_receiver_and_to_nobody_else(file: Path) -> None:
    labels = alert(Playbook.model_validate_json(file.read_text()), NOW)["labels"]
    assert isinstance(labels, dict)
    assert leads_to(*(f"{name}={value}" for name, value in labels.items())) == "handrail"


def test_an_alert_that_asks_for_a_rollback_goes_to_the_receiver_and_to_people() -> None:
    assert leads_to("rollout=ruleiq", "action=rollback", "severity=critical") == "handrail,ruleiq/critical"
