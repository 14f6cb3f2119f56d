"""Generated dashboards → the pages of docs/reference/dashboards: what each panel shows, beside its picture.

`PYTHONPATH=tests .venv/bin/python -m dashboards.text` writes the pages alone, `make dashboards` the pictures as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emit.grafana.own_pages import own_pages
from handrail import plan
from own_rollouts import own_plan

PLACE = Path(__file__).parents[2] / "docs/reference/dashboards"
KINDS = {
    "timeseries": "lines over time",
    "state-timeline": "states over time",
    "heatmap": "heatmap",
    "stat": "figure",
    "gauge": "gauge",
    "bargauge": "bars",
    "table": "table",
    "text": "text",
}
UNITS = {
    "percentunit": "share",
    "s": "time",
    "ms": "time",
    "dtdhms": "time",
    "decbytes": "size",
    "cps": "per second",
    "short": "number",
}
HEAD = """# Dashboards

What the rollouts of this repository are watched with, as a team sees it: each picture is drawn from the answers of a Prometheus to the very queries of the dashboard, after six hours of figures as the sources export them, with a bad spell two hours before the end. Grafana draws the same with its own pen.

| rollout | dashboards |
|---|---|
"""
FOOT = """
The pages and pictures are made by `make dashboards`; a test compares the pages with what is generated. What a panel can be is in [declarations.md](../declarations.md#dashboards).
"""


def pages(rollouts: tuple[plan.Rollout, ...], dashboards: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """File → Markdown."""
    owned = {
        rollout.name: {
            name: dashboards[name] for name in (file_of(rollout, page) for page in rollout.dashboards)
        }
        for rollout in rollouts
    }
    titles = {rollout.name: rollout.title for rollout in rollouts}
    rows = "".join(
        f"| [{titles[name]}]({name}.md) | {', '.join(page['title'] for page in mine.values())} |\n"
        for name, mine in owned.items()
    )
    return {
        "README.md": f"{HEAD}{rows}{FOOT}",
        **{f"{name}.md": _page(titles[name], mine) for name, mine in owned.items()},
    }


def file_of(rollout: plan.Rollout, page: plan.Dashboard) -> str:
    """What the file of a dashboard is called."""
    return f"{rollout.name}-{page.name}.json" if page.name else f"{rollout.name}.json"


def _page(title: str, mine: Mapping[str, dict[str, Any]]) -> str:
    parts = [f"# Dashboards of {title}\n"]
    for name, dashboard in mine.items():
        stem = name.removesuffix(".json")
        parts += [
            f"## {dashboard['title']}\n",
            f"[{name}](../../../generated/grafana/dashboards/{name})\n",
            f"![{dashboard['title']}](pictures/{stem}.webp)\n",
            "| panel | kind | unit | curves |\n|---|---|---|---|",
            *(_row(panel) for panel in dashboard["panels"]),
            "",
        ]
    return "\n".join(parts)


def _row(panel: dict[str, Any]) -> str:
    if panel["type"] == "row":
        return f"| **{panel['title']}** | | | |"
    if panel["type"] == "text":
        return f"| {panel['title']} | text | | |"
    defaults = panel["fieldConfig"]["defaults"]
    unit = panel["options"]["yAxis"]["unit"] if panel["type"] == "heatmap" else defaults.get("unit", "")
    legends = [target["legendFormat"].replace("{{", "").replace("}}", "") for target in panel["targets"]]
    said = ", ".join(legend for legend in legends if legend not in {"__auto", "value"})
    return f"| {_cell(panel['title'])} | {KINDS[panel['type']]} | {UNITS.get(unit, '')} | {_cell(said)} |"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


def written() -> None:
    """The pages alone, which takes a second."""
    for name, text in pages(own_plan().rollouts, own_pages()).items():
        (PLACE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    written()
