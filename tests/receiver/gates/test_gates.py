"""What a gate's criteria mean to a promotion: broken, met, and not to be known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from guarded import guarded, playbook
from guarded.scraped import scraped
from handrail.contract import Criterion, Gate

CRITERION = Criterion(guardrail="error-rate", text="below 0.5 %", expr="errors >= 0.005", seen="errors")
BOOK = playbook(gates=(Gate(into="50%", criteria=(CRITERION,)),))


def promoted(folder: Path, **metrics: float) -> dict[str, Any]:
    """The answer to a promotion out of the first stage, while Prometheus knows these metrics."""
    with scraped(folder, **metrics) as application, guarded(folder, BOOK, PROMETHEUS=application.url) as shop:
        shop.call("start")
        return shop.call("promote")


@pytest.mark.parametrize(
    ("metrics", "verdict", "text"),
    [
        ({"errors": 0.001}, "act", "into stage 50%"),
        (
            {"errors": 0.02},
            "refuse",
            "error-rate: below 0.5 %: broken now; wait or fix it, or say --anyway and --why",
        ),
        (
            {"something_else": 1},
            "refuse",
            "error-rate: below 0.5 %: unknown: no data, or too little traffic; wait or fix it, or say --anyway and --why",
        ),
    ],
    ids=["met", "broken", "without data"],
)
def test_a_criterion_that_is(tmp_path: Path, metrics: dict[str, float], verdict: str, text: str) -> None:
    answer = promoted(tmp_path, **metrics)
    assert (answer["verdict"], answer["text"]) == (verdict, text)


def test_a_prometheus_that_does_not_answer_is_no_yes(tmp_path: Path) -> None:
    with guarded(tmp_path, BOOK, PROMETHEUS="http://127.0.0.1:9") as shop:
        shop.call("start", anyway=True, why="a test")
        answer = shop.call("promote")
    assert answer["verdict"] == "refuse"
    assert "error-rate: below 0.5 %: unknown: " in answer["text"]
