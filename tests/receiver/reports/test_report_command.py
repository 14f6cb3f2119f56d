"""`handrail report` and the page of reports, of a running receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from guarded import TOKENS, Guarded, guarded
from handrail_receiver.client import report_command

from .remembered import book


@pytest.fixture(scope="module", name="shop")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("shop"), book(), proxy=False) as shop:
        yield shop


def report(shop: Guarded, kind: str = "daily", **words: object) -> int:
    known = {"url": shop.server.url, "token": TOKENS["viewer"], **words}
    return report_command.report(kind, **known)  # type: ignore[arg-type]


def test_it_is_printed_as_markdown_and_what_nobody_can_know_says_so(
    shop: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(shop, "weekly", name="shop", date="2026-03-02") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# Weekly metrics report: shop, week 2026-03-02 - 2026-03-08"
    (deployed,) = [line for line in lines if line.startswith("- Deployments to production")]
    assert deployed.startswith("- Deployments to production: unknown: the receiver's store begins later, ")
    unknown = [line for line in lines if line.startswith("- Average RPS")]
    assert unknown == ["- Average RPS: unknown: no Prometheus is set; set HANDRAIL\\_PROMETHEUS"]


def test_it_is_written_as_html_that_opens_alone(shop: Guarded, tmp_path: Path) -> None:
    assert report(shop, html=tmp_path / "day.html") == 0
    written = (tmp_path / "day.html").read_text()
    assert written.startswith("<!doctype html>")
    assert "src=" not in written
    assert "href=" not in written
    assert "default-src &#39;none&#39;" in written


def test_its_fields_are_json(shop: Guarded, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(shop, as_json=True, date="2026-03-29") == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["kind"], said["rollout"], said["start"]) == ("daily", "shop", "2026-03-29T00:00:00Z")
    phase = said["sections"][0]["fields"][0]
    assert (phase["name"], phase["value"], phase["note"]) == ("Phase", "", "")
    assert phase["unknown"].startswith("the receiver's store begins later, ")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ({"name": "other"}, 1, "no playbook declares 'other'"),
        (
            {"date": "yesterday"},
            2,
            "date: 'yesterday' is no day from 2000-01-01 to 2100-01-01; write it like 2026-11-27",
        ),
        ({"date": "1999-01-01"}, 2, "date: '1999-01-01' is no day from 2000-01-01"),
        ({"token": "wrong"}, 2, "does not know this token"),
        ({"url": "http://127.0.0.1:9"}, 1, "did not answer"),
        ({"html": Path("/nowhere/day.html")}, 2, "name a file that can be written"),
    ],
)
def test_what_cannot_be_reported_says_why(
    shop: Guarded, capsys: pytest.CaptureFixture[str], words: dict[str, Any], code: int, said: str
) -> None:
    assert report(shop, **words) == code
    assert said in capsys.readouterr().err


def test_the_page_obeys_nothing_and_the_first_page_leads_to_it(shop: Guarded) -> None:
    page = shop.ask("GET", f"/reports/weekly?rollout=shop&date={date(2026, 3, 2)}", "viewer")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "Weekly metrics report: shop" in page.text
    first = shop.ask("GET", "/", "viewer").text
    assert '<a href="/reports/daily">' in first
    assert '<a href="/reports/weekly">' in first
    assert shop.ask("GET", "/reports/monthly", "viewer").status_code == 404
    assert shop.ask("GET", "/api/reports/daily?since=1", "viewer").status_code == 400
