"""Every series that rules, gates and dashboards of the five rollouts read → it is of the rollout's own scrape jobs alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from dashboards.asked import selectors
from handrail.output.read_yaml import read_yaml

TOP = Path(__file__).parents[2]
JOBS = {
    "aidin-hardening": ["aidin-log", "aidin-sql"],
    "mem0-redis": [f"healthcare-clinic-backend-{kind}" for kind in ("log", "sql", "redis")],
    "aurigraph-v12": ["aurigraph", *(f"aurigraph-{kind}" for kind in ("ci", "haproxy", "db", "node"))],
    "relay-r1": [f"relay-{kind}" for kind in ("memory", "system", "sse")],
    "ruleiq": ["ruleiq", "ruleiq-node"],
}
HANDRAILS = re.compile(r"handrail[:_][\w:]+|ALERTS\w*|up")
"""What rules and the receiver made, which tells rollouts apart by a label; `up` only says how long a target is there."""


def asked(rollout: str) -> Iterator[str]:
    """Each query."""
    rules = read_yaml((TOP / f"generated/prometheus/rules/{rollout}.yml").read_text())
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    gates = json.loads((TOP / f"generated/playbook/{rollout}.json").read_text())["gates"]
    yield from (one[key] for gate in gates for one in gate["criteria"] for key in ("expr", "seen"))
    for file in TOP.glob(f"generated/grafana/dashboards/{rollout}*.json"):
        yield from _queries(json.loads(file.read_text())["panels"])


def _queries(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", []) if "expr" in target)
        yield from _queries(panel.get("panels", []))


def matches(selector: Any, job: str) -> bool:
    """Whether a series of this job may be selected."""
    of_job = [one for one in selector.matchers.matchers if one.name == "job"]
    assert {str(one.op).rpartition(".")[2] for one in of_job} <= {"Equal", "Re"}
    return all(re.fullmatch(one.value, job) is not None for one in of_job)


@pytest.mark.parametrize("rollout", JOBS)
def test_each_rollout_reads_its_own_jobs_and_nothing_of_another(rollout: str) -> None:
    foreign = [job for name, jobs in JOBS.items() if name != rollout for job in jobs] + ["checkout", ""]
    read = set[str]()
    for query in {*asked(rollout)}:
        text = query.replace("${span}", "1d").replace("$__rate_interval", "5m")
        for selector, _ in selectors(promql_parser.parse(text)):
            if selector.name and HANDRAILS.fullmatch(selector.name):
                continue
            assert [job for job in foreign if matches(selector, job)] == [], f"{selector.name} in {query}"
            own = {job for job in JOBS[rollout] if matches(selector, job)}
            assert own, f"{selector.name} in {query}"
            read |= own
    assert read == {*JOBS[rollout]}
