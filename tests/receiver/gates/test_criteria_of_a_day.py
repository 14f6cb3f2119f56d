"""A day in a real Prometheus, its night included → what the generated playbooks' gates say of it."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import servers
from handrail.contract import Criterion, Playbook
from handrail_receiver.clock import SystemClock
from handrail_receiver.gates.criteria import Criteria
from handrail_receiver.outside import Outside, new_client
from handrail_receiver.outside.prometheus import Prometheus
from handrail_receiver.secrets import Secrets

GENERATED = Path(__file__).parents[3] / "generated/playbook"
DAY, STEP = 24 * 3600, 60
Samples = Iterator[tuple[float, float]]
BASELINE = 776_000


def criterion(rollout: str, into: str, guardrail: str) -> Criterion:
    book = Playbook.model_validate_json((GENERATED / f"{rollout}.json").read_bytes())
    [gate] = [one for one in book.gates if one.into == into]
    return next(one for one in gate.criteria if one.guardrail == guardrail)


def told(tmp_path: Path, series: dict[str, Samples], asked: Criterion) -> str:
    """What the gate says of the stage that began a day ago, as somebody reads it."""
    written = tmp_path / "past"
    lines = [f"{name} {value:.6f} {at:.0f}" for name, samples in series.items() for at, value in samples]
    written.write_text("\n".join([*lines, "# EOF"]) + "\n")
    (tmp_path / "prometheus.yml").write_text("global: {}\n")
    servers.make_blocks(tmp_path, written)

    async def answer(url: str) -> str:
        client, clock = new_client(None), SystemClock()
        try:
            criteria = Criteria(Prometheus(Outside(client, Secrets(None, {})), url), clock)
            since = clock.now() - timedelta(seconds=DAY)
            found = (await criteria.ask([asked], since))[asked]
        finally:
            await client.aclose()
        return f"{'met' if found.met else 'closed' if found.known else 'unknown'}: {found.text}"

    with servers.prometheus(tmp_path, tmp_path / "prometheus.yml") as server:
        return asyncio.run(answer(server.url))


def moments() -> Iterator[float]:
    """Each minute of the last day, and an hour before it and some minutes after."""
    now = time.time() // STEP * STEP
    return (now - DAY - 3600 + place * STEP for place in range((DAY + 3600) // STEP + 5))


def asked_for(at: float) -> float:
    """Requests a second: 850 K at the most, a fifth of it at night."""
    return 850_000 * (0.6 + 0.4 * math.cos(2 * math.pi * at / DAY))


def counted(per_second: dict[float, float]) -> Samples:
    total = 0.0
    for at, rate in per_second.items():
        total += rate * STEP
        yield at, total


@pytest.mark.parametrize(
    ("capacity", "says"),
    [
        (1_200_000, r"met: held over the last 23 h 55 min, \d+ % of which could be judged"),
        (700_000, r"closed: throughput: not below 737200/s: broken within the last 23 h 55 min"),
    ],
    ids=["it serves what is asked for", "it cannot carry the baseline"],
)
def test_a_night_closes_no_gate_of_776_k_and_a_service_that_cannot_carry_it_does(
    tmp_path: Path, capacity: float, says: str
) -> None:
    asked = {at: asked_for(at) for at in moments()}
    served = {at: min(rate, capacity) for at, rate in asked.items()}
    own = 'rollout="aurigraph-v12",guardrail="throughput"'
    series = {
        'haproxy_frontend_http_requests_total{job="aurigraph-haproxy",proxy="rest"}': counted(asked),
        'http_requests_total{job="aurigraph",track="stable",status="200"}': counted(served),
        f"handrail:guardrail:value{{{own}}}": iter(
            [(at, served[at]) for at, rate in asked.items() if rate > BASELINE]
        ),
    }
    said = told(tmp_path, series, criterion("aurigraph-v12", "25%", "throughput"))
    assert re.fullmatch(says, said), said


@pytest.mark.parametrize(
    ("fails_each", "a_window", "says"),
    [
        (30, 10, r"met: 99\.6\d* %, of 2,8\d\d events since the stage began"),
        (
            4,
            10,
            r"closed: mem0-writes: above 99 %.*: broken: 97\.\d+ %, of 2,8\d\d events since the stage began",
        ),
        (
            30,
            2,
            r"unknown: mem0-writes: .*: not yet judged: 5\d\d events since the stage began; 1,000 are needed",
        ),
    ],
    ids=["four of a thousand", "one of forty", "too few to judge"],
)
def test_the_writes_of_a_stage_are_judged_together(
    tmp_path: Path, fails_each: int, a_window: int, says: str
) -> None:
    own = 'rollout="mem0-redis",guardrail="mem0-writes"'
    share = {at: 1 - (at // 300 % fails_each == 0) / a_window for at in moments()}
    series = {
        f"handrail:guardrail:value{{{own}}}": iter(share.items()),
        f"handrail:guardrail:events{{{own}}}": ((at, a_window) for at in share),
    }
    said = told(tmp_path, series, criterion("mem0-redis", "50%", "mem0-writes"))
    assert re.fullmatch(says, said), said


@pytest.mark.parametrize(
    ("slow", "says"),
    [
        (0.03, r"met: \d+(\.\d+)? ms, of 10,\d\d\d events since the stage began"),
        (
            0.08,
            r"closed: latency-p95: below 1 s.*: broken: 1\.\d+ s, of 10,\d\d\d events since the stage began",
        ),
    ],
    ids=["three of a hundred are slow", "eight of a hundred"],
)
def test_the_95th_percentile_of_a_stage_is_that_of_all_its_requests(
    tmp_path: Path, slow: float, says: str
) -> None:
    name, job = "http_request_duration_seconds", 'job="healthcare-clinic-backend-log"'
    own, whole = 'rollout="mem0-redis",guardrail="latency-p95"', dict.fromkeys(moments(), 7 / 60)
    quick = dict.fromkeys(moments(), 7 / 60 * (1 - slow))
    series = {
        f'{name}_bucket{{{job},le="0.5"}}': counted(quick),
        f'{name}_bucket{{{job},le="1"}}': counted(quick),
        f'{name}_bucket{{{job},le="2"}}': counted(whole),
        f'{name}_bucket{{{job},le="+Inf"}}': counted(whole),
        f"{name}_count{{{job}}}": counted(whole),
        f"handrail:guardrail:value{{{own}}}": ((at, 0.4) for at in whole),
        f"handrail:guardrail:events{{{own}}}": ((at, 35) for at in whole),
    }
    said = told(tmp_path, series, criterion("mem0-redis", "50%", "latency-p95"))
    assert re.fullmatch(says, said), said
