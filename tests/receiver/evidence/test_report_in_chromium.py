"""The report of a bundle, and daily and weekly reports, as files in Chromium: on a phone and on a desk, light and dark."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from guarded.kept import Still
from handrail_receiver.evidence.report import report
from handrail_receiver.reports.html_report import html
from handrail_receiver.reports.reporter import Reporter
from handrail_receiver.store import open_store
from ports.kept_week import BOOK, lived
from receiver.reports.remembered import MONDAY, Remembered
from receiver.web.test_in_chromium import AXE, FINDINGS, WIDTHS
from servers.browser import Tab, browser

from .made import of_index
from .test_bursts_kept import with_burst
from .test_report_plots import against, of_a_bundle


async def _reports(folder: Path) -> dict[str, str]:
    """What a kept week reports, daily and weekly."""
    store = open_store(f"sqlite:{folder / 'handrail.db'}", 5)
    store.engine.start()
    await lived(store)
    reporter = Reporter(store, Remembered(), Still(MONDAY + timedelta(days=7, hours=9)))
    made = {
        "daily.html": html([await reporter.report(BOOK, "daily", date(2026, 3, 3))]),
        "weekly.html": html([await reporter.report(BOOK, "weekly", None)]),
    }
    await store.engine.close()
    return made


def _bundles() -> dict[str, str]:
    """Of a rollback with a load burst, and with a limit that moves."""
    several = {"burst.html": with_burst(), "moving.html": of_a_bundle(against("the stable arm"))}
    return {name: report(one, of_index(one)) for name, one in several.items()}


def test_each_cell_of_a_report_says_on_a_phone_what_its_column_is() -> None:
    for text in _bundles().values():
        cells = re.findall(r"<td([^>]*)>", text)
        assert len(cells) > 10
        assert [one for one in cells if 'data-label="' not in one] == []


@pytest.fixture(scope="module", name="files")
def _files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    texts = {**_bundles(), **asyncio.run(_reports(folder))}
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: folder / name for name in texts}


@pytest.fixture(scope="module", name="tab")
def _tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("browser"), "America/New_York") as tab:
        yield tab


WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
ASKED = "performance.getEntriesByType('resource').map(one => one.name)"


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_in_a_report_and_nothing_is_wider_than_the_screen_or_asked_for(
    tab: Tab, files: dict[str, Path], width: int, scheme: str
) -> None:
    tab.prefers(scheme)
    tab.size(width)
    found = {}
    for name, file in files.items():
        tab.go(file.as_uri())
        tab.run(f"{AXE.read_text()}; undefined")
        found[name] = (tab.run(FINDINGS), max(0, tab.run(WIDE)), tab.run(ASKED))
    assert found == dict.fromkeys(files, ([], 0, []))


@pytest.mark.long
def test_a_bundle_s_report_says_the_reader_s_own_time_beside_utc_and_draws_what_can_be_read(
    tab: Tab, files: dict[str, Path]
) -> None:
    tab.size(390)
    tab.go(files["moving.html"].as_uri())
    times = tab.run("[...document.querySelectorAll('time')].map(one => one.innerText)")
    assert len(times) > 5
    assert [
        one for one in times if not re.fullmatch(r"2026-\d\d-\d\d \d\d:\d\d:\d\d UTC \(.+ here\)", one)
    ] == []
    plot = tab.run(
        "[...document.querySelectorAll('svg.plot')].map(one => ["
        "one.getBoundingClientRect().width > 330, one.querySelectorAll('line.limit').length > 0,"
        " one.querySelector('desc').textContent.includes('limit warning, from 1.5 % to 3 %')])"
    )
    assert plot == [[True, True, True]]
