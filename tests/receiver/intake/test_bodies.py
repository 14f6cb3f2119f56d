"""Bodies that were recorded where they are really sent → taken or refused, and what follows from each.

Hosts and names in bodies/ are replaced, and every alert has the labels of the rollout `shop`; `_source` says whose it is.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from guarded import NOW, ROLLOUT, playbook
from handrail_receiver.decide.admission import judge
from handrail_receiver.intake.parse import NotAlertmanagers, parse
from handrail_receiver.model import Attempt, AttemptState, Conditions, History

BODIES = sorted((Path(__file__).parent / "bodies").glob("*.json"))
BEGUN = Attempt(7, ROLLOUT, ROLLOUT, 2, AttemptState.active, "10%", NOW, NOW, "alice")
REFUSED = {
    "20-azure-common-alert-schema": "version: Field required; only Alertmanager's webhook and Grafana's unified "
    "alerting say one: Grafana's legacy alerts, Azure, SNS and others must go through an Alertmanager; "
    "send Alertmanager's webhook_configs here, and nothing else"
}
BLIND = {"08-grafana-cloud-nodata"}


def words(body: bytes, attempt: Attempt) -> set[tuple[str, str]]:
    """What is decided about each alert that fires."""
    history = History(attempt)
    return {
        (made.verdict.value, made.reason)
        for signal in parse(body).signals
        for made in judge(signal, playbook(), lambda _: history, Conditions(NOW))
        if signal.firing
    }


@pytest.mark.parametrize("file", BODIES, ids=lambda file: file.stem)
def test_what_alertmanager_and_its_likes_send_is_taken_and_what_others_send_is_refused(file: Path) -> None:
    body = file.read_bytes()
    if file.stem in REFUSED:
        with pytest.raises(NotAlertmanagers) as refused:
            parse(body)
        assert str(refused.value) == REFUSED[file.stem]
        return
    fresh = replace(BEGUN, started_at=NOW - timedelta(days=20 * 365))
    old = {("confirm", "to-be-confirmed")} if file.stem not in BLIND else {("hold", "asked-for")}
    new = {("act", "limit-broken")} if file.stem not in BLIND else {("hold", "asked-for")}
    assert (words(body, replace(BEGUN, started_at=NOW + timedelta(days=365))), words(body, fresh)) == (
        old,
        new,
    )


def test_every_body_says_whose_it_is() -> None:
    assert [file.stem for file in BODIES if not json.loads(file.read_text())["_source"]] == []
