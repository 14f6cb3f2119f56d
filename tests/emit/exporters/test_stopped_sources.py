"""A log that stops arriving, with the real mtail and Prometheus: the guardrail is blind, not free of errors."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx
import yaml
from emit.each import of_each
from handrail.declare import (
    Above,
    Critical,
    Environment,
    Guardrail,
    Increase,
    LogCounter,
    LogSource,
    Rollout,
)
from handrail.emit import exporters, rules
from handrail.lower import lower
from servers import PLAIN, Server, prometheus, until

from .sources import metrics, mtail

SHOP = Rollout(
    "shop",
    "shop",
    guardrails=[
        Guardrail(
            "errors", Increase("failed_total", window="5s"), tiers=[Critical(Above(5))], blind_after="1s"
        )
    ],
    logs=[LogSource(counters=[LogCounter("failed_total", ["failed"])], silent_after="4s")],
    scrape="1s",
    evaluate="1s",
)
RULES = "shop.yml"


def stopped_after(lines: int, pipe: Path) -> subprocess.Popen[bytes]:
    """Ships the log: a line every 0.2 s through the pipe, then nothing."""
    script = f"for n in $(seq {lines}); do echo line $n; sleep 0.2; done > {pipe}"
    return subprocess.Popen(["sh", "-c", script])


def asked(server: Server, query: str) -> list[dict[str, str]]:
    """The labels of each sample of an answer."""
    answer = httpx.get(f"{server.url}/api/v1/query", params={"query": query}, verify=PLAIN).json()
    return [one["metric"] for one in answer["data"]["result"]]


def test_a_pipe_that_breaks_makes_its_guardrails_blind_and_one_that_is_there_again_makes_them_see(
    tmp_path: Path,
) -> None:
    plan = lower([SHOP], Environment("test"))
    [program] = of_each(exporters.emit, plan).values()
    [loaded] = of_each(rules.emit, plan).values()
    (tmp_path / RULES).write_text(loaded)
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    with mtail(tmp_path, pipe, program) as counting:
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [RULES],
            "scrape_configs": [
                {"job_name": "log", "static_configs": [{"targets": [counting.url.removeprefix("http://")]}]}
            ],
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
        with prometheus(tmp_path, tmp_path / "prometheus.yml") as judge:
            value, blind = "handrail:guardrail:value", 'ALERTS{alertname="ShopErrorsBlind"}'
            silent = f'{blind[:-1]},alertstate="firing",reason="its log is silent"}}'
            brought = stopped_after(20, pipe)
            until(lambda: asked(judge, value) != [], "no errors")
            brought.wait()
            until(lambda: asked(judge, silent) != [], "the silence")
            assert asked(judge, value) == []
            assert metrics(counting.url, "failed_total") == {"failed_total": 0}
            again = stopped_after(20, pipe)
            until(lambda: asked(judge, value) != [] and asked(judge, blind) == [], "no errors again")
            again.kill()
            again.wait()
