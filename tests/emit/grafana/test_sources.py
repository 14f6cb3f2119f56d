"""The table of exported metrics is true, and every rule and panel reads only metrics in it, each as its type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import promql_parser
import pytest
from dashboards.asked import selected, selectors
from dashboards.exported import Series, series_of_sources
from dashboards.sources_table import SOURCES
from emit.each import of_each
from emit.grafana.own_pages import own_pages
from handrail import plan
from handrail.emit import rules
from handrail.output.read_yaml import read_yaml
from handrail.promql.selected import together_in
from own_rollouts import own_plan
from servers import PLAIN, answers, free_address, haproxy, postgres, running

RATES = {"rate", "increase", "irate"}
GAUGES = {"delta", "deriv", "predict_linear"}
OURS = ("handrail", "ALERTS")


def exported() -> list[Series]:
    return list(series_of_sources(SOURCES, own_plan().environment.scrape))


def asked() -> Iterator[tuple[str, str]]:
    """(who asks, expression) of every rule and panel."""
    for path, text in of_each(rules.emit, own_plan()).items():
        for group in read_yaml(text)["groups"]:
            yield from ((f"{path}: {group['name']}", rule["expr"]) for rule in group["rules"])
    for name, page in own_pages().items():
        for panel in page["panels"]:
            yield from ((f"{name}: {panel['title']}", target["expr"]) for target in panel.get("targets", []))


def test_whatever_is_asked_for_some_source_exports_and_it_is_read_as_what_it_is() -> None:
    by_name: dict[str, list[Series]] = {}
    for series in exported():
        by_name.setdefault(series.name, []).append(series)
    wrong, looked = set[str](), set[str]()
    added_up = [{one.metric for one in group} for _, expr in asked() for group in together_in(expr)]
    other_names = {name for group in added_up if group & by_name.keys() for name in group - by_name.keys()}
    for who, expr in asked():
        for selector, function in selectors(promql_parser.parse(expr)):
            if (selector.name or "").startswith(OURS) or selector.name in other_names:
                continue
            looked.add(selector.name)
            found = selected(selector, by_name.get(selector.name, []))
            if not found:
                wrong.add(f"{who}: no source exports {selector.prettify()}")
            elif function in RATES and not found[0].counter:
                wrong.add(f"{who}: {function}() of the gauge {selector.name}")
            elif function in GAUGES and found[0].counter:
                wrong.add(f"{who}: {function}() of the counter {selector.name}")
    assert sorted(wrong) == []
    assert other_names == {
        "memory_queries_filtered_by_user_hash_total",
        "ruleiq_auth_failures",
        "ruleiq_ff_evaluations",
        "ruleiq_security_events",
    }
    # And nothing is in the table for nobody; sums of histograms come with them.
    assert {name for name in by_name if not name.endswith("_sum")} == looked


def families(prefix: str) -> dict[str, tuple[str, frozenset[str], tuple[float, ...]]]:
    return {
        one.name: (one.kind.value, frozenset(one.labels), one.bounds)
        for one in SOURCES
        if one.job.startswith(prefix)
    }


def declared(rollout: plan.Rollout) -> Iterator[tuple[str, tuple[str, frozenset[str], tuple[float, ...]]]]:
    """What the generated exporters of a rollout give."""
    none = frozenset[str]()
    for source in rollout.logs:
        for one in (*source.alive, *source.counters):
            yield one.name, ("counter", frozenset(one.labels), ())
        for two in source.histograms:
            yield two.name, ("histogram", none, tuple(map(float, two.buckets)))
        for three in source.gauges:
            yield three.name, ("gauge", frozenset(three.labels or ("line",)), ())
        for four in source.seen:
            yield four.name, ("gauge", frozenset({four.label}), ())
        if source.access is not None:
            yield source.access.requests, ("counter", frozenset({"status"}), ())
            yield source.access.duration, ("histogram", none, tuple(map(float, source.access.buckets)))
    if rollout.sql:
        yield "exporter_last_scrape_failed", ("gauge", frozenset({"sql_job", "query"}), ())
    for metric in (metric for source in rollout.sql for metric in source.metrics):
        kind = "counter" if metric.name.endswith("_total") else "gauge"
        yield metric.name, (kind, frozenset(metric.labels), ())


@pytest.mark.parametrize(
    ("rollout", "jobs"),
    [
        ("aidin-hardening", ("aidin-log", "aidin-sql")),
        ("aurigraph-v12", ("aurigraph-ci",)),
        ("mem0-redis", ("healthcare-clinic-backend-log", "healthcare-clinic-backend-sql")),
    ],
)
def test_what_a_generated_exporter_gives_stands_in_the_table_and_nothing_else(
    rollout: str, jobs: tuple[str, ...]
) -> None:
    [planned] = [one for one in own_plan().rollouts if one.name == rollout]
    assert {name: one for job in jobs for name, one in families(job).items()} == dict(declared(planned))


def test_every_job_of_the_table_is_scraped_and_the_other_way_round() -> None:
    scraped = {job.job for job in own_plan().environment.scrape} - {"handrail-receiver"}
    assert {family.job for family in SOURCES} == scraped


def told(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Each metric of a page with its kind and the labels of its first series."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    for name, inner in re.findall(r"^([a-z]\w*)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found.setdefault(name, (kinds.get(name, ""), frozenset(re.findall(r'(\w+)="', inner))))
    return found


def in_table(job: str) -> dict[str, tuple[str, frozenset[str]]]:
    return {name: (kind, labels) for name, (kind, labels, _) in families(job).items()}


def test_node_exporter_exports_what_the_table_says(tmp_path: Path) -> None:
    address = free_address()
    argv: list[str | Path] = ["prometheus-node-exporter", "--web.listen-address", address]
    url = f"http://{address}/metrics"
    with running("node", argv, folder=tmp_path, address=address, ready=lambda: answers(url)):
        page = told(httpx.get(url, verify=PLAIN).text)
    assert in_table("aurigraph-node") == in_table("ruleiq-node")
    assert {name: page.get(name) for name in in_table("ruleiq-node")} == in_table("ruleiq-node")


PROXY = """
global
    stats socket unix@haproxy.sock level admin
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend rest
    bind "${REST}"
    http-request return status 200
frontend grpc
    bind "${GRPC}"
    default_backend nobody
backend nobody
frontend metrics
    bind "${METRICS}"
    http-request use-service prometheus-exporter
"""


def test_haproxy_exports_what_it_was_asked_for_and_answered_at_each_frontend_also_by_itself(
    tmp_path: Path,
) -> None:
    env = {name: free_address() for name in ("REST", "GRPC", "METRICS")}
    (tmp_path / "haproxy.cfg").write_text(PROXY)
    with haproxy(tmp_path, tmp_path / "haproxy.cfg", address=env["REST"], env=env):
        for _ in range(3):
            httpx.get(f"http://{env['REST']}/", verify=PLAIN)
        httpx.get(f"http://{env['GRPC']}/", verify=PLAIN)
        text = httpx.get(f"http://{env['METRICS']}/metrics", verify=PLAIN).text
    page = told(text)
    assert {name: page.get(name) for name in in_table("aurigraph-haproxy")} == in_table("aurigraph-haproxy")
    assert {
        'haproxy_frontend_http_requests_total{proxy="rest"} 3',
        'haproxy_frontend_http_responses_total{proxy="rest",code="2xx"} 3',
        'haproxy_frontend_http_responses_total{proxy="grpc",code="5xx"} 1',
    } <= {*text.splitlines()}


def test_postgres_exporter_exports_what_the_table_says(tmp_path: Path) -> None:
    address = free_address()
    argv: list[str | Path] = ["prometheus-postgres-exporter", "--web.listen-address", address]
    url = f"http://{address}/metrics"
    with postgres(tmp_path) as database:
        name = f"postgresql://handrail@{database.address}/postgres?sslmode=disable"
        env = {"DATA_SOURCE_NAME": name}
        with running(
            "exporter",
            argv,
            folder=tmp_path,
            address=address,
            ready=lambda: answers(url),
            env=env,
        ):
            page = told(httpx.get(url, verify=PLAIN).text)
    # `server` is the exporter's own, and of no use to a panel.
    known = {
        name: (kind, labels - {"server"})
        for name, (kind, labels) in page.items()
        if name in in_table("aurigraph-db")
    }
    assert known == in_table("aurigraph-db")
