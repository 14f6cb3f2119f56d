"""Every query of every dashboard, asked of a real Prometheus that runs the generated rules on data → an answer."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from dashboards.exported import Series, series_of_sources
from dashboards.sources_table import SOURCES
from emit.each import of_each
from emit.grafana.samples import exporter, past
from handrail import plan
from handrail.emit import grafana, rules
from own_rollouts import own_plan
from servers import PLAIN, make_blocks, prometheus, until
from servers.newer import newer

PACE = 3
"""Seconds from scrape to scrape, and from evaluation to evaluation."""
STAGE = 3.0 * PACE
"""How long a rollout stays in each of its stages here."""
OBJECTIVE = 50.0
"""Seconds until an objective has counted: an evaluation and two scrapes at the pace that the rules are made for."""

ASKED = "haproxy_frontend_http_requests_total"

Query = tuple[str, str, str]


@pytest.fixture(scope="module")
def guarded() -> plan.Plan:
    return own_plan()


def sources(guarded: plan.Plan) -> list[Series]:
    """What the rollouts' sources export: made of the table, and not of what is asked for.

    So many requests are asked of HAProxy that a minute of them is the baseline of five: the test lasts no longer.
    """
    every = series_of_sources(SOURCES, guarded.environment.scrape)
    return [replace(one, level=20 * one.level) if one.name == ASKED else one for one in every]


@pytest.fixture(scope="module")
def files(guarded: plan.Plan) -> dict[str, str]:
    return {**of_each(rules.emit, guarded), **of_each(grafana.emit, guarded)}


def queries(files: dict[str, str]) -> Iterator[Query]:
    """(dashboard, what it is for, query) of all panels and annotations."""
    for path, text in files.items():
        if path.startswith("grafana/dashboards/"):
            dashboard = json.loads(text)
            for panel in dashboard["panels"]:
                for target in panel.get("targets", []):
                    yield Path(path).stem, f"{panel['title']} / {target['legendFormat']}", target["expr"]
            for event in dashboard["annotations"]["list"]:
                yield Path(path).stem, f"event {event['name']}", event["expr"]


def test_every_query_is_promql(files: dict[str, str]) -> None:
    asked = list(queries(files))
    assert len(asked) > 100
    for _, _, expr in asked:
        promql_parser.parse(expr)


def test_no_query_leans_on_a_variable_of_grafana(files: dict[str, str]) -> None:
    assert [query for query in queries(files) if "$" in query[2]] == []


@dataclass(frozen=True)
class Lived:
    """A Prometheus that has seen every rollout go through its stages since `began`."""

    client: httpx.Client
    began: float
    drawn: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """The series that a panel would draw: once there are some, they are there for all tests."""
        if found := self.drawn.get(expr):
            return found
        asked = {"query": expr, "start": str(self.began), "end": str(time.time()), "step": str(PACE)}
        answer = self.client.post("/api/v1/query_range", data=asked)
        assert answer.status_code == 200, answer.text
        self.drawn[expr] = answer.json()["data"]["result"]
        return self.drawn[expr]


@pytest.fixture(
    scope="module", params=["newer prometheus", pytest.param("prometheus", marks=pytest.mark.long)]
)
def lived(
    request: pytest.FixtureRequest,
    guarded: plan.Plan,
    files: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "past").write_text(past(guarded, sources(guarded), time.time()))
    make_blocks(folder, folder / "past")
    binary = newer("prometheus") if request.param.startswith("newer") else request.param
    with exporter(sources(guarded), guarded.rollouts, STAGE) as exported:
        config = configured(folder, exported.address, files)
        began = time.time()
        with (
            prometheus(folder, config, binary=binary) as server,
            httpx.Client(base_url=server.url, timeout=10, trust_env=False, verify=PLAIN) as client,
        ):
            longest = max(len(rollout.stages) for rollout in guarded.rollouts)
            walk = max(STAGE * (1 + longest), OBJECTIVE)
            until(lambda: exported.age > walk, "the rollouts to have gone through their stages", within=120)
            time.sleep(2 * PACE)  # for the rules
            yield Lived(client, began)


def test_every_query_has_an_answer(lived: Lived, files: dict[str, str]) -> None:
    left = list(queries(files))

    def unanswered() -> list[Query]:
        left[:] = [query for query in left if not lived.ask(query[2])]
        return left

    with suppress(TimeoutError):  # what is late on a busy machine
        until(lambda: not unanswered(), "every query to be answered", within=30, every=5)
    assert left == []


def test_every_label_in_a_legend_has_a_value(lived: Lived, files: dict[str, str]) -> None:
    unnamed = []
    for query in queries(files):
        for label in re.findall(r"\{\{(\w+)\}\}", query[1]):
            series = lived.ask(query[2])
            if any(not one["metric"].get(label) for one in series):
                unnamed.append((*query, label))
    assert unnamed == []


def test_the_line_of_a_limit_follows_the_stage(lived: Lived, files: dict[str, str]) -> None:
    [line] = [
        expr
        for name, what, expr in queries(files)
        if name == "aurigraph-v12" and what == "Share of requests that fail / critical → rollback"
    ]
    [series] = lived.ask(line)
    steps = [value for value, _ in groupby(value for _, value in series["values"])]
    assert steps == ["0.01", "0.005", "0.001"]


def configured(folder: Path, address: str, files: dict[str, str]) -> Path:
    """A Prometheus that scrapes `address` and judges the generated rules at the pace of this test."""
    (folder / "rules").mkdir()
    for path, text in files.items():
        if path.startswith("prometheus/rules/"):
            quick = re.sub(r"^(  interval:) .*$", rf"\1 {PACE}s", text, flags=re.MULTILINE)
            (folder / "rules" / Path(path).name).write_text(quick)
    job = {"job_name": "all", "honor_labels": True, "static_configs": [{"targets": [address]}]}
    config = {
        "global": {"scrape_interval": f"{PACE}s", "evaluation_interval": f"{PACE}s"},
        "rule_files": ["rules/*.yml"],
        "scrape_configs": [job],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"
