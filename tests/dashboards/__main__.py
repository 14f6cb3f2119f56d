"""The rollouts' dashboards → their pages and pictures in docs/reference/dashboards: `make dashboards`."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

from emit.each import of_each
from emit.grafana.own_pages import own_pages
from handrail.emit import rules
from own_rollouts import own_plan
from servers.browser import browser

from dashboards.asking import past
from dashboards.drawn import page
from dashboards.exported import series_of_sources
from dashboards.history import history
from dashboards.sources_table import SOURCES
from dashboards.text import PLACE, written

SECONDS = {"m": 60, "h": 3600, "d": 86400}
LONGEST = 6 * 3600
"""So much is known of the past: what shows more is drawn over that."""


def main() -> None:
    """Make them again."""
    plan, shown = own_plan(), own_pages()
    (PLACE / "pictures").mkdir(parents=True, exist_ok=True)
    written()
    end = int(time.time()) // 3600 * 3600 - 3600
    lines = history(list(series_of_sources(SOURCES, plan.environment.scrape)), plan.rollouts, end)
    recorded = [
        text for path, text in of_each(rules.emit, plan).items() if path.startswith("prometheus/rules/")
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "browser").mkdir()
        with past(folder, lines, recorded, end, end - LONGEST) as known, browser(folder / "browser") as tab:
            for name, dashboard in shown.items():
                (folder / "page.html").write_text(
                    page(dashboard, known, min(_lasts(dashboard["time"]["from"]), LONGEST))
                )
                tab.size(966, 100)
                tab.go((folder / "page.html").as_uri())
                picture = PLACE / "pictures" / f"{Path(name).stem}.webp"
                tab.picture(picture)
                print(picture, picture.stat().st_size)


def _lasts(written: str) -> int:
    """`now-6h` → seconds."""
    found = re.fullmatch(r"now-(\d+)([mhd])", written)
    if found is None:
        raise ValueError(f"{written} is no range of time")
    return int(found[1]) * SECONDS[found[2]]


if __name__ == "__main__":
    main()
