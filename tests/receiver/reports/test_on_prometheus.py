"""A report of a running receiver whose Prometheus has just begun: what it saw, and that it saw a part of the day only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import servers
from guarded import TOKENS, guarded
from guarded.scraped import samples, watched
from handrail.contract import FigureFacts
from handrail_receiver.client import report_command
from receiver.evidence.recording import rules

from .remembered import book

FAILED = "- Failed requests: 2 % on average, 2 % at worst (target: below 1 %)"


def test_the_day_so_far_as_prometheus_saw_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expr = "avg_over_time(sum(requests)[${span}:1s])"
    rps = FigureFacts(
        name="Average RPS",
        unit="per second",
        expr=expr,
        seen="count(requests)",
        source="guardrail error-rate",
    )
    with (
        watched(tmp_path, {"requests": 100.0, "bad": 2.0}, rules=rules()) as application,
        guarded(tmp_path, book(figures=(rps,)), proxy=False, PROMETHEUS=application.url) as shop,
    ):
        servers.until(lambda: bool(samples(application.url, "handrail:guardrail:value")), "the value")
        words: dict[str, Any] = {
            "url": shop.server.url,
            "token": TOKENS["viewer"],
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        lines: list[str] = []

        def reported() -> bool:
            """What it looks at every few seconds is in the report only once its time has come."""
            assert report_command.report("daily", **words) == 0
            lines[:] = capsys.readouterr().out.splitlines()
            return FAILED in lines

        servers.until(reported, FAILED)
    assert lines[3].startswith("**this time is not over: this is as of ")
    (seen,) = [line for line in lines if line.startswith("- Average RPS")]
    assert seen.startswith("- Average RPS: 100 (guardrail error-rate; of ")
    assert " % of the time only, data begin " in seen
