"""The flags that the clinic's application says it has loaded → no start while one is set and not loaded.

Read by the real mtail, judged by the real Prometheus with the generated rules, and asked by the receiver.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
import yaml
from emit.exporters.sources import mtail
from guarded.scraped import samples
from handrail.contract import Playbook
from handrail_receiver.operations.preflight import preflight
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.prometheus import Prometheus
from handrail_receiver.secrets import Secrets
from own_rollouts import own_plan

GENERATED = Path(__file__).parents[3] / "generated"
FLAGS = ("fast-path-enabled", "mem0-reads-enabled", "mem0-shadow-mode")
JOB = "healthcare-clinic-backend-log"
LINE = (
    "2025-10-16T18:40:00Z app[1] iad [info] Feature flags loaded: FAST_PATH_ENABLED={} CANARY_SAMPLE_RATE=0"
    " MEM0_READS_ENABLED={} MEM0_SHADOW_MODE={}\n"
)


def book() -> Playbook:
    """mem0's, with its flags alone."""
    [found] = [one.playbook for one in own_plan().rollouts if one.name == "mem0-redis"]
    return found.model_copy(
        update={"guardrails": tuple(one for one in found.guardrails if one.name in FLAGS), "rules_digest": ""}
    )


def rules() -> str:
    """The generated rules of the flags, judged four times a second, with what tells a silent log apart."""
    read = yaml.safe_load((GENERATED / "prometheus/rules/mem0-redis.yml").read_text())
    groups = [
        {**group, "interval": "250ms", "limit": 0}
        for group in read["groups"]
        if group["name"].rpartition("/")[2] in FLAGS
    ]
    return json.dumps({"groups": groups})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.touch()
    return path


@pytest.fixture
def url(tmp_path: Path, log: Path) -> Iterator[str]:
    """A Prometheus that reads what mtail makes of the log."""
    program = (GENERATED / "exporters/mem0-redis.mtail").read_text()
    (tmp_path / "rules.yml").write_text(rules())
    with mtail(tmp_path, log, program) as read:
        target = read.url.removeprefix("http://")
        config = tmp_path / "prometheus.yml"
        times = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), "250ms")
        job = {"job_name": JOB, "static_configs": [{"targets": [target]}]}
        config.write_text(json.dumps({"global": times, "rule_files": ["rules.yml"], "scrape_configs": [job]}))
        with servers.prometheus(tmp_path, config) as server:
            yield server.url


def stands_against(url: str) -> tuple[list[str], list[str]]:
    """What fires, and what else stands against a start."""

    async def ask() -> tuple[list[str], list[str]]:
        client = new_client(None)
        try:
            found = await preflight(Prometheus(Outside(client, Secrets(None, {})), url), book())
        finally:
            await client.aclose()
        unseen = [re.sub(r": .* has not been seen", ": not seen", one) for one in found.problems]
        return list(found.fires.sources), unseen

    return asyncio.run(ask())


def test_a_start_is_refused_until_each_flag_is_loaded_as_the_rollout_needs_it(url: str, log: Path) -> None:
    servers.until(lambda: bool(samples(url, f'up{{job="{JOB}"}} == 1')), "mtail to be scraped")
    never = [f"{flag}: not seen within 1d: nothing can be judged by it" for flag in FLAGS]
    assert stands_against(url) == ([], never)

    def says(*loaded: str) -> None:
        with log.open("a") as lines:
            lines.write(LINE.format(*loaded))

    says("false", "true", "true")
    two: tuple[list[str], list[str]] = (["fast-path-enabled/warning", "mem0-shadow-mode/warning"], [])
    servers.until(lambda: stands_against(url) == two, "the flags that are not loaded to be told")
    says("true", "true", "false")
    servers.until(lambda: stands_against(url) == ([], []), "nothing to stand against it")
